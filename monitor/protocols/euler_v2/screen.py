"""What the screen needs to know of a market: bounds of what stored numbers are worth, from the contracts' roundings.

Contract files: LiquidityUtils.sol, Owed.sol, ConversionHelpers.sol, ScaleUtils.sol: a debt rounds up, all else down.
"""

from math import inf, nan

from monitor.domain.prices import PROTOCOL, Repricing, Unknown
from monitor.protocols.euler_v2.health import Priced, priced
from monitor.protocols.euler_v2.market import LIABILITY, SCALED, SHARES, Market
from monitor.protocols.euler_v2.pricing import Steps
from monitor.screen.factors import NOTHING, UNBOUNDED, UNKNOWN, Bounds, Cells, Factors
from monitor.units import BPS, RAY

CELLS = Cells(collateral=(SHARES,), debt=(SCALED,))
_CATEGORY = 0


def factors(market: Market, repricing: Repricing = PROTOCOL) -> Factors:
    """Return the market's factors under a repricing; raises UsageError when that names a node it does not have."""
    view = priced(market, repricing)
    made = Factors.blank(CELLS, 1, len(view.collaterals))
    made.debt[_CATEGORY, CELLS.debt_code(LIABILITY, SCALED)] = _owed(view)
    for place, (threshold_bps, steps) in enumerate(view.collaterals):
        if place != LIABILITY:
            code = CELLS.collateral_code(place, SHARES)
            made.collateral[_CATEGORY, code], made.worth[_CATEGORY, code] = _held(threshold_bps, steps)
    return made.widened()


def _owed(view: Priced) -> Bounds:
    """Bounds of a debt: at an accumulator of one ray it is rounded up by less than one, and so it is now."""
    if isinstance(view.owed, Unknown):
        return UNKNOWN
    try:
        grown = view.market.own.now.accumulator_ray / RAY
        per_unit, lost = _linear(view.owed)
    except OverflowError:
        return UNBOUNDED
    return Bounds(grown * per_unit, grown * per_unit, (grown + 1.0) * per_unit + lost, per_unit)


def _held(threshold_bps: int, steps: Steps | Unknown) -> tuple[Bounds, float]:
    """Bounds of shares weighted by the threshold, and what one is worth; without a threshold no price is read."""
    if isinstance(steps, Unknown):
        return UNKNOWN if threshold_bps else NOTHING, nan
    try:
        worth, lost = _linear(steps)
    except OverflowError:
        return (UNBOUNDED, inf) if threshold_bps else (NOTHING, inf)
    weight = threshold_bps / BPS
    bounds = Bounds(worth * weight, worth * weight, lost * weight + 1.0, 0.0) if threshold_bps else NOTHING
    return bounds, worth


def _linear(steps: Steps) -> tuple[float, float]:
    """Return what one unit becomes along the steps if nothing were rounded, and the most that rounding down loses."""
    slope, lost = 1.0, 0.0
    for multiplier, divisor in steps:
        factor = multiplier / divisor
        slope, lost = slope * factor, lost * factor + 1.0
    return slope, lost
