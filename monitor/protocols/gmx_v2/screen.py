"""What the screen needs to know: bounds of what each stored number adds to what is left, and what is required.

Contract function: PositionUtils.isPositionLiquidatable.
"""

import numpy as np

from monitor.domain.prices import PROTOCOL, Repricing
from monitor.protocols.gmx_v2 import math
from monitor.protocols.gmx_v2.health import Priced, Quotes, priced
from monitor.protocols.gmx_v2.market import Market, State, Traded
from monitor.protocols.gmx_v2.math import FUNDING_UNIT, ONE
from monitor.protocols.gmx_v2.positions import (
    BORROWED,
    CATEGORIES,
    CHARGED,
    COLLATERAL,
    FUNDED,
    LONG,
    REQUIRED,
    SHORT_TOKEN,
    SIZE_RAW,
    SIZE_USD,
    WIDE,
)
from monitor.screen.factors import Bounds, Cells, Factors
from monitor.units import WAD, mul_div_up

CELLS = Cells(collateral=(SIZE_USD, SIZE_RAW, COLLATERAL, BORROWED, FUNDED, CHARGED, WIDE), debt=(REQUIRED,))
_ROUNDED = 4.0
"""How many smallest units of the collateral the roundings of a position's costs make up at most."""


_WIDEST = 1e60
"""More than any position is worth, base units."""


def factors(market: Market, repricing: Repricing = PROTOCOL) -> Factors:
    """Return the deployment's factors under a repricing; raises UsageError when that names a node it does not have."""
    view = priced(market, repricing)
    made = Factors.blank(CELLS, CATEGORIES, len(market.traded))
    for traded in market.traded:
        made.debt[:, CELLS.debt_code(traded.place, REQUIRED)] = Bounds(1.0, 1.0, 0.0, 0.0)
        for category in range(CATEGORIES):
            _fill(made, view, traded, category)
    return made.widened()


def debt_growth_wad(market: Market, seconds: int) -> int:
    """Return a growth of the requirement that is as bad as what borrowing and funding take in that time, rounded up.

    They take a part of the size, as the requirement is one; at the present rates, twice over because what is left may
    be little more than what is required.
    """
    most = 0
    for traded in market.traded:
        if isinstance(traded.state, State) and traded.terms.least_factor_for_liquidation:
            rate = max(traded.state.borrowing_rate) + traded.state.funding_rate
            most = max(most, mul_div_up(2 * rate * seconds, WAD, traded.terms.least_factor_for_liquidation))
    return most


def _fill(made: Factors, view: Priced, traded: Traded, category: int) -> None:
    """Put in the bounds of one market for positions of one category; without a price or a state they stay unknown."""
    is_long, is_short_token = bool(category & LONG), bool(category & SHORT_TOKEN)
    quotes = view.quotes(traded.place, is_long=is_long, is_short_token=is_short_token)
    if isinstance(quotes, str):
        return
    price, owed, accrued = float(quotes.collateral), float(quotes.owed), quotes.state.now
    sign = 1.0 if is_long else -1.0
    index = quotes.mark * sign
    costs = accrued.borrowing.of(is_long) / ONE + accrued.fees.of(is_long, is_short_token) / FUNDING_UNIT * owed
    size, rounded = -sign - costs, _ROUNDED * (owed + 1.0)
    most_impact = traded.terms.most_impact_for_liquidations / ONE
    low_fee, high_fee = (fee / ONE for fee in sorted(_fees(quotes, is_long=is_long)))
    cells = {
        SIZE_USD: Bounds(size - most_impact, size, rounded, rounded),
        SIZE_RAW: _bounds(index),
        COLLATERAL: _bounds(price),
        BORROWED: _bounds(1.0),
        FUNDED: _bounds(owed),
        CHARGED: Bounds(-high_fee, -low_fee, 0.0, 0.0),
        WIDE: Bounds(-_WIDEST, 0.0, 0.0, np.inf),
    }
    if quotes.pool_pnl_usd > math.part_down(quotes.pool_usd, traded.terms.most_pnl_factor.of(is_long)):
        cells[SIZE_USD] = Bounds(min(size, -costs) - most_impact, size, rounded, rounded)
        cells[SIZE_RAW] = Bounds(min(index, 0.0), index, 0.0, np.inf)
    for kind, bounds in cells.items():
        code = CELLS.collateral_code(traded.place, kind)
        made.collateral[category, code] = bounds
        made.worth[category, code] = price if kind == COLLATERAL else 0.0


def _fees(quotes: Quotes, *, is_long: bool) -> tuple[int, int]:
    """Return the fee factors that closing may take: on the lighter side it never balances the market."""
    is_heavier = quotes.interest.of(is_long) > quotes.interest.of(not is_long)
    less, more = quotes.terms.fee_factor
    return (less, more) if is_heavier else (more, more)


def _bounds(slope: float) -> Bounds:
    return Bounds(slope, slope, 0.0, 0.0)
