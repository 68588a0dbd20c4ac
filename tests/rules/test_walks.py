"""Properties of the rules over long walks: no chatter inside a band, no delay, no false comfort."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from monitor.domain.alerts import Alert, AlertKind, Level
from monitor.domain.assessment import Assessment
from monitor.domain.health import Line, Measured, NoDebt, Unmeasurable
from monitor.domain.row import Evaluation
from monitor.rules.judge import judge
from monitor.rules.levels import STEPS
from monitor.rules.reading import reading
from monitor.units import BPS, WAD, decimal_text, mul_div_down
from tests.fakes.evaluations import block, evaluation
from tests.risk.test_pegs import loan
from tests.rules.scene import LEVELS, Scene

WALKS_PER_LEVEL = 2_500


@pytest.mark.parametrize("level", STEPS)
def test_oscillation_around_a_threshold_costs_two_messages_at_most(level: Level):
    """Within 1.5 % of the threshold, half of the way to where the level is left."""
    assert _most_messages(STILL, level, 15_000, WALKS_PER_LEVEL) in {1, 2}


@pytest.mark.parametrize("level", STEPS)
@pytest.mark.parametrize("held", [({"rETH": 1}, {"WETH": 1}), ({"USDC": 1}, {"USDC": 1})], ids=["loop", "stable"])
def test_oscillation_around_the_thresholds_of_a_class_costs_no_more(held: tuple[dict[str, int], ...], level: Level):
    of = loan(*held)
    band_ppm = (LEVELS.of(of).release_bps - BPS) * 100 // 2
    assert _most_messages(of, level, band_ppm, WALKS_PER_LEVEL // 10) in {1, 2}


def _most_messages(of: Assessment, level: Level, band_ppm: int, walks: int) -> int:
    """Return the most messages that walks within a band around a threshold cost, the one that enters the band apart."""
    line_wad = LEVELS.of(of).steps[level].health_wad
    chance, found = random.Random(int(level)), list[int]()
    for _ in range(walks):
        offset_ppm, now_s, state, messages = chance.randint(0, band_ppm), 1_750_000_000, None, 0
        for step in range(chance.randint(8, 20)):
            now_s += chance.choice((12, 24, 60))
            judgement = judge(state, _at(line_wad * (1_000_000 + offset_ppm), step, of), LEVELS, now_s)
            state = judgement.state
            messages += sum(a.level >= level or step > 0 for a in judgement.alerts)
            moved_ppm = offset_ppm + chance.randint(-band_ppm * 8 // 15, band_ppm * 8 // 15)
            offset_ppm = max(-band_ppm, min(band_ppm, moved_ppm))
        found.append(messages)
    return max(found)


STILL = evaluation("1").protocol


def _at(numerator: int, number: int, of: Assessment = STILL) -> Evaluation:
    health = Measured(numerator, WAD * 1_000_000, Line.BELOW, None)
    seen = replace(of, health=health, at=block(number))
    return Evaluation(seen, seen)


HEALTHS = st.one_of(
    st.integers(-WAD, 3 * WAD).map(lambda n: Measured(n, WAD, Line.BELOW, None)),
    st.sampled_from(STEPS).flatmap(
        lambda s: st.integers(-3, 3).map(
            lambda n: Measured(LEVELS.default.steps[s].health_wad + n, WAD, Line.BELOW, None)
        )
    ),
    st.just(NoDebt()),
    st.just(Unmeasurable("no price")),
)


@given(HEALTHS, HEALTHS, st.one_of(st.none(), st.integers(-10, 20_000)), st.integers(0, 2**40))
def test_every_evaluation_gives_one_answer_and_the_same_one(protocol, cautious, distance_bps, now_s):
    seen = evaluation(protocol, cautious, distance_bps=distance_bps)
    first = judge(None, seen, LEVELS, now_s)
    assert first == judge(None, seen, LEVELS, now_s)
    assert (first.state.level is None) == (reading(seen, LEVELS).level is None)


@given(st.integers(-WAD, 3 * WAD), st.integers(0, WAD))
def test_a_worse_health_never_gives_a_better_level(numerator, more):
    low, high = (Measured(n, WAD, Line.BELOW, None) for n in (numerator, numerator + more))
    worse, better = reading(evaluation(low), LEVELS), reading(evaluation(high), LEVELS)
    assert worse.level is not None
    assert better.level is not None
    assert worse.level >= better.level
    assert worse.keeps >= better.keeps
    assert better.keeps >= better.level


class Position(RuleBasedStateMachine):
    """Any history of one position; the promises hold after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene()
        self.before: Level | None = None
        self.unknown = False
        self.last: tuple[AlertKind, ...] = ()
        self.healths: list[Measured] = []

    def _see(self, protocol, cautious, after_s, blocks) -> None:
        self.before = self.scene.state.level if self.scene.state else None
        said = self.scene.see(protocol, cautious, after_s=after_s, blocks=blocks)
        seen = reading(evaluation(protocol, cautious), LEVELS)
        self.unknown = seen.unknown is not None
        self.last = tuple(a.kind for a in said)
        held = self.scene.level()
        if seen.level is not None:
            assert held is not None
            assert held >= seen.level, "worsening is never delayed"
            assert (AlertKind.WORSENED in self.last) == (seen.level > (self.before or Level.OK))

    @rule(protocol=HEALTHS, cautious=HEALTHS, after_s=st.integers(1, 90_000), blocks=st.integers(0, 3))
    def anything(self, protocol, cautious, after_s, blocks):
        self._see(protocol, cautious, after_s, blocks)

    @rule(level=st.sampled_from(STEPS), offset_ppm=st.integers(-15_000, 15_000), after_s=st.integers(1, 900))
    def near_a_line(self, level, offset_ppm, after_s):
        wad = mul_div_down(LEVELS.default.steps[level].health_wad, 1_000_000 + offset_ppm, 1_000_000)
        self._see(decimal_text(wad, 18), None, after_s, 1)

    @precondition(lambda self: self.scene.state is not None)
    @rule(after_s=st.integers(1, 900))
    def well_again(self, after_s):
        self._see("3", "3", after_s, 1)

    @invariant()
    def nothing_resolves_or_improves_on_an_unknown(self):
        if self.unknown:
            assert AlertKind.RECOVERED not in self.last
            assert AlertKind.KNOWN_AGAIN not in self.last
            assert (self.scene.level() or Level.OK) >= (self.before or Level.OK)

    @invariant()
    def each_incident_recovers_once_at_most_and_counts_its_messages(self):
        by_incident: dict[str, list[Alert]] = {}
        for alert in self.scene.said:
            by_incident.setdefault(alert.incident, []).append(alert)
        for alerts in by_incident.values():
            kinds = [a.kind for a in alerts]
            assert [a.seq for a in alerts] == list(range(len(alerts)))
            assert kinds.count(AlertKind.RECOVERED) <= 1
            assert AlertKind.RECOVERED not in kinds[:-1]

    @invariant()
    def an_open_incident_is_one_that_is_not_over(self):
        state = self.scene.state
        if state is not None and state.incident is not None:
            assert state.level is not None
            assert state.level > Level.OK
            assert state.level <= state.incident.worst


TestPosition = Position.TestCase
