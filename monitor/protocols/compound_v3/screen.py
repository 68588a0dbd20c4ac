"""What the screen needs to know of a Comet: bounds of what each stored number is worth, from the contract's roundings.

Contract functions: Comet.isLiquidatable, CometCore.presentValue: every division rounds down.
"""

from math import inf, nan

from monitor.domain.prices import PROTOCOL, Repricing, Unknown
from monitor.protocols.compound_v3.health import Priced, collateral_price, debt_price, priced
from monitor.protocols.compound_v3.market import BASE, BORROWED, COLLATERAL, Collateral, Market
from monitor.protocols.compound_v3.math import INDEX_SCALE
from monitor.screen.factors import NOTHING, UNBOUNDED, UNKNOWN, Bounds, Cells, Factors
from monitor.units import WAD

CELLS = Cells(collateral=(COLLATERAL,), debt=(BORROWED,))
"""What is lent in the base asset secures nothing, so `SUPPLIED` is no cell."""
_CATEGORY = 0


def factors(market: Market, repricing: Repricing = PROTOCOL) -> Factors:
    """Return the market's factors under a repricing; raises UsageError when that names a node it does not have.

    A collateral without a price leaves its holders to the exact evaluator, which knows whether the contract reads it.
    """
    view = priced(market, repricing)
    made = Factors.blank(CELLS, 1, max(market.collaterals, default=BASE) + 1)
    made.debt[_CATEGORY, CELLS.debt_code(BASE, BORROWED)] = _owed(view)
    for asset in market.collaterals.values():
        code = CELLS.collateral_code(asset.place, COLLATERAL)
        made.collateral[_CATEGORY, code], made.worth[_CATEGORY, code] = _held(view, asset)
    return made.widened()


def _owed(view: Priced) -> Bounds:
    """Bounds of a debt: at most one unit of the token and one of the value are dropped."""
    market, price = view.market, debt_price(view)
    if isinstance(price, Unknown):
        return UNKNOWN
    try:
        per_unit = price / market.base.scale
        slope = market.indices.borrow * price / (INDEX_SCALE * market.base.scale)
    except OverflowError:
        return UNBOUNDED
    return Bounds(slope, slope, per_unit + 1.0, 0.0)


def _held(view: Priced, asset: Collateral) -> tuple[Bounds, float]:
    """Bounds of a collateral weighted by its factor, and what a raw unit is worth."""
    price = collateral_price(view, asset.node)
    if isinstance(price, Unknown):
        is_passed_over = view.market.layout.is_patched and not asset.liquidate_factor_wad
        return NOTHING if is_passed_over else UNKNOWN, nan
    try:
        worth = price / asset.scale
        slope = price * asset.liquidate_factor_wad / (asset.scale * WAD)
    except OverflowError:
        return UNBOUNDED, inf
    return Bounds(slope, slope, asset.liquidate_factor_wad / WAD + 1.0, 0.0), worth
