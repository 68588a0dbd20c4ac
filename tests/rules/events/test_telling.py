"""What a message of an event carries: how the position stands, what changed in words, and nothing too long."""

import json
from dataclasses import replace

import pytest

from monitor.domain.alerts import Alert, AlertKind, Level
from monitor.domain.assessment import Leg
from monitor.domain.health import Unmeasurable
from monitor.domain.row import Evaluation
from monitor.rules.events.liquidations import Sighting
from monitor.rules.events.parameters import Change, Told, after_step, news, remembered
from monitor.rules.events.telling import CHANGES_SHOWN, LEGS_SHOWN, liquidation_alert, parameter_alert
from tests.fakes.evaluations import USDC, WETH, block, evaluation, factor
from tests.rules.events.forked import liquidation, ref
from tests.rules.scene import LEVELS

LONG = "0x" + "ab" * 20
BY = "0x" + "cd" * 32


def told(*changes: Change, seen: Evaluation | None = None) -> Alert:
    return parameter_alert(factor("1.2"), seen or evaluation("1.07"), changes, (WETH, USDC), LEVELS, block(7))


def shown(field: str, old: int | str | None, new: int | str | None, subject: str = WETH.address) -> dict[str, str]:
    (one,) = json.loads(told(Change(subject, field, old, new, "")).facts["changes"])
    return {key: value for key, value in one.items() if key != "subject"}


@pytest.mark.parametrize(
    ("field", "old", "new", "said"),
    [
        ("threshold_bps", 8_000, 7_550, {"field": "threshold", "old": "80 %", "new": "75.5 %"}),
        ("lltv_wad", 86 * 10**16, None, {"field": "lltv", "old": "86 %"}),
        ("supply_cap_tokens", None, 12, {"field": "supply cap", "new": "12"}),
        ("is_frozen", 0, 1, {"field": "frozen", "old": "no", "new": "yes"}),
        ("is_frozen", "0", 7, {"field": "frozen", "old": "0", "new": "7"}),
        ("oracle", LONG, "0x12", {"field": "oracle", "old": "0xabab…abab", "new": "0x12"}),
        ("count", 1, 2, {"field": "count", "old": "1", "new": "2"}),
        ("name", "x" * 42, "y", {"field": "name", "old": "x" * 42, "new": "y"}),
    ],
)
def test_a_change_is_told_in_the_unit_of_its_field(field, old, new, said: dict[str, str]):
    assert shown(field, old, new) == said


def test_a_subject_that_is_no_token_is_named_shortly_where_it_is_an_address_and_as_it_is_where_not():
    names = [json.loads(told(Change(s, "x", 1, 2, "")).facts["changes"])[0]["subject"] for s in (LONG, "category 2")]
    assert names == ["0xabab…abab", "category 2"]


def test_no_more_changes_are_listed_than_fit_and_the_rest_is_counted():
    changes = [Change(WETH.address, f"field{number}", 1, 2, "") for number in range(CHANGES_SHOWN + 1)]
    assert "more_changes" not in told(*changes[:-1]).facts
    assert told(*changes).facts["more_changes"] == "1"
    assert len(json.loads(told(*changes).facts["changes"])) == CHANGES_SHOWN


def test_the_first_transaction_there_is_is_named():
    assert told(Change("a", "x", 1, 2, ""), Change("b", "x", 1, 2, BY)).facts["transaction"] == BY
    assert "transaction" not in told(Change("a", "x", 1, 2, "")).facts


@pytest.mark.parametrize(
    ("protocol", "cautious", "level"),
    [
        ("1.07", "1.07", Level.DANGER),
        ("2", "2", Level.OK),
        ("?x", "?x", Level.WARN),
        ("?x", "2", Level.WARN),
        ("?x", "1.02", Level.CRITICAL),
    ],
)
def test_the_level_of_a_change_is_what_is_known_and_at_least_a_warning_where_not_all_is(protocol, cautious, level):
    alert = told(Change("a", "x", 1, 2, ""), seen=evaluation(protocol, cautious))
    assert (alert.level, alert.previous, alert.seq) == (level, level, 0)
    before = parameter_alert(Unmeasurable("x"), evaluation("2"), (), (), LEVELS, block(7))
    assert "health_before" not in before.facts


def test_a_liquidation_seen_and_announced_are_two_messages_of_one_incident_with_what_is_left():
    sighting = Sighting(liquidation(7, 104, 9_000_000), block(105))
    leg: Leg = evaluation("1.07").protocol.legs[0]
    seen = evaluation("1.07")
    many = (replace(leg, amount_raw=0), *[leg] * (LEGS_SHOWN + 3))
    seen = replace(seen, protocol=replace(seen.protocol, legs=many))
    kinds = (AlertKind.LIQUIDATION_SEEN, AlertKind.LIQUIDATED)
    first, last = (liquidation_alert(sighting, kind, seen, LEVELS, block(110)) for kind in kinds)
    assert (first.seq, last.seq) == (0, 1)
    assert first.incident == last.incident
    assert len(json.loads(first.facts["left"])) == LEGS_SHOWN
    assert all(one["amount"] != "0" for one in json.loads(first.facts["left"]))


def change(number: int, old: int, new: int, transaction: str = "") -> Change:
    return Change(f"subject {number}", "x", old, new, transaction)


def test_only_what_a_reorg_took_back_is_undone_without_a_word_by_a_change_that_no_log_tells():
    done, back = change(1, 1, 2, BY), change(1, 2, 1)
    memory = {done.id: Told(done, ref(5, 0, ""), stands=False)}
    assert news(memory, [back]) == ()
    for other in (change(1, 2, 3), change(1, 3, 1), change(2, 2, 1), change(1, 2, 1, "0x01")):
        assert news(memory, [other]) == (other,)
    standing = {done.id: Told(done, ref(5, 0, ""))}
    assert news(standing, [back]) == (back,)
    assert remembered(memory, [back], ref(6, 0, "")).keys() == memory.keys()
    assert remembered(memory, [change(1, 2, 3)], ref(6, 0, "")).keys() > memory.keys()
    twice = memory | {change(1, 7, 8, "0x02").id: Told(change(1, 7, 8, "0x02"), ref(5, 0, ""), stands=False)}
    assert news(twice, [back]) == (), "of several that were taken back it undoes one"


def test_a_step_takes_back_what_stood_in_a_block_of_the_journal_that_is_no_more():
    done = change(1, 1, 2, BY)
    journal = [ref(7, 1, ""), ref(6, 1, ""), ref(5, 1, "")]
    for number, stands in ((4, True), (5, False), (7, False)):
        gone = replace(ref(number, 1, ""), hash="0xgone")
        (after,) = after_step({done.id: Told(done, gone)}, journal).values()
        assert after.stands is stands
    (after,) = after_step({done.id: Told(done, ref(6, 1, ""))}, journal).values()
    assert after.stands
