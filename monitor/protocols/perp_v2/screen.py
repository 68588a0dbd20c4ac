"""What the screen needs to know of a house: bounds of what each stored number adds to value and to requirement.

Contract functions: Vault._getAccountValueAndTotalCollateralValue, AccountBalance.getMarginRequirementForLiquidation.
"""

from monitor.domain.prices import PROTOCOL, Repricing, Unknown
from monitor.pricing.graph import on_collateral_side, on_debt_side
from monitor.protocols.perp_v2.health import Priced, priced
from monitor.protocols.perp_v2.market import (
    ACCOUNT,
    CASH,
    CASH_OWED,
    COIN,
    FEE,
    FUNDING_DUE,
    FUNDING_OWED,
    LONG,
    QUOTE,
    QUOTE_OWED,
    REALISED,
    REALISED_LOSS,
    SHORT,
    Coin,
    Market,
    Traded,
)
from monitor.screen.factors import UNBOUNDED, UNKNOWN, Bounds, Cells, Factors
from monitor.units import PPM, WAD

CELLS = Cells(
    collateral=(
        *(CASH, CASH_OWED, FEE, REALISED, REALISED_LOSS, COIN),
        *(LONG, SHORT, QUOTE, QUOTE_OWED, FUNDING_DUE, FUNDING_OWED),
    ),
    debt=(LONG, SHORT, COIN),
)
"""A size stands on both sides: it is worth something, and it requires something.

A collateral can be sold for a debt that no position leaves a trace of, so that its holders are left to the exact
evaluator.
"""
_CATEGORY = 0
_SIGNS = {FEE: 1, REALISED: 1, REALISED_LOSS: -1, QUOTE: 1, QUOTE_OWED: -1, FUNDING_DUE: 1, FUNDING_OWED: -1}


def factors(market: Market, repricing: Repricing = PROTOCOL) -> Factors:
    """Return the house's factors under a repricing; raises UsageError when that names a node it does not have."""
    view = priced(market, repricing)
    places = (ACCOUNT, *market.traded, *market.coins)
    made = Factors.blank(CELLS, 1, max(places) + 1)
    for place in places:
        for kind, sign in _SIGNS.items():
            made.collateral[_CATEGORY, CELLS.collateral_code(place, kind)] = Bounds(sign, sign, 0.0, 0.0)
    unit = float(10 ** (18 - market.layout.settlement.decimals))
    for kind, per_unit in ((CASH, unit), (CASH_OWED, -unit)):
        code = CELLS.collateral_code(ACCOUNT, kind)
        made.collateral[_CATEGORY, code] = Bounds(per_unit, per_unit, 0.0, 0.0)
        made.worth[_CATEGORY, code] = per_unit
    for traded in market.traded.values():
        _fill_market(made, view, traded)
    for coin in market.coins.values():
        made.collateral[_CATEGORY, CELLS.collateral_code(coin.place, COIN)] = _coin(view, coin)
        made.debt[_CATEGORY, CELLS.debt_code(coin.place, COIN)] = UNBOUNDED
    return made.widened(slack=unit)


def _fill_market(made: Factors, view: Priced, traded: Traded) -> None:
    """Bounds of a size: value toward zero; the requirement of the whole account is cut once, at most by two units."""
    price = view.prices[traded.node]
    maintenance = view.market.ratios.maintenance_ppm / PPM
    for kind, sign, side in ((LONG, 1.0, on_collateral_side(price)), (SHORT, -1.0, on_debt_side(price))):
        worth, required = UNKNOWN, UNKNOWN
        if not isinstance(side, Unknown):
            slope = side / WAD
            worth = Bounds(sign * slope, sign * slope, 1.0 if sign > 0 else 0.0, 0.0 if sign > 0 else 1.0)
            required = Bounds(slope * maintenance, slope * maintenance, 2.0, 0.0)
        made.collateral[_CATEGORY, CELLS.collateral_code(traded.place, kind)] = worth
        made.debt[_CATEGORY, CELLS.debt_code(traded.place, kind)] = required


def _coin(view: Priced, coin: Coin) -> Bounds:
    price = on_collateral_side(view.prices[coin.node])
    if isinstance(price, Unknown):
        return UNKNOWN
    try:
        slope = price * 10.0 ** (18 - coin.token.decimals) / coin.price_unit * (coin.ratio_ppm / PPM)
    except OverflowError:
        return UNBOUNDED
    return Bounds(slope, slope, 2.0, 0.0)
