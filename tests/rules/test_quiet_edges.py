"""Exactly how far a position may move, and how long it may wait: the ends of each span and each time."""

from dataclasses import replace

import pytest

from monitor.domain.alerts import Level
from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.row import Evaluation
from monitor.rules.judge import judge
from monitor.rules.levels import Levels, Threshold, Thresholds
from monitor.rules.quiet import NO_HEALTH_WAD, WORST_STEP_PPM, Quiet, Span, quiet, unremarkable
from monitor.rules.state import PositionState
from monitor.units import PPM, WAD, scaled_from_text
from tests.fakes.evaluations import block, evaluation
from tests.risk.test_pegs import loan
from tests.rules.scene import LEVELS, MODEL, TABLE

NOW_S = 1_750_000_000


def wad(text: str) -> int:
    return scaled_from_text(text, 18)


def rested(
    seen: Evaluation, levels: Levels = LEVELS, past: PositionState | None = None, at_s: int = NOW_S
) -> Quiet | None:
    return quiet(judge(past, seen, levels, at_s).state, seen, levels)


@pytest.mark.parametrize(
    ("span", "health", "holds"),
    [
        (Span(WAD, 2 * WAD), Measured(WAD + 1, WAD, Line.BELOW, None), True),
        (Span(WAD, 2 * WAD), Measured(WAD, WAD, Line.BELOW, None), False),
        (Span(WAD, 2 * WAD), Measured(2 * WAD - 1, WAD, Line.BELOW, None), True),
        (Span(WAD, 2 * WAD), Measured(2 * WAD, WAD, Line.BELOW, None), False),
        (Span(None, WAD), Measured(0, WAD, Line.BELOW, None), True),
        (Span(WAD), Measured(9, 1, Line.BELOW, None), True),
        (Span(is_blind=True), Measured(9, 1, Line.BELOW, None), False),
        (Span(WAD), NoDebt(), True),
        (Span(WAD, 2 * WAD), NoDebt(), False),
        (Span(is_blind=True), NoDebt(), False),
        (Span(is_blind=True), Unmeasurable("x"), True),
        (Span(WAD), Unmeasurable("x"), False),
    ],
)
def test_a_span_holds_what_lies_strictly_between_its_ends(span: Span, health: Health, holds: bool):
    assert span.holds(health) is holds


def test_a_watched_loan_may_move_between_the_lines_around_it_and_half_a_per_cent_below_its_worst():
    worst = wad("1.3") * (PPM - WORST_STEP_PPM) // PPM
    assert rested(evaluation("1.3")) == Quiet(Span(worst, wad("1.5")), Span(wad("1.2875"), wad("1.5")))


def test_a_warned_loan_is_looked_at_when_its_message_is_due_again():
    found = rested(evaluation("1.2"))
    assert found is not None
    assert found.until_s == NOW_S + 86_400
    assert found.cautious.below_wad == wad("1.25")


def test_who_owes_nothing_is_quiet_above_the_highest_line_and_who_is_not_measured_until_that_is_to_be_told():
    assert rested(evaluation("none")) == Quiet(Span(wad("1.545")), Span(wad("1.545")))
    assert rested(evaluation("?")) == Quiet(Span(is_blind=True), Span(is_blind=True), NOW_S + 120)
    state = judge(None, evaluation("?"), LEVELS, NOW_S).state
    assert rested(evaluation("?", at=2), LEVELS, state, NOW_S + 120) == Quiet(Span(is_blind=True), Span(is_blind=True))
    told = judge(state, evaluation("?", at=2), LEVELS, NOW_S + 120).state
    assert rested(evaluation("2", at=3), LEVELS, told, NOW_S + 130) is None, "it is mending"


def test_past_the_line_it_rests_where_it_can_be_liquidated_and_is_looked_at_where_only_time_forbids_it():
    assert rested(evaluation("0.9"), WIDE) is not None
    assert rested(evaluation("0.9", blockers=("paused",)), WIDE) is None
    assert rested(evaluation("1.2", blockers=("paused",)), WIDE) is not None


def plain(**lines: str) -> Levels:
    """One class told by health alone."""
    steps = {level: Threshold(wad(lines[level.name.lower()]), 0) for level in LEVELS.default.steps}
    return replace(LEVELS, default=Thresholds(steps, 10_300), classes=())


WIDE = plain(watch="1.5", warn="1.03", danger="1.02", critical="1.01")


def test_a_quarter_of_what_remained_and_a_little_more_is_an_end_of_the_span():
    """At 1.2 one sixth of the collateral may be lost, 166,666 parts: three quarters of it and 200 are 125,200."""
    found = rested(evaluation("1.2"), WIDE)
    assert found is not None
    assert found.cautious.above_wad == -(-WAD * PPM // (PPM - 125_200))


@pytest.mark.parametrize(("protocol", "cautious"), [("1.0001", "9"), ("9", "1.0001"), ("1.0001", "1.0001")])
def test_where_next_to_nothing_remained_every_block_is_judged(protocol: str, cautious: str):
    levels = plain(watch="1.5", warn="0.9", danger="0.8", critical="0.7")
    assert rested(evaluation(protocol, cautious), levels) is None
    assert rested(evaluation("1.001", "1.001"), levels) is not None


def test_only_the_assets_that_a_loan_has_bound_how_likely_its_line_is():
    """Of ether against dollars one standard deviation is 4 %; of a coin nobody knows against another 15 %."""
    for held, is_quiet in (("rETH", True), ("WETH of nobody", False)):
        of = replace(loan({held: 10**12}, {"WETH of nobody" if held != "rETH" else "USDC": 10**12}), at=block(1, NOW_S))
        seen = replace(of, health=Measured(114, 100, Line.BELOW, None))
        assert (rested(Evaluation(seen, seen)) is not None) is is_quiet


def test_a_loop_is_looked_at_for_its_interest_and_ends_where_that_can_matter_no_more():
    of = replace(loan({"rETH": 10**12}, {"WETH": 10**12}), at=block(1, NOW_S))
    for factor, is_timed in ((103, True), (116, True), (117, False)):
        seen = replace(of, health=Measured(factor, 100, Line.BELOW, None))
        found = rested(Evaluation(seen, seen))
        assert found is not None
        assert (found.until_s is not None) is is_timed


def test_classes_of_loans_alone_say_what_is_unremarkable():
    for kind, above in (("lending", "3"), ("perp", "1.5")):
        own = {"class": {"mine": {"kinds": [kind], "watch": {"health": "3"}}}}
        assert unremarkable(Levels.parse(TABLE, own, MODEL)) == Span(wad(above))
    far = {"class": {"mine": {"protocols": ["x"], "watch": {"distance_bps": 10_000}}}}
    assert unremarkable(Levels.parse(TABLE, far, MODEL)) == Span(NO_HEALTH_WAD)
    assert LEVELS.default.steps[Level.WATCH].health_wad == wad("1.5")
