"""A change of parameters is told once, in its block, and a reorg neither repeats it nor is told as one."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitor.rules.events.liquidations import REMEMBERED_S
from monitor.rules.events.parameters import Change, Memory, after_step, joined, news, remembered
from monitor.store.records import event_from, event_record
from tests.rules.events.forked import ref

GENESIS = ref(0, 0, "")
ONE, TWO = ref(1, 0, GENESIS.hash), ref(2, 0, "0x1")
OTHER, OTHER_TWO = ref(1, 1, GENESIS.hash), ref(2, 1, "0x1")
LOWER = Change("0xweth", "threshold_bps", 8_000, 7_500, "0xaa")
UNDONE = Change("0xweth", "threshold_bps", 7_500, 8_000)
DIED = Change("0xpool", "sentinel", "0x1", "0x2")


def after(memory: Memory, changes: list[Change]) -> Memory:
    return remembered(memory, changes, ONE)


def test_a_change_is_news_once():
    assert news({}, [LOWER]) == (LOWER,)
    assert news(after({}, [LOWER]), [LOWER]) == ()


def test_another_transaction_that_sets_the_same_is_news():
    again = replace(LOWER, transaction="0xbb")
    assert news(after({}, [LOWER]), [again]) == (again,)


def test_what_a_reorg_undoes_and_mines_again_is_told_neither_time():
    memory = after_step(after({}, [LOWER]), [OTHER, GENESIS])
    assert news(memory, [UNDONE]) == ()
    memory = remembered(memory, [UNDONE], OTHER)
    assert news(after_step(memory, [OTHER_TWO, OTHER, GENESIS]), [LOWER]) == ()


def test_what_is_set_back_without_a_reorg_is_news():
    memory = after_step(after({}, [LOWER]), [TWO, ONE, GENESIS])
    by_vote = replace(UNDONE, transaction="0xcc")
    assert news(memory, [UNDONE]) == (UNDONE,)
    assert news(memory, [by_vote]) == (by_vote,)


def test_what_no_log_tells_is_news_each_time_it_changes_and_not_when_a_reorg_repeats_it():
    memory = after({}, [DIED])
    assert news(after_step(memory, [TWO, ONE, GENESIS]), [DIED]) == (DIED,)
    undone = after_step(memory, [OTHER, GENESIS])
    assert news(undone, [DIED]) == ()
    standing = remembered(undone, [DIED], OTHER)
    back = replace(DIED, old="0x2", new="0x1")
    assert news(after_step(standing, [OTHER_TWO, OTHER, GENESIS]), [back]) == (back,)


def test_what_was_told_is_forgotten_after_a_day_of_the_chain():
    memory = after({}, [LOWER])
    last = replace(ref(9_000, 0, ""), timestamp_s=ONE.timestamp_s + REMEMBERED_S)
    assert after_step(memory, [last]) == memory
    assert after_step(memory, [replace(last, timestamp_s=last.timestamp_s + 1)]) == {}


def test_steps_that_were_not_committed_are_told_as_one_change_and_not_at_all_when_they_cancel():
    more = Change("0xweth", "threshold_bps", 7_500, 7_000, "0xbb")
    other = Change("0xweth", "is_frozen", 0, 1, "0xbb")
    assert joined([LOWER], [more, other]) == (replace(more, old=8_000), other)
    assert joined([LOWER], [UNDONE]) == ()


VALUES = st.one_of(st.none(), st.integers(0, 2**256), st.text(max_size=40))


@given(st.builds(Change, st.text(max_size=60), st.text(max_size=40), VALUES, VALUES, st.text(max_size=70)))
def test_what_was_told_comes_back_from_the_store_as_it_was(change: Change):
    (told,) = after({}, [change]).values()
    row = event_record(told)
    assert event_from(row["kind"], row["event"]) == told
