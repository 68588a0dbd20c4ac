"""What one evaluation says, before any memory: the level it is at, the level it still supports, and what is missing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from monitor.domain.alerts import Level
from monitor.domain.health import Health, Measured, NoDebt, Unmeasurable
from monitor.domain.row import Evaluation
from monitor.pricing.sanity import Doubt
from monitor.rules.levels import Levels, Lines, Thresholds
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
    cautious = _side(evaluation.cautious.health, thresholds.lines["cautious_line_wad"], thresholds.release_bps)
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
    side = _side(seen.health, thresholds.lines["health_wad"], thresholds.release_bps)
    if isinstance(seen.health, NoDebt):
        return side
    if seen.is_liquidatable_now:
        return _Side(Level.LIQUIDATABLE, Level.LIQUIDATABLE, 0)
    if side is None or not isinstance(seen.health, Measured):
        return None
    level = max(side.level, Level.CRITICAL) if seen.is_insolvent else side.level
    keeps = Level.LIQUIDATABLE if _within(seen.health, WAD, thresholds.release_bps) else side.keeps
    return _Side(level, max(keeps, level), side.margin_ppm)


def _side(health: Health, lines: Lines, release_bps: int) -> _Side | None:
    match health:
        case NoDebt():
            return _Side(Level.OK, Level.OK, None)
        case Unmeasurable():
            return None
        case Measured(denominator=denominator) if denominator <= 0:
            return None
        case Measured():
            level = next((level for level, line_wad in lines if _below(health, line_wad)), Level.OK)
            keeps = next((level for level, line_wad in lines if _within(health, line_wad, release_bps)), Level.OK)
            return _Side(level, max(keeps, level), _margin_ppm(health))
        case _:
            assert_never(health)


def _measures(evaluation: Evaluation, thresholds: Thresholds) -> Iterator[tuple[Driver, _Side]]:
    """Yield the level by each measure beside health, as far as it is known and the class tells levels by it.

    How much collateral value may still fall is told by the nearest price and by a joint move; a standard deviation and
    a second are no share of anything.
    """
    if health_wad(evaluation.protocol.health) is None:
        return
    near, lines, release = evaluation.nearness, thresholds.lines, thresholds.release_bps
    found, left_s = evaluation.distance_bps, evaluation.time_to_liquidation_s
    joint, sigmas = (None, None) if near is None else (near.joint_ppm, near.sigmas_ppm)
    if found is not None:
        margin_ppm = max(found, 0) * (PPM // BPS)
        yield Driver.DISTANCE, _side_of(found, lines["distance_bps"], release, margin_ppm)
    if joint is not None and lines["joint_bps"]:
        yield Driver.JOINT, _side_of(joint * BPS // PPM, lines["joint_bps"], release, joint)
    if sigmas is not None:
        yield Driver.SIGMAS, _side_of(sigmas, lines["sigmas_ppm"], release, None)
    if left_s is not None:
        yield Driver.TIME, _side_of(left_s, lines["time_to_liquidation_s"], release, None)


def _side_of(found: int, lines: Lines, release_bps: int, margin_ppm: int | None) -> _Side:
    """Return the level of a measure that gets smaller with danger."""
    level = next((level for level, line in lines if found < line), Level.OK)
    keeps = next((level for level, line in lines if found * BPS <= line * release_bps), Level.OK)
    return _Side(level, max(keeps, level), margin_ppm)


def _below(health: Measured, line_wad: int) -> bool:
    return health.numerator * WAD < line_wad * health.denominator


def _within(health: Measured, line_wad: int, release_bps: int) -> bool:
    return health.numerator * WAD * BPS <= line_wad * release_bps * health.denominator


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
