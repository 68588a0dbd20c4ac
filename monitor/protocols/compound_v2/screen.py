"""What the screen needs to know of a comptroller: bounds of what each stored number is worth, from its roundings.

Contract function: Comptroller.getHypotheticalAccountLiquidityInternal: every division rounds down.
"""

from math import inf, nan

from monitor.domain.prices import PROTOCOL, Repricing, Unknown
from monitor.protocols.compound_v2.health import Priced, collateral_price, debt_price, priced
from monitor.protocols.compound_v2.market import FLAT, HELD, MINTED, SCALED, Listed, Market
from monitor.protocols.compound_v2.math import Standing
from monitor.screen.factors import NOTHING, UNBOUNDED, UNKNOWN, Bounds, Cells, Factors
from monitor.units import WAD

CELLS = Cells(collateral=(HELD,), debt=(SCALED, FLAT))
"""A debt is screened by its one number at an index of 1e18; what was not entered secures nothing."""


def factors(market: Market, repricing: Repricing = PROTOCOL) -> Factors:
    """Return the market's factors under a repricing; raises UsageError when that names a node it does not have."""
    view = priced(market, repricing)
    categories = sorted({category for one in market.listed.values() for category in one.terms} | {0})
    made = Factors.blank(CELLS, max(categories) + 1, max(market.listed, default=0) + 1)
    for one in market.listed.values():
        held = CELLS.collateral_code(one.place, HELD)
        for category in range(max(categories) + 2):
            made.debt[category, CELLS.debt_code(one.place, SCALED)] = _owed(view, one)
            made.debt[category, CELLS.debt_code(one.place, FLAT)] = _flat(view, one)
            made.collateral[category, held], made.worth[category, held] = _held(view, one, category)
    return made.widened()


def _owed(view: Priced, one: Listed) -> Bounds:
    """Bounds of a debt: at most one unit of its scaled number, one of the token and one of the value are dropped."""
    price = debt_price(view, one.asset.node)
    if isinstance(price, Unknown) or isinstance(one.standing, Unknown):
        return UNKNOWN
    try:
        per_unit = price / WAD
        if one.place == MINTED:
            grown = (one.standing.borrow_index - WAD) * price / (WAD * WAD)
            return Bounds(grown, grown, 0.0, 0.0)
        per_scaled = one.standing.borrow_index * price / (WAD * WAD)
    except OverflowError:
        return UNBOUNDED
    return Bounds(per_scaled, per_scaled, per_scaled + per_unit + 1.0, 0.0)


def _flat(view: Priced, one: Listed) -> Bounds:
    """Bounds of a minted debt without its interest: the two numbers together drop two units and one of the value."""
    price = debt_price(view, one.asset.node)
    if one.place != MINTED:
        return NOTHING
    if isinstance(price, Unknown):
        return UNKNOWN
    return Bounds(price / WAD, price / WAD, 2 * price / WAD + 1.0, 0.0)


def _held(view: Priced, one: Listed, category: int) -> tuple[Bounds, float]:
    """Bounds of cTokens weighted by their factor, and what one is worth."""
    price = collateral_price(view, one.asset.node)
    if isinstance(price, Unknown) or isinstance(one.standing, Unknown):
        return UNKNOWN, nan
    return _bounds(view, one.standing, price, one.terms_of(category).weight_wad)


def _bounds(view: Priced, standing: Standing, price: int, weight_wad: int) -> tuple[Bounds, float]:
    rules = view.market.layout.rules
    try:
        worth = standing.exchange_rate_wad * price / (WAD * WAD)
        slope = rules.worth_wad(weight_wad, standing.exchange_rate_wad, price) / WAD
    except OverflowError:
        return UNBOUNDED, inf
    return Bounds(slope, slope, 1.0, 0.0), worth
