"""A perpetual account some seconds after it was read, if nobody acts and no price moves; and whether it came true."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from monitor.domain.assessment import Accrual, Assessment, Exactness
from monitor.domain.health import Measured
from monitor.domain.perp import Carry, Margin, PerpLeg
from monitor.health.perp import health_of
from monitor.units import PPM, WAD, div_up


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a projection was from what was then read: both equities, and their distance by the larger of them."""

    projected_base: int
    read_base: int
    apart_ppm: int


def funding_base(carry: Carry, seconds: int) -> int:
    """Return what funding adds in that time, rounded down: r·t + v·t² ÷ 2, positive is received."""
    twice_wad = 2 * carry.funding_wad_per_s * seconds + carry.funding_wad_per_s2 * seconds * seconds
    return twice_wad // (2 * WAD)


def borrow_fee_base(carry: Carry, seconds: int) -> int:
    """Return what borrowing costs in that time, rounded up."""
    return div_up(carry.borrow_wad_per_s * seconds, WAD)


def accrue(seen: Assessment, seconds: int) -> Assessment:
    """Return the account that many seconds on: funding and fees only, prices, sizes and rates as they are.

    Rounded against the account and marked as an estimate. An account without a rate in each of its positions, or that
    is not measured, comes back as it is.
    """
    margin, health = seen.margin, seen.health
    carries = [leg.carry for leg in seen.positions]
    if margin is None or margin.equity_base is None or not isinstance(health, Measured) or None in carries:
        return seen
    legs = tuple(_accrued(leg, seconds) for leg in seen.positions)
    change = _costs(legs) - _costs(seen.positions)
    later = replace(
        margin,
        equity_base=margin.equity_base + change,
        free_collateral_base=_fallen(margin, change),
        predicate=replace(margin.predicate, venue_says=None, net_base=_added(margin.predicate.net_base, change)),
    )
    return replace(
        seen,
        positions=legs,
        margin=later,
        health=health_of(health.numerator + change, health.denominator, health.line),
        exactness=Exactness.ESTIMATE,
        accrual=Accrual.ACCRUED,
    )


def falls_for_s(seen: Assessment, horizon_s: int) -> int:
    """Return until which second carry can still take equity away: where funding turns, else the horizon.

    Funding that moves by itself makes equity a parabola of time: one that opens upward has its least value at its
    vertex and only recovers after; any other is lowest at the end.
    """
    carries = [leg.carry for leg in seen.positions if leg.carry is not None]
    speed = sum(carry.borrow_wad_per_s - carry.funding_wad_per_s for carry in carries)
    turn = sum(carry.funding_wad_per_s2 for carry in carries)
    return min(max(div_up(speed, turn), 0), horizon_s) if turn > 0 else horizon_s


def drift(projected: Assessment, read: Assessment) -> Drift | None:
    """Return how far a projection was from the read it was made for, None where either is not known.

    Only sensible where nobody acted in between: compare legs first with `same_positions`.
    """
    ours, theirs = projected.margin, read.margin
    if ours is None or theirs is None or ours.equity_base is None or theirs.equity_base is None:
        return None
    apart = abs(ours.equity_base - theirs.equity_base)
    whole = max(abs(ours.equity_base), abs(theirs.equity_base), 1)
    return Drift(ours.equity_base, theirs.equity_base, div_up(apart * PPM, whole))


def same_positions(one: Assessment, other: Assessment) -> bool:
    """Whether nobody traded between two reads: the same sizes, opened for the same."""
    return _held(one.positions) == _held(other.positions) and _stored(one) == _stored(other)


def _held(legs: Iterable[PerpLeg]) -> list[tuple[str, int, int | None]]:
    return sorted((leg.market, leg.size_raw, leg.entry_base) for leg in legs)


def _stored(seen: Assessment) -> list[tuple[str, int]]:
    return sorted((leg.token.address, leg.raw) for leg in seen.legs)


def _accrued(leg: PerpLeg, seconds: int) -> PerpLeg:
    if leg.carry is None or leg.funding_base is None or leg.borrow_fee_base is None:
        return leg
    return replace(
        leg,
        funding_base=leg.funding_base + funding_base(leg.carry, seconds),
        borrow_fee_base=leg.borrow_fee_base + borrow_fee_base(leg.carry, seconds),
    )


def _costs(legs: Iterable[PerpLeg]) -> int:
    return sum((leg.funding_base or 0) - (leg.borrow_fee_base or 0) for leg in legs)


def _added(amount: int | None, change: int) -> int | None:
    return None if amount is None else amount + change


def _fallen(margin: Margin, change: int) -> int | None:
    free = margin.free_collateral_base
    return None if free is None else max(free + min(change, 0), 0)
