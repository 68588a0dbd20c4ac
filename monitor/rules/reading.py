"""What one evaluation says, before any memory: the level it is at, the level it still supports, and what is missing."""

from dataclasses import dataclass
from typing import assert_never

from monitor.domain.alerts import Level
from monitor.domain.health import Health, Measured, NoDebt, Unmeasurable
from monitor.domain.row import Evaluation
from monitor.rules.levels import STEPS, Levels, Threshold, Thresholds
from monitor.rules.state import Driver
from monitor.units import BPS, PPM, WAD, mul_div_down


@dataclass(frozen=True, slots=True)
class Reading:
    """One evaluation as levels.

    `level` is the worse of both healths and the distance, None when neither could be measured; `keeps` is the worst
    level that this evaluation would not yet let go. `unknown` says what is missing; while it does, nothing improves.
    `remaining_ppm` and `cautious_ppm` are how much collateral value may still fall, floored.
    """

    level: Level | None
    keeps: Level
    driver: Driver
    unknown: str | None
    remaining_ppm: int | None
    cautious_ppm: int | None


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
    distance = _distance(evaluation, thresholds)
    sides = (Driver.PROTOCOL, protocol), (Driver.CAUTIOUS, cautious), (Driver.DISTANCE, distance)
    known = [(side, driver) for driver, side in sides if side is not None]
    level = max((side.level for side, _ in known), default=None)
    return Reading(
        level=level,
        keeps=max((side.keeps for side, _ in known), default=Level.OK),
        driver=next((driver for side, driver in known if side.level == level), Driver.PROTOCOL),
        unknown=_missing(evaluation, protocol, cautious),
        remaining_ppm=_least(protocol, distance),
        cautious_ppm=cautious.margin_ppm if cautious else None,
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


def _distance(evaluation: Evaluation, thresholds: Thresholds) -> _Side | None:
    found = evaluation.distance_bps
    if found is None or not isinstance(evaluation.protocol.health, Measured):
        return None
    level = next((s for s in STEPS if found < thresholds.steps[s].distance_bps), Level.OK)
    release = thresholds.release_bps
    keeps = next((s for s in STEPS if found * BPS <= thresholds.steps[s].distance_bps * release), Level.OK)
    return _Side(level, max(keeps, level), max(found, 0) * (PPM // BPS))


def _below(health: Measured, threshold: Threshold) -> bool:
    return health.numerator * WAD < threshold.health_wad * health.denominator


def _within(health: Measured, threshold: Threshold, release_bps: int) -> bool:
    return health.numerator * WAD * BPS <= threshold.health_wad * release_bps * health.denominator


def _margin_ppm(health: Measured) -> int:
    spare = health.numerator - health.denominator
    return mul_div_down(spare, PPM, health.numerator) if spare > 0 else 0


def _least(protocol: _Side | None, distance: _Side | None) -> int | None:
    margins = [side.margin_ppm for side in (protocol, distance) if side is not None and side.margin_ppm is not None]
    return min(margins, default=None)


def _missing(evaluation: Evaluation, protocol: _Side | None, cautious: _Side | None) -> str | None:
    if isinstance(evaluation.protocol.health, NoDebt):
        return None
    found = (("protocol", protocol, evaluation.protocol.health), ("cautious", cautious, evaluation.cautious.health))
    missing = [f"{name} health: {_reason(health)}" for name, side, health in found if side is None]
    return "; ".join(missing) or None


def _reason(health: Health) -> str:
    return health.reason if isinstance(health, Unmeasurable) else "impossible value"
