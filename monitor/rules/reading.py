"""What one evaluation says, before any memory: the level it is at, the level it still supports, and what is missing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

from monitor.domain.alerts import Level
from monitor.domain.health import Health, Measured, NoDebt, Unmeasurable
from monitor.domain.row import Evaluation
from monitor.pricing.sanity import Doubt
from monitor.rules.levels import STEPS, Levels, Threshold, Thresholds
from monitor.rules.state import Driver
from monitor.units import BPS, PPM, WAD, mul_div_down


@dataclass(frozen=True, slots=True)
class Reading:
    """One evaluation as levels.

    `level` is the worst of both healths and of the measures that the position's class tells levels by, None when
    neither health could be measured; `keeps` is the worst level that this evaluation would not yet let go. `unknown`
    says what is missing or too old; while it does, nothing improves. With `is_caused` that is the age of a price alone,
    which is told as a cause of its own to everyone whom it concerns. `remaining_ppm` and `cautious_ppm` are how much
    collateral value may still fall, floored.
    """

    level: Level | None
    keeps: Level
    driver: Driver
    unknown: str | None
    remaining_ppm: int | None
    cautious_ppm: int | None
    is_caused: bool = False


@dataclass(frozen=True, slots=True)
class _Side:
    level: Level
    keeps: Level
    margin_ppm: int | None


def health_wad(health: Health) -> int | None:
    """Return the health factor, floored; None where nothing is measured or the value is impossible."""
    return health.factor_wad_down if isinstance(health, Measured) and health.denominator > 0 else None


def reading(evaluation: Evaluation, levels: Levels) -> Reading:
    """Return what the evaluation says; every evaluation gives exactly one answer."""
    thresholds = levels.of(evaluation.protocol)
    protocol = _protocol(evaluation, thresholds)
    cautious = _side(evaluation.cautious.health, thresholds)
    measures = tuple(_measures(evaluation, thresholds))
    sides = ((Driver.PROTOCOL, protocol), (Driver.CAUTIOUS, cautious), *measures)
    known = [(side, driver) for driver, side in sides if side is not None]
    level = max((side.level for side, _ in known), default=None)
    return Reading(
        level=level,
        keeps=max((side.keeps for side, _ in known), default=Level.OK),
        driver=next((driver for side, driver in known if side.level == level), Driver.PROTOCOL),
        unknown=_missing(evaluation, protocol, cautious),
        remaining_ppm=_least(protocol, *(side for _, side in measures)),
        cautious_ppm=cautious.margin_ppm if cautious else None,
        is_caused=_is_caused(evaluation, protocol),
    )


def _protocol(evaluation: Evaluation, thresholds: Thresholds) -> _Side | None:
    seen = evaluation.protocol
    side = _side(seen.health, thresholds)
    if isinstance(seen.health, NoDebt):
        return side
    if seen.is_liquidatable_now:
        return _Side(Level.LIQUIDATABLE, Level.LIQUIDATABLE, 0)
    if side is None or not isinstance(seen.health, Measured):
        return None
    level = max(side.level, Level.CRITICAL) if seen.is_insolvent else side.level
    line = Threshold(WAD, 0)
    keeps = Level.LIQUIDATABLE if _within(seen.health, line, thresholds.release_bps) else side.keeps
    return _Side(level, max(keeps, level), side.margin_ppm)


def _side(health: Health, thresholds: Thresholds) -> _Side | None:
    match health:
        case NoDebt():
            return _Side(Level.OK, Level.OK, None)
        case Unmeasurable():
            return None
        case Measured(denominator=denominator) if denominator <= 0:
            return None
        case Measured():
            level = next((s for s in STEPS if _below(health, thresholds.steps[s])), Level.OK)
            release = thresholds.release_bps
            keeps = next((s for s in STEPS if _within(health, thresholds.steps[s], release)), Level.OK)
            return _Side(level, max(keeps, level), _margin_ppm(health))
        case _:
            assert_never(health)


def _measures(evaluation: Evaluation, thresholds: Thresholds) -> Iterator[tuple[Driver, _Side]]:
    """Yield the level by each measure beside health, as far as it is known and the class tells levels by it.

    How much collateral value may still fall is told by the nearest price and by a joint move; a standard deviation and
    a second are no share of anything.
    """
    if not isinstance(evaluation.protocol.health, Measured):
        return
    near, steps, release = evaluation.nearness, thresholds.steps, thresholds.release_bps
    found, left_s = evaluation.distance_bps, evaluation.time_to_liquidation_s
    joint, sigmas = (None, None) if near is None else (near.joint_ppm, near.sigmas_ppm)
    if found is not None:
        margin_ppm = max(found, 0) * (PPM // BPS)
        yield Driver.DISTANCE, _side_of(found, {s: steps[s].distance_bps for s in STEPS}, release, margin_ppm)
    if joint is not None and any(step.joint_bps for step in steps.values()):
        yield Driver.JOINT, _side_of(joint, {s: steps[s].joint_bps * (PPM // BPS) for s in STEPS}, release, joint)
    if sigmas is not None:
        yield Driver.SIGMAS, _side_of(sigmas, {s: steps[s].sigmas_ppm for s in STEPS}, release, None)
    if left_s is not None:
        yield Driver.TIME, _side_of(left_s, {s: steps[s].time_to_liquidation_s for s in STEPS}, release, None)


def _side_of(found: int, lines: Mapping[Level, int], release_bps: int, margin_ppm: int | None) -> _Side:
    """Return the level of a measure that gets smaller with danger; a line at 0 is not one."""
    told = [(level, line) for level, line in lines.items() if line]
    level = next((level for level, line in told if found < line), Level.OK)
    keeps = next((level for level, line in told if found * BPS <= line * release_bps), Level.OK)
    return _Side(level, max(keeps, level), margin_ppm)


def _below(health: Measured, threshold: Threshold) -> bool:
    return bool(threshold.health_wad) and health.numerator * WAD < threshold.health_wad * health.denominator


def _within(health: Measured, threshold: Threshold, release_bps: int) -> bool:
    line = threshold.health_wad * release_bps * health.denominator
    return bool(threshold.health_wad) and health.numerator * WAD * BPS <= line


def _margin_ppm(health: Measured) -> int:
    spare = health.numerator - health.denominator
    return mul_div_down(spare, PPM, health.numerator) if spare > 0 else 0


def _least(*sides: _Side | None) -> int | None:
    margins = [side.margin_ppm for side in sides if side is not None and side.margin_ppm is not None]
    return min(margins, default=None)


def _missing(evaluation: Evaluation, protocol: _Side | None, cautious: _Side | None) -> str | None:
    if isinstance(evaluation.protocol.health, NoDebt):
        return None
    found = (("protocol", protocol, evaluation.protocol.health), ("cautious", cautious, evaluation.cautious.health))
    missing = [f"{name} health: {_reason(health)}" for name, side, health in found if side is None]
    missing += [f"price of {node}: {Doubt.STALE.value}" for node in _stale(evaluation)]
    return "; ".join(missing) or None


def _is_caused(evaluation: Evaluation, protocol: _Side | None) -> bool:
    health = evaluation.cautious.health
    is_blind = isinstance(health, Unmeasurable) and Doubt.STALE not in health.reason
    return protocol is not None and not is_blind and bool(_stale(evaluation))


def _stale(evaluation: Evaluation) -> tuple[str, ...]:
    """Return the prices that a position is judged by and that are older than their feeds allow."""
    return tuple(price.node for price in evaluation.protocol.prices if Doubt.STALE in price.labels)


def _reason(health: Health) -> str:
    return health.reason if isinstance(health, Unmeasurable) else "impossible value"
