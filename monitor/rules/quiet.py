"""How far a position may move, and how long it may wait, before judging it again could say anything new."""

from collections.abc import Iterable
from dataclasses import dataclass
from zlib import crc32

from monitor.domain.alerts import Level
from monitor.domain.assessment import Assessment, Kind
from monitor.domain.health import Health, NoDebt
from monitor.domain.row import Evaluation
from monitor.risk.apart import health_within_time_wad, health_within_wad, widest_held_ppm
from monitor.rules.levels import Levels, Lines, Thresholds
from monitor.rules.reading import health_wad, reading
from monitor.rules.state import PositionState, time_s
from monitor.units import BPS, PPM, WAD, mul_div_down, mul_div_up

WORST_STEP_PPM = 5_000
"""An incident's worst health is followed in steps of this share of it."""
NEAR_WAD = 2 * WAD
"""Below this health joint moves are worked out; above it they enter no level."""
LOOK_S = 900
"""How often at least, where interest may come first, its rates are looked at again; each loan at its own time."""
NO_HEALTH_WAD = 10**9 * WAD
_ROUNDED_PPM = 200
"""How far the remaining share of a last message may be from the health it was said at: whole basis points."""


@dataclass(frozen=True, slots=True)
class Span:
    """A health strictly between two values, None is no bound; with `is_blind`, only one that is not measured."""

    above_wad: int | None = None
    below_wad: int | None = None
    is_blind: bool = False

    def holds(self, health: Health) -> bool:
        """Whether a health is in the span; what owes nothing is above everything."""
        found = health_wad(health)
        if found is None:
            return self.below_wad is None and not self.is_blind if isinstance(health, NoDebt) else self.is_blind
        is_above = self.above_wad is None or found > self.above_wad
        return is_above and (self.below_wad is None or found < self.below_wad) and not self.is_blind


@dataclass(frozen=True, slots=True)
class Quiet:
    """While both healths stay in their spans, the balances as they are, and the time before `until_s`, all is said."""

    protocol: Span
    cautious: Span
    until_s: int | None = None


def unremarkable(levels: Levels, kind: Kind = Kind.LENDING) -> Span:
    """Return the span of a health that no class of positions calls a level.

    Equity over a small requirement is large where a small move is enough: of perpetual accounts no health is such.
    """
    if kind is Kind.PERP:
        return Span(NO_HEALTH_WAD)
    lines = (_outer(thresholds) for thresholds in _of_loans(levels))
    return Span(max(measures_count_below_wad(levels), *lines))


def is_settled(state: PositionState) -> bool:
    """Whether nothing is remembered of the position that a later judgement depends on."""
    open_matters = (state.incident, state.streak, state.gap, state.told)
    return state.level is Level.OK and all(matter is None for matter in open_matters)


def measures_count_below_wad(levels: Levels) -> int:
    """Return the health below which another measure may enter a level of a loan that health has not entered.

    0 for nowhere. Below it liquidation prices, times and the ways of joint moves have to be worked out.
    """
    return max(
        health_wad
        for thresholds in _of_loans(levels)
        for health_wad in (_entered_within_wad(thresholds, levels, None), _timed_within_wad(thresholds))
    )


def _entered_within_wad(thresholds: Thresholds, levels: Levels, seen: Assessment | None) -> int:
    """Return the health of a loan, any for None, below which distance, joint moves or deviations may come first.

    No price's way is shorter than the whole collateral's fall to the line, 1 - 1 / health, and no way is likelier than
    that of the two assets which part most. What a joint move is, no health bounds. Without a risk model nobody works
    out the last two.
    """
    found = NEAR_WAD if thresholds.lines["joint_bps"] else 0
    widest = thresholds.widest_ppm
    if widest and seen is not None and levels.risk is not None:
        widest = widest_held_ppm(levels.risk, seen)
    for step in thresholds.steps.values():
        for factor_bps in (BPS, thresholds.release_bps):
            distant_wad = _health_at(mul_div_up(step.distance_bps * (PPM // BPS), factor_bps, BPS))
            likely_wad = health_within_wad(widest, mul_div_up(step.sigmas_ppm, factor_bps, BPS)) if widest else 0
            measured_wad = max(distant_wad, likely_wad)
            found = max(found, measured_wad * (measured_wad * BPS > step.health_wad * factor_bps))
    return found


def _timed_within_wad(thresholds: Thresholds) -> int:
    """Return the health below which interest alone may enter a level that health has not entered; 0 for nowhere."""
    found = 0
    for step in thresholds.steps.values():
        for factor_bps in (BPS, thresholds.release_bps):
            line_s = mul_div_up(step.time_to_liquidation_s, factor_bps, BPS)
            timed_wad = health_within_time_wad(line_s) if line_s else 0
            found = max(found, timed_wad * (timed_wad * BPS > step.health_wad * factor_bps))
    return found


def quiet(state: PositionState, evaluation: Evaluation, levels: Levels) -> Quiet | None:
    """Return what keeps a position just judged as it is, None where the next block has to be judged.

    `state` is what the judgement left. Within the spans both healths stay between the same lines, so that every level
    that they enter and keep is the same; the worst health of an incident is then known to `WORST_STEP_PPM` of it. Where
    interest may come before health, its rates are looked at again every `LOOK_S`.
    """
    health, seen, thresholds = evaluation.protocol.health, reading(evaluation, levels), levels.of(evaluation.protocol)
    is_mending = (
        state.streak is not None
        or (state.gap is not None and state.gap.mended_s is not None)
        or (seen.unknown is None and seen.keeps < (state.level or Level.OK))
    )
    waits_for_time = evaluation.protocol.is_insolvent and bool(evaluation.protocol.blockers)
    found = health_wad(health)
    is_unbounded = evaluation.protocol.kind is Kind.PERP and found is not None
    if is_mending or waits_for_time or is_unbounded or levels.peg_of(evaluation.protocol).is_by_value:
        return None
    entered_wad = _entered_within_wad(thresholds, levels, evaluation.protocol)
    timed_wad = _timed_within_wad(thresholds)
    if found is not None and found < entered_wad:
        return None
    told, due = state.told, list[int]()
    if found is not None and found < timed_wad:
        due.append(time_s(evaluation.protocol.at) + LOOK_S // 2 + crc32(state.position.key.encode()) % (LOOK_S // 2))
    if seen.unknown is not None and not seen.is_caused and state.gap is not None and not state.gap.told:
        due.append(state.gap.since_s + levels.unknown_after_s)
    spoken = state.level if seen.unknown is not None or seen.level is None else seen.level
    if told is not None and spoken is not None and spoken in levels.repeat_s:
        due.append(told.at_s + levels.repeat_s[spoken])
    left_ppm, cautious_ppm = (told.remaining_ppm, told.cautious_ppm) if told is not None else (None, None)
    if _nearly_lost(health, left_ppm, levels) or _nearly_lost(evaluation.cautious.health, cautious_ppm, levels):
        return None
    release_bps = thresholds.release_bps
    bounds = (entered_wad, timed_wad, *_worst(state), *_lost(left_ppm, levels))
    protocol = _span(health, (*_lines(thresholds.lines["health_wad"], release_bps), *bounds))
    wary = _lines(thresholds.lines["cautious_line_wad"], release_bps)
    cautious = _span(evaluation.cautious.health, (*wary, *_lost(cautious_ppm, levels)))
    if protocol is None or cautious is None:
        return None
    return Quiet(protocol, cautious, min(due, default=None))


def _span(health: Health, lines: Iterable[int]) -> Span | None:
    """Return the span between the lines around a health, None exactly on a line: its sides are different things."""
    found = health_wad(health)
    if found is None:
        return Span(max(lines)) if isinstance(health, NoDebt) else Span(is_blind=True)
    marks = sorted(lines)
    if found in marks:
        return None
    above = max((line for line in marks if line < found), default=None)
    return Span(above, min((line for line in marks if line > found), default=None))


def _lines(lines: Lines, release_bps: int) -> Iterable[int]:
    for line_wad in (WAD, *(line for _, line in lines)):
        yield line_wad
        yield mul_div_up(line_wad, release_bps, BPS)


def _worst(state: PositionState) -> Iterable[int]:
    if state.incident is not None and state.incident.worst_health_wad is not None:
        yield mul_div_down(state.incident.worst_health_wad, PPM - WORST_STEP_PPM, PPM)


def _lost(told_ppm: int | None, levels: Levels) -> Iterable[int]:
    """Yield the health at which the configured share of what remained at the last message is lost, or a little more."""
    if told_ppm:
        yield _health_at(mul_div_up(told_ppm, 100 - levels.lost_pct, 100) + _ROUNDED_PPM)


def _nearly_lost(health: Health, told_ppm: int | None, levels: Levels) -> bool:
    """Whether so little was left at the last message that rounding hides how much of it is lost."""
    found = health_wad(health)
    return found is not None and any(found <= line_wad for line_wad in _lost(told_ppm, levels))


def _outer(thresholds: Thresholds) -> int:
    both = (*thresholds.lines["health_wad"], *thresholds.lines["cautious_line_wad"])
    return max((line for _, line in both), default=0)


def _health_at(margin_ppm: int) -> int:
    """Return the health at which that share of the collateral's value may be lost, rounded up."""
    return mul_div_up(WAD, PPM, PPM - margin_ppm) if margin_ppm < PPM else NO_HEALTH_WAD


def _of_loans(levels: Levels) -> tuple[Thresholds, ...]:
    """Return the thresholds of every class that a loan may be of."""
    kinds = {kind.value for kind in Kind} - {Kind.PERP.value}
    return (levels.default, *(t for selector, t in levels.classes if not selector.kinds or selector.kinds & kinds))
