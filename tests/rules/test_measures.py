"""Levels by distance, joint moves, standard deviations and time: each enters, holds and leaves as health does."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.alerts import AlertKind, Level
from monitor.domain.assessment import Kind, Nearness
from monitor.domain.health import Line, Measured
from monitor.domain.row import Evaluation
from monitor.rules.judge import judge
from monitor.rules.levels import STEPS, Levels, Threshold, Thresholds
from monitor.rules.quiet import LOOK_S, NEAR_WAD, Span, measures_count_below_wad, quiet, unremarkable
from monitor.rules.reading import reading
from monitor.rules.state import Driver
from monitor.units import PPM, WAD
from tests.fakes.evaluations import block, evaluation, position
from tests.rules.scene import LEVELS

NOW_S, DAY_S = 1_750_000_000, 86_400


def told_by(**lines: int) -> Levels:
    """Levels of one class with these lines for CRITICAL, and twice, three and four times as wide for the others."""
    steps = {
        level: Threshold(**{"health_wad": 0, "distance_bps": 0, **{name: line * times for name, line in lines.items()}})
        for times, level in enumerate(STEPS, 1)
    }
    return replace(LEVELS, default=Thresholds(steps, 10_300, LEVELS.default.widest_ppm), classes=())


BY_JOINT, BY_SIGMAS = told_by(joint_bps=200), told_by(sigmas_ppm=PPM)
BY_TIME, BY_DISTANCE = told_by(time_to_liquidation_s=DAY_S), told_by(distance_bps=100)


def seen(
    joint_ppm: int | None = None,
    sigmas_ppm: int | None = None,
    left_s: int | None = None,
    distance_bps: int | None = None,
) -> Evaluation:
    near = Nearness("bitcoin", joint_ppm, None if joint_ppm is None else "falls", DAY_S, sigmas_ppm)
    found = evaluation("1.3", distance_bps=distance_bps)
    return replace(found, nearness=near, time_to_liquidation_s=left_s)


@pytest.mark.parametrize(
    ("levels", "said", "driver"),
    [
        (BY_JOINT, seen(joint_ppm=39_999), Driver.JOINT),
        (BY_SIGMAS, seen(sigmas_ppm=1_999_999), Driver.SIGMAS),
        (BY_TIME, seen(left_s=2 * DAY_S - 1), Driver.TIME),
        (BY_DISTANCE, seen(distance_bps=199), Driver.DISTANCE),
    ],
)
def test_a_measure_enters_a_level_below_its_line_and_is_named_as_what_sets_it(
    levels: Levels, said: Evaluation, driver: Driver
):
    found = reading(said, levels)
    assert (found.level, found.driver) == (Level.DANGER, driver)
    (alert,) = judge(None, said, levels, NOW_S).alerts
    assert (alert.level, alert.facts["driver"]) == (Level.DANGER, driver.value)


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        (BY_JOINT, seen(joint_ppm=40_000)),
        (BY_SIGMAS, seen(sigmas_ppm=2 * PPM)),
        (BY_TIME, seen(left_s=2 * DAY_S)),
        (BY_DISTANCE, seen(distance_bps=200)),
    ],
)
def test_at_its_line_a_level_is_not_entered_but_held_until_clear_of_it(levels: Levels, said: Evaluation):
    found = reading(said, levels)
    assert (found.level, found.keeps) == (Level.WARN, Level.DANGER)


def test_a_class_that_does_not_tell_levels_by_a_measure_does_not_follow_it():
    by_health = told_by(health_wad=WAD * 35 // 100)
    said = seen(joint_ppm=0, sigmas_ppm=0, left_s=0)
    assert reading(replace(said, nearness=None), by_health).level == reading(said, by_health).level == Level.WATCH
    assert reading(said, by_health).driver is Driver.PROTOCOL


def test_what_is_not_worked_out_is_far_away_and_holds_no_level():
    assert reading(seen(), BY_SIGMAS).keeps == Level.OK
    assert reading(evaluation("3"), BY_JOINT).level == Level.OK


def test_the_worst_of_all_measures_is_the_level():
    levels = told_by(joint_bps=200, sigmas_ppm=PPM, time_to_liquidation_s=DAY_S)
    found = reading(seen(joint_ppm=70_000, sigmas_ppm=PPM - 1, left_s=3 * DAY_S), levels)
    assert (found.level, found.driver) == (Level.CRITICAL, Driver.SIGMAS)


def test_without_a_line_of_health_negative_equity_of_a_cautious_view_enters_none():
    said = replace(evaluation("1.3", "1.2"), nearness=None)
    bad = replace(said.cautious, health=Measured(-1, WAD, Line.BELOW, None))
    assert reading(replace(said, cautious=bad), BY_SIGMAS).level == Level.OK


def test_a_level_by_standard_deviations_worsens_at_once_and_deteriorates_by_joint_moves():
    state = judge(None, seen(sigmas_ppm=1_500_000), BY_SIGMAS, NOW_S).state
    (worse,) = judge(state, seen(sigmas_ppm=900_000), BY_SIGMAS, NOW_S + 12).alerts
    assert (worse.kind, worse.level) == (AlertKind.WORSENED, Level.CRITICAL)
    state = judge(None, seen(joint_ppm=19_000), BY_JOINT, NOW_S).state
    (again,) = judge(state, seen(joint_ppm=14_000), BY_JOINT, NOW_S + 12).alerts
    assert again.kind is AlertKind.DETERIORATED


@given(st.integers(0, 10 * PPM), st.integers(0, 10 * PPM))
def test_a_nearer_line_is_never_a_better_level(one: int, other: int):
    near, far = sorted((one, other))
    for levels, worse, better in (
        (BY_SIGMAS, seen(sigmas_ppm=near), seen(sigmas_ppm=far)),
        (BY_JOINT, seen(joint_ppm=near), seen(joint_ppm=far)),
        (BY_TIME, seen(left_s=near), seen(left_s=far)),
    ):
        assert (reading(worse, levels).level or Level.OK) >= (reading(better, levels).level or Level.OK)


@pytest.mark.parametrize("levels", [BY_JOINT, BY_SIGMAS])
def test_a_measure_that_health_does_not_bound_has_everyone_near_judged_at_every_block(levels: Levels):
    said = seen(joint_ppm=50_000, sigmas_ppm=3 * PPM - 1)
    assert quiet(judge(None, said, levels, NOW_S).state, said, levels) is None
    assert measures_count_below_wad(levels) >= NEAR_WAD - WAD // 4
    assert unremarkable(levels) == Span(measures_count_below_wad(levels))


def test_rates_that_may_come_first_are_looked_at_again_within_a_quarter_of_an_hour_each_loan_at_its_own_time():
    said = replace(evaluation("1.01"), time_to_liquidation_s=9 * DAY_S)
    due = set()
    for number in range(40):
        of = replace(said.protocol, id=position(number), at=block(1, NOW_S))
        mine = replace(said, protocol=of, cautious=replace(said.cautious, id=of.id))
        rest = quiet(judge(None, mine, BY_TIME, NOW_S).state, mine, BY_TIME)
        assert rest is not None
        assert rest.until_s is not None
        due.add(rest.until_s)
    assert min(due) >= NOW_S + LOOK_S // 2
    assert max(due) <= NOW_S + LOOK_S
    assert len(due) > 30
    far = replace(said, protocol=evaluation("1.06").protocol, cautious=evaluation("1.06").cautious)
    rest = quiet(judge(None, far, BY_TIME, NOW_S).state, far, BY_TIME)
    assert rest is not None
    assert rest.until_s is None
    assert rest.protocol.above_wad == measures_count_below_wad(BY_TIME), "from where rates count again"


def test_no_health_of_a_perpetual_account_bounds_its_distance():
    said = evaluation("1.3")
    traded = replace(said, protocol=replace(said.protocol, kind=Kind.PERP))
    assert quiet(judge(None, said, LEVELS, NOW_S).state, said, LEVELS) is not None
    assert quiet(judge(None, traded, LEVELS, NOW_S).state, traded, LEVELS) is None
    assert (unremarkable(LEVELS, Kind.PERP).above_wad or 0) >= 10**6 * WAD
