"""A liquidation is seen at once, announced once when settled, and never taken back aloud."""

import json
import time
from collections import deque
from dataclasses import replace

from monitor.domain.alerts import AlertKind
from monitor.domain.moment import BlockRef
from monitor.rules.events.liquidations import REMEMBERED_S, Pending, Sighting, due, taken, told, uncertain
from monitor.store.records import event_from, event_record
from tests.rules.events.forked import Forked, Heard, liquidation, ref

FORKS = 10_000
JOURNAL = 128
SEEN, ANNOUNCED = AlertKind.LIQUIDATION_SEEN, AlertKind.LIQUIDATED
GENESIS = ref(0, 0, "")
ONE = ref(1, 0, GENESIS.hash)
TWO = ref(2, 0, ONE.hash)
OTHER = ref(1, 1, GENESIS.hash)
OTHER_TWO = ref(2, 1, OTHER.hash)


def said(pending: Pending, settled: int | None) -> list[tuple[str, AlertKind, int]]:
    return [(s.id, kind, s.liquidation.seized_raw) for s, kind in due(pending, settled)]


def after_telling(pending: Pending, settled: int | None) -> Pending:
    return told(pending, due(pending, settled))


def test_a_liquidation_is_told_as_seen_at_once_and_announced_when_its_block_is_settled():
    what = liquidation(7, 1, 50)
    pending = taken({}, [what], [ONE, GENESIS])
    assert said(pending, 0) == [(what.id, SEEN, 50)]
    pending = after_telling(pending, 0)
    assert said(pending, 0) == []
    assert said(pending, None) == []
    assert said(pending, 1) == [(what.id, ANNOUNCED, 50)]
    assert said(after_telling(pending, 1), 1) == []


def test_what_is_settled_when_it_is_found_is_announced_and_not_called_uncertain():
    pending = taken({}, [liquidation(7, 1, 50)], [ONE, GENESIS])
    assert [kind for _, kind in due(pending, 5)] == [ANNOUNCED]


def test_what_a_reorg_drops_is_neither_announced_nor_retracted():
    pending = after_telling(taken({}, [liquidation(7, 1, 50)], [ONE, GENESIS]), 0)
    pending = taken(pending, [], [OTHER, GENESIS])
    assert said(pending, 0) == []
    assert said(pending, 1) == []


def test_what_a_reorg_moves_is_not_told_twice_and_announced_with_the_amounts_of_its_new_block():
    pending = after_telling(taken({}, [liquidation(7, 1, 50)], [ONE, GENESIS]), 0)
    pending = taken(pending, [], [OTHER, GENESIS])
    moved = liquidation(7, 2, 49)
    pending = taken(pending, [moved], [OTHER_TWO, OTHER, GENESIS])
    assert said(pending, 1) == []
    assert said(pending, 2) == [(moved.id, ANNOUNCED, 49)]


def test_what_was_announced_is_not_told_again_even_when_a_reorg_goes_below_what_was_settled():
    pending = after_telling(taken({}, [liquidation(7, 1, 50)], [ONE, GENESIS]), 1)
    pending = taken(pending, [liquidation(7, 1, 50)], [OTHER, GENESIS])
    assert said(pending, 1) == []


def test_two_of_one_transaction_are_two():
    pair = [liquidation(7, 1, 50), liquidation(7, 1, 60, number=1)]
    pending = taken({}, pair, [ONE, GENESIS])
    assert said(pending, 1) == [(one.id, ANNOUNCED, one.seized_raw) for one in pair]


def test_a_step_older_than_the_journal_stands_and_one_within_it_that_is_missing_does_not():
    pending = taken({}, [liquidation(7, 1, 50)], [TWO, GENESIS])
    far = [ref(n, 0, "") for n in range(300, 200, -1)]
    assert said(taken(pending, [], far), 300) == said(pending, 300)
    assert said(taken(pending, [], [OTHER_TWO, OTHER, GENESIS]), 300) == []


def test_with_the_journal_lost_nothing_is_announced_until_it_is_found_again():
    what = liquidation(7, 1, 50)
    pending = uncertain(after_telling(taken({}, [what], [ONE, GENESIS]), 0))
    assert said(pending, 1) == []
    assert said(taken(pending, [what], [ref(90, 0, "")]), 80) == [(what.id, ANNOUNCED, 50)]


def test_what_was_announced_is_forgotten_when_no_step_can_tell_it_again_and_what_waits_never():
    over = after_telling(taken({}, [liquidation(7, 1, 50)], [ONE, GENESIS]), 1)
    waits = taken({}, [liquidation(8, 1, 50)], [ONE, GENESIS])
    assert taken({**over, **waits}, [], [TWO, ONE]).keys() == {*over, *waits}
    assert taken({**over, **waits}, [], [ref(3, 0, TWO.hash), TWO]).keys() == waits.keys()


def test_what_a_reorg_dropped_is_forgotten_after_a_day_of_the_chain():
    dropped = taken(taken({}, [liquidation(7, 1, 50)], [ONE, GENESIS]), [], [OTHER, GENESIS])
    later = replace(ref(9_000, 0, ""), timestamp_s=ONE.timestamp_s + REMEMBERED_S)
    assert taken(dropped, [], [later]).keys() == dropped.keys()
    assert taken(dropped, [], [replace(later, timestamp_s=later.timestamp_s + 1)]) == {}


def _stored(pending: Pending) -> Pending:
    rows = json.loads(json.dumps([event_record(one) for one in pending.values()]))
    events = [event_from(row["kind"], row["event"]) for row in rows]
    return {one.id: one for one in events if isinstance(one, Sighting)}


def test_ten_thousand_random_forks_announce_each_settled_liquidation_once_as_it_stands():
    started = time.perf_counter()
    chain, heard = Forked(seed=11), Heard()
    chance = chain.chance
    journal: deque[BlockRef] = deque([chain.head], maxlen=JOURNAL + 1)
    pending: Pending = {}
    kept: tuple[deque[BlockRef], Pending] = (journal.copy(), pending)
    dropped = failed = crashed = 0
    for fork in range(FORKS):
        deep = chance.randrange(100) if fork % 100 == 0 else int(chance.expovariate(0.5))
        dropped += chain.fork(deep)
        if chance.random() < 0.05:
            journal, pending, crashed = kept[0].copy(), kept[1], crashed + 1
            if crashed % 10 == 0:
                assert _stored(pending) == pending
        if chance.random() < 0.2 and chain.head.number - journal[-1].number < 100:
            continue
        while chain.blocks[journal[-1].number : journal[-1].number + 1] != [journal[-1]]:
            journal.pop()
        new = chain.blocks[journal[-1].number + 1 :]
        if new:
            journal.append(new[-1])
        found = [one for block in new for one in chain.of(block)]
        pending = taken(pending, found, list(reversed(journal)))
        if chance.random() < 0.1:
            failed += 1
            continue
        settled = chain.settled if chance.random() < 0.9 else None
        messages = due(pending, settled)
        pending = told(pending, messages)
        kept = journal.copy(), pending
        reached = heard.checked if settled is None else settled
        heard.hear(messages, reached)
        heard.check(chain, journal[-1], reached)
    took_s = time.perf_counter() - started
    again = sum(heard.seen.values())
    print(
        f"{FORKS} forks, {dropped} blocks taken back, {failed} commits refused, {crashed} crashes: "
        f"{len(heard.announced)} announced, {again} seen, {took_s:.1f} s"
    )
    assert len(heard.announced) > 3_000
    assert dropped > 10_000
    assert min(failed, crashed) > 300
