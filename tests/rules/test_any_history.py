"""A hundred thousand steps of any history: gaps, halts, clocks that jump, reorgs, every class, and people asleep.

What is promised is kept beside the rules, in the plainest form, and compared at each step.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from monitor.domain.alerts import Alert, AlertKind, Level
from monitor.domain.assessment import Assessment, Kind, Nearness
from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.ids import ChainId
from monitor.domain.people import Acknowledgement, Hours, Subscriber
from monitor.domain.row import Evaluation
from monitor.rules.halt import thawed
from monitor.rules.hearing.hearing import Hearing, hearing
from monitor.rules.hearing.hours import is_within
from monitor.rules.judge import Judgement, judge
from monitor.rules.reading import Reading, reading
from monitor.rules.state import PositionState
from monitor.units import PPM, WAD
from tests.fakes.evaluations import block, evaluation
from tests.risk.test_pegs import loan
from tests.rules.scene import LEVELS

STEPS, WALKS, CORNERS = 100_000, 4, 20_000
DAY_S = 86_400
NIGHT = Hours(20 * 60, 11 * 60)
ASLEEP = Subscriber("sleeper", quiet=NIGHT)
EXTREMES = (0, 1, -1, WAD - 1, WAD, WAD + 1, 2**128, 2**255, 2**256 - 1, 2**256, -(2**255), 10**77)


def shapes() -> tuple[Assessment, ...]:
    """A position of each class: ordinary, a loop, stablecoins, a loop with dust, a perpetual account."""
    ordinary = evaluation("1").protocol
    loans = (
        loan({"rETH": 10**12}, {"WETH": 10**12}),
        loan({"sUSDe": 10**12}, {"USDC": 10**12}),
        loan({"rETH": 10**12, "USDC": 10**8}, {"WETH": 10**12}),
    )
    return ordinary, *loans, replace(ordinary, kind=Kind.PERP)


SHAPES = shapes()
LINES_WAD = tuple({line for of in SHAPES for _, line in LEVELS.of(of).lines["health_wad"]} | {WAD})


@dataclass
class Walk:
    """One position through time, with what was said and what the promises are held against."""

    chance: random.Random
    seen_as: Assessment
    now_s: int = 1_750_000_000
    number: int = 1_000
    wad: int = 2 * WAD
    state: PositionState | None = None
    said: list[Alert] = field(default_factory=list)
    ack: Acknowledgement | None = None
    told_s: int = 0
    held: Level | None = None
    run: list[tuple[Level, int]] = field(default_factory=list)
    is_open: bool = False
    worst: Level = Level.OK
    opened_s: int = 0

    def step(self) -> None:
        chance = self.chance
        self.now_s += chance.choice((1, 12, 12, 12, 60, 400, 700, 4_000, 90_000, -12, -3_600, -DAY_S, DAY_S))
        self.number += chance.choice((0, 1, 1, 1, 2, 50, -3))
        if self.state is not None and chance.random() < 0.02:
            self.state = thawed(self.state, chance.randint(0, 7_000))
        said = self._evaluation()
        past = self.state
        judged = judge(past, said, LEVELS, self.now_s)
        self._hold(past, reading(said, LEVELS), judged)
        self.state = judged.state

    def _evaluation(self) -> Evaluation:
        chance = self.chance
        protocol, cautious = self._health(), self._health(is_cautious=True)
        of = replace(self.seen_as, at=block(max(self.number, 1), self.now_s))
        seen = replace(of, health=protocol, blockers=("paused",) if chance.random() < 0.1 else ())
        seen = replace(seen, forced=chance.random() < 0.01)
        near = left_s = distance_bps = None
        if chance.random() < 0.5:
            near = Nearness("bitcoin", None, None, DAY_S, chance.choice((None, chance.randint(0, 4 * PPM))))
            left_s, distance_bps = chance.choice((None, chance.randint(0, 40 * DAY_S))), chance.randint(-50, 4_000)
        return Evaluation(seen, replace(of, health=cautious), (), distance_bps, None, None, left_s, near)

    def _health(self, *, is_cautious: bool = False) -> Health:
        chance, draw = self.chance, self.chance.random()
        if draw < 0.04:
            return Unmeasurable("no price")
        if draw < 0.05:
            return Measured(chance.choice(EXTREMES), chance.choice((0, -1, 1)), Line.BELOW, None)
        if draw < 0.06:
            return NoDebt()
        if not is_cautious:
            near = chance.choice(LINES_WAD) * chance.randint(985_000, 1_035_000) // PPM
            drift = self.wad * chance.randint(970_000, 1_032_000) // PPM
            self.wad = min(max(chance.choice((drift, drift, drift, near, 2 * WAD)), WAD // 2), 3 * WAD)
            return Measured(self.wad, WAD, Line.BELOW, None)
        return Measured(self.wad * chance.randint(970_000, 1_001_000) // PPM, WAD, Line.BELOW, None)

    def _hold(self, past: PositionState | None, seen: Reading, judged: Judgement) -> None:
        """Hold a judgement against each promise."""
        was, level = self.held or Level.OK, judged.state.level
        by_kind = {alert.kind: alert for alert in judged.alerts}
        assert len(by_kind) == len(judged.alerts) <= 2
        self._worsening_is_never_delayed(was, seen, level, by_kind.get(AlertKind.WORSENED))
        self._improving_takes_a_run_of_blocks(was, seen, level)
        if seen.unknown is not None:
            assert {AlertKind.RECOVERED, AlertKind.KNOWN_AGAIN}.isdisjoint(by_kind)
        self._one_recovery_an_incident(was, level, by_kind)
        self._nothing_is_repeated_too_soon(past, seen, by_kind)
        self.said += judged.alerts
        self.held = level

    def _improving_takes_a_run_of_blocks(self, was: Level, seen: Reading, level: Level | None) -> None:
        """What a run of evaluations on different blocks all support is the level then, and nothing better."""
        if seen.unknown is not None or seen.level is None or seen.keeps >= was:
            self.run.clear()
        else:
            self.run.append((seen.keeps, max(self.number, 1)))
        if level is not None and level < was:
            assert level == max(keeps for keeps, _ in self.run)
            assert max(number for _, number in self.run) > self.run[0][1]
        if level != was:
            self.run.clear()

    def _worsening_is_never_delayed(self, was: Level, seen: Reading, level: Level | None, said: Alert | None) -> None:
        is_worse = seen.level is not None and seen.level > was
        assert (said is not None) == is_worse
        if seen.level is not None:
            assert level is not None
            assert level >= seen.level
        if said is None:
            return
        assert (said.level, said.previous) == (seen.level, was)
        when = hearing(ASLEEP, said, self.ack, self.now_s)
        may_wait = said.level <= Level.WARN and is_within(NIGHT, ASLEEP.zone, self.now_s)
        assert when is (Hearing.HELD if may_wait else Hearing.NOW), "sleep holds WATCH and WARN alone"
        assert hearing(replace(ASLEEP, quiet=None), said, self.ack, self.now_s) is Hearing.NOW
        muted = replace(ASLEEP, quiet=None, muted_until_s=self.now_s + 3_600)
        assert (hearing(muted, said, None, self.now_s) is Hearing.NOW) == (said.level >= Level.DANGER)
        of = str(said.position)
        self.ack = Acknowledgement("sleeper", said.incident, of, said.level, self.now_s, self.now_s + 3_600)

    def _one_recovery_an_incident(self, was: Level, level: Level | None, by_kind: dict[AlertKind, Alert]) -> None:
        if AlertKind.WORSENED in by_kind and not self.is_open:
            self.is_open, self.worst, self.opened_s = True, Level.OK, self.now_s
        self.worst = max(self.worst, level or Level.OK)
        recovered = by_kind.get(AlertKind.RECOVERED)
        is_over = level is not None and level < was and (level == Level.OK or self.worst > Level.WATCH >= level)
        assert (recovered is not None) == (is_over and self.is_open)
        if recovered is not None:
            assert recovered.facts["worst"] == self.worst.name
            assert int(recovered.facts["duration_s"]) == max(self.now_s - self.opened_s, 0)
            self.is_open = False

    def _nothing_is_repeated_too_soon(
        self, past: PositionState | None, seen: Reading, by_kind: dict[AlertKind, Alert]
    ) -> None:
        self.told_s = min(self.told_s, self.now_s)
        repeated = by_kind.get(AlertKind.REPEATED)
        if repeated is not None:
            assert self.now_s - self.told_s >= LEVELS.repeat_s[repeated.level]
        if AlertKind.DETERIORATED in by_kind:
            assert past is not None
            assert past.told is not None
            pairs = (
                (past.told.remaining_ppm, seen.remaining_ppm),
                (past.told.cautious_ppm, seen.cautious_ppm),
            )
            assert any(was and now is not None and 4 * now <= 3 * was for was, now in pairs)
        level_kinds = {AlertKind.WORSENED, AlertKind.REPEATED, AlertKind.DETERIORATED, AlertKind.RECOVERED}
        if level_kinds & by_kind.keys():
            self.told_s = self.now_s


@pytest.mark.parametrize("seed", range(WALKS))
def test_whatever_happens_worsening_is_told_at_once_and_an_incident_ends_once(seed: int):
    chance = random.Random(seed)
    kinds: dict[AlertKind, int] = {}
    for number in range(STEPS // WALKS // 500):
        walk = Walk(chance, SHAPES[number % len(SHAPES)])
        for _ in range(500):
            walk.step()
        by_incident: dict[str, list[Alert]] = {}
        for alert in walk.said:
            kinds[alert.kind] = kinds.get(alert.kind, 0) + 1
            by_incident.setdefault(alert.incident, []).append(alert)
        for alerts in by_incident.values():
            assert [alert.seq for alert in alerts] == list(range(len(alerts)))
            assert AlertKind.RECOVERED not in [alert.kind for alert in alerts[:-1]]
    assert min(kinds.get(kind, 0) for kind in AlertKind if kind in _OF_POSITIONS) >= STEPS // 20_000, kinds


_OF_POSITIONS = {
    AlertKind.WORSENED,
    AlertKind.DETERIORATED,
    AlertKind.REPEATED,
    AlertKind.RECOVERED,
    AlertKind.UNKNOWN,
    AlertKind.KNOWN_AGAIN,
}


def corners(chance: random.Random) -> Iterator[Evaluation]:
    """Evaluations of any integers at all, the extremes of contracts among them."""

    def integer() -> int:
        bits = chance.choice((1, 8, 60, 64, 128, 256))
        return chance.choice((chance.choice(EXTREMES), chance.randint(-(2**bits), 2**bits), chance.choice(LINES_WAD)))

    def health() -> Health:
        draw = chance.random()
        if draw < 0.9:
            return Measured(integer(), chance.choice((integer(), WAD)), chance.choice(list(Line)), None)
        return NoDebt() if draw < 0.95 else Unmeasurable("no price")

    while True:
        of = chance.choice(SHAPES)
        seen = replace(of, health=health(), blockers=chance.choice(((), ("paused",))), forced=chance.random() < 0.1)
        near = chance.choice((None, Nearness("bitcoin", abs(integer()), "falls", DAY_S, abs(integer()))))
        yield Evaluation(
            seen, replace(of, health=health()), (), chance.choice((None, integer())), None, None,
            chance.choice((None, abs(integer()))), near,
        )  # fmt: skip


def test_every_input_has_exactly_one_level(request: pytest.FixtureRequest):
    chance, state = random.Random(4), None
    wanted = 1_000_000 if request.config.getoption("--long") else CORNERS
    levels = dict.fromkeys((*Level, None), 0)
    for number, seen in zip(range(wanted), corners(chance), strict=False):
        found = reading(seen, LEVELS)
        levels[found.level] += 1
        both = (seen.protocol.health, seen.cautious.health)
        is_forced = seen.protocol.is_liquidatable_now
        assert (found.level is not None) == (is_forced or any(map(_is_possible, both)))
        assert found.level is None or found.keeps >= found.level
        is_known = isinstance(both[0], NoDebt) or (_is_possible(both[1]) and (is_forced or _is_possible(both[0])))
        assert (found.unknown is None) == is_known
        if number % 20 == 0:
            state = judge(state if chance.random() < 0.9 else None, seen, LEVELS, abs(chance.getrandbits(40))).state
    assert min(levels.values()) > wanted // 500, levels


def _is_possible(health: Health) -> bool:
    return isinstance(health, NoDebt) or (isinstance(health, Measured) and health.denominator > 0)


def test_the_walks_pass_the_chain_of_another_network_too():
    """The shapes are of a chain whose tokens are classified, and of one where nothing is."""
    assert {of.id.chain for of in SHAPES} == {ChainId("eip155:1"), ChainId("eip155:31337")}
    assert len({id(LEVELS.of(of)) for of in SHAPES}) == 4
