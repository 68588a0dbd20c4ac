"""While a position stays quiet, judging it would have said nothing and changed nothing that matters."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from monitor.domain.health import Line, Measured, NoDebt, Unmeasurable
from monitor.domain.row import Evaluation
from monitor.rules.judge import judge
from monitor.rules.levels import STEPS, Levels
from monitor.rules.quiet import WORST_STEP_PPM, Span, is_settled, measures_count_below_wad, quiet, unremarkable
from monitor.units import PPM, WAD, decimal_text
from tests.fakes.evaluations import block, evaluation
from tests.rules.scene import LEVELS, MODEL, TABLE

LINES = (WAD, *(LEVELS.default.steps[s].health_wad for s in STEPS))
STILL = evaluation("1").protocol
HEALTHS = st.one_of(
    st.integers(9 * WAD // 10, 17 * WAD // 10).map(lambda n: Measured(n, WAD, Line.BELOW, None)),
    st.tuples(st.sampled_from(LINES), st.integers(-3, 3)).map(lambda p: Measured(p[0] + p[1], WAD, Line.BELOW, None)),
    st.just(NoDebt()),
    st.just(Unmeasurable("no price")),
)
WAITS_S = st.sampled_from((12, 60, 121, 700, 3_700, 90_000))


def seen(protocol, cautious, number):
    one, other = (replace(STILL, health=health, at=block(number)) for health in (protocol, cautious))
    return Evaluation(one, other)


def inside(span: Span, health, share: int):
    """A health of the span, near the one it was made for or anywhere between its ends."""
    if span.is_blind:
        return Unmeasurable("still no price")
    if isinstance(health, NoDebt):
        return health
    low = span.above_wad if span.above_wad is not None else WAD // 2
    high = span.below_wad if span.below_wad is not None else 4 * WAD
    assume(high - low > 1)
    return Measured(low + 1 + (high - low - 2) * share // 1000, WAD, Line.BELOW, None)


@settings(max_examples=1_500, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(
    st.lists(st.tuples(HEALTHS, st.one_of(st.none(), HEALTHS), WAITS_S), min_size=1, max_size=7),
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000), WAITS_S), min_size=1, max_size=4),
)
def test_nothing_is_said_or_remembered_anew_while_a_position_is_quiet(path, later):
    state, now_s, number, last = None, 1_750_000_000, 100, None
    for health, cautious, wait_s in path:
        now_s, number = now_s + wait_s, number + 1
        last = seen(health, health if cautious is None else cautious, number)
        state = judge(state, last, LEVELS, now_s).state
    assert state is not None
    assert last is not None
    rest = quiet(state, last, LEVELS)
    assume(rest is not None)
    assert rest is not None
    assert rest.protocol.holds(last.protocol.health)
    assert rest.cautious.holds(last.cautious.health)
    for one, other, wait_s in later:
        now_s, number = now_s + wait_s, number + 1
        if rest.until_s is not None and now_s >= rest.until_s:
            return
        still = seen(
            inside(rest.protocol, last.protocol.health, one), inside(rest.cautious, last.cautious.health, other), number
        )
        judgement = judge(state, still, LEVELS, now_s)
        assert judgement.alerts == ()
        after = judgement.state
        same = ("level", "driver", "told", "streak", "gap", "incidents", "is_unknown")
        assert [getattr(after, name) for name in same] == [getattr(state, name) for name in same]
        assert (after.incident and after.incident.id) == (state.incident and state.incident.id)
        if after.incident is not None and state.incident is not None:
            assert after.incident.worst == state.incident.worst
            was_wad, worst_wad = state.incident.worst_health_wad, after.incident.worst_health_wad
            if was_wad is not None and worst_wad is not None:
                assert worst_wad >= was_wad - was_wad * WORST_STEP_PPM // PPM - 1


def test_a_settled_position_is_one_that_no_later_judgement_depends_on():
    state = judge(None, evaluation("2"), LEVELS, 1_750_000_000).state
    assert is_settled(state)
    assert not is_settled(judge(state, evaluation("1.4", at=2), LEVELS, 1_750_000_100).state)
    assert not is_settled(judge(state, evaluation("?", at=2), LEVELS, 1_750_000_100).state)


def test_who_was_never_judged_is_unremarkable_above_the_outermost_line_of_any_class():
    assert unremarkable(LEVELS) == Span(15 * WAD // 10)


def test_the_shipped_distances_never_enter_a_level_before_health_does():
    by_distance = Levels.parse(
        {**TABLE, "class": {name: _by_distance(table) for name, table in TABLE["class"].items()}}, risk=MODEL
    )
    assert measures_count_below_wad(by_distance) == 0


def _by_distance(table):
    """A class without what is worked out near a line."""
    rest = ("sigmas", "time_to_liquidation_s", "joint_bps")
    return {
        name: {key: line for key, line in step.items() if key not in rest} if isinstance(step, dict) else step
        for name, step in table.items()
    }


def test_a_class_that_lives_by_distance_is_judged_at_every_block_near_it():
    steps = {level: replace(step, health_wad=WAD) for level, step in LEVELS.default.steps.items()}
    by_distance = replace(LEVELS, default=replace(LEVELS.default, steps=steps), classes=())
    assert decimal_text(measures_count_below_wad(by_distance), 18).startswith("1.34")
    said = evaluation("1.3", distance_bps=3_000)
    assert quiet(judge(None, said, by_distance, 1_750_000_000).state, said, by_distance) is None


@pytest.mark.parametrize("health", ["1.5", "1.25", "1.545", "1"])
def test_exactly_on_a_line_the_next_block_is_judged(health):
    said = evaluation(health)
    assert quiet(judge(None, said, LEVELS, 1_750_000_000).state, said, LEVELS) is None
