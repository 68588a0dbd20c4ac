"""What the screen needs to know of a market: bounds of what stored numbers are worth, from the contract's roundings.

Contract files: Morpho.sol (_isHealthy), SharesMathLib.sol.
"""

from math import inf, nan

from monitor.domain.prices import PROTOCOL, Repricing, Unknown
from monitor.protocols.morpho_blue.health import Priced, priced
from monitor.protocols.morpho_blue.market import BORROW_SHARES, COLLATERAL, COLLATERAL_ASSET, LOAN_ASSET, Market
from monitor.protocols.morpho_blue.math import ORACLE_PRICE_SCALE, VIRTUAL_ASSETS, VIRTUAL_SHARES
from monitor.screen.factors import UNBOUNDED, UNKNOWN, Bounds, Cells, Factors
from monitor.units import WAD

CELLS = Cells(collateral=(COLLATERAL,), debt=(BORROW_SHARES,))
_ASSETS, _CATEGORY = 2, 0


def factors(market: Market, repricing: Repricing = PROTOCOL) -> Factors:
    """Return the market's factors under a repricing.

    Raises UsageError when the repricing names a node that the market does not have.
    """
    view = priced(market, repricing)
    made = Factors.blank(CELLS, 1, _ASSETS)
    collateral = CELLS.collateral_code(COLLATERAL_ASSET, COLLATERAL)
    made.collateral[_CATEGORY, collateral], made.worth[_CATEGORY, collateral] = _supplied(view)
    made.debt[_CATEGORY, CELLS.debt_code(LOAN_ASSET, BORROW_SHARES)] = _owed(view)
    return made.widened()


def _supplied(view: Priced) -> tuple[Bounds, float]:
    """Return the bounds of collateral weighted by the threshold, and the worth of a unit; both steps round down.

    A price that is not known hides the health of whoever owes, so it stands with the debt.
    """
    price, lltv_wad = view.collateral_price, view.market.parameters.lltv_wad
    if isinstance(price, Unknown) or price < 0:
        return UNBOUNDED, nan
    try:
        worth, weighted = price / ORACLE_PRICE_SCALE, price * lltv_wad / (ORACLE_PRICE_SCALE * WAD)
    except OverflowError:
        return UNBOUNDED, inf
    return Bounds(weighted, weighted, lltv_wad / WAD + 1.0, 0.0), worth


def _owed(view: Priced) -> Bounds:
    """Return the bounds of borrow shares: assets of the market over its shares, rounded up, then priced, rounded up."""
    totals, price, collateral_price = view.market.totals, view.loan_price, view.collateral_price
    if isinstance(totals, Unknown) or isinstance(price, Unknown) or isinstance(collateral_price, Unknown) or price < 0:
        return UNKNOWN
    assets, shares = totals.borrow_assets_raw + VIRTUAL_ASSETS, totals.borrow_shares + VIRTUAL_SHARES
    try:
        per_unit = price / ORACLE_PRICE_SCALE
        per_share = assets * price / (shares * ORACLE_PRICE_SCALE)
    except OverflowError:
        return UNBOUNDED
    return Bounds(per_share, per_share, 0.0, per_unit + 1.0)
