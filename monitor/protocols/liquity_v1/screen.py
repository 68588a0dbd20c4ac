"""What the screen needs to know of Liquity: bounds of what a trove's numbers are worth.

Contract functions: TroveManager.getEntireDebtAndColl, getCurrentICR. What was redistributed to a trove is bounded by
its stake times all that was ever redistributed, because the terms it started from are below those of now.
"""

from math import inf, nan

from monitor.domain.prices import PROTOCOL, Repricing, Unknown
from monitor.protocols.liquity_v1.health import Priced, priced
from monitor.protocols.liquity_v1.market import ASSET, COLL, DEBT, STAKE, Market
from monitor.screen.factors import UNBOUNDED, UNKNOWN, Bounds, Cells, Factors
from monitor.units import WAD

CELLS = Cells(collateral=(COLL, STAKE), debt=(DEBT, STAKE))
"""A stake is a claim to redistributed collateral and a share of redistributed debt."""
_CATEGORY = 0


def factors(market: Market, repricing: Repricing = PROTOCOL) -> Factors:
    """Return the factors under a repricing; raises UsageError when that names a node the market does not have."""
    view = priced(market, repricing)
    made = Factors.blank(CELLS, 1, 1)
    coll, stake = (CELLS.collateral_code(ASSET, kind) for kind in (COLL, STAKE))
    made.collateral[_CATEGORY, coll], made.collateral[_CATEGORY, stake], worth = _held(view)
    made.worth[_CATEGORY, coll], made.worth[_CATEGORY, stake] = worth, 0.0
    debt, stake = (CELLS.debt_code(ASSET, kind) for kind in (DEBT, STAKE))
    made.debt[_CATEGORY, debt], made.debt[_CATEGORY, stake] = _owed(view)
    return made.widened()


def _held(view: Priced) -> tuple[Bounds, Bounds, float]:
    """Bounds of collateral and of a stake, weighted by the line of now, and what a raw unit is worth."""
    if isinstance(view.price, Unknown):
        return UNKNOWN, UNKNOWN, nan
    try:
        slope = view.price / view.line_wad
        per_stake = slope * (view.market.redistributed.coll_per_stake_wad / WAD)
        return Bounds(slope, slope, 0.0, 0.0), Bounds(0.0, per_stake, 0.0, 0.0), view.price / WAD
    except OverflowError:
        return UNBOUNDED, UNBOUNDED, inf


def _owed(view: Priced) -> tuple[Bounds, Bounds]:
    """Bounds of a debt and of a stake; at most one unit is rounded up."""
    if isinstance(view.par, Unknown):
        return UNKNOWN, UNKNOWN
    slope = view.par / WAD
    per_stake = slope * (view.market.redistributed.debt_per_stake_wad / WAD)
    return Bounds(slope, slope, 0.0, 1.0), Bounds(0.0, per_stake, 0.0, 0.0)
