"""What the screen needs to know of a branch: bounds of what a trove's numbers are worth.

Contract functions: TroveManager._getLatestTroveData, getCurrentICR. A debt with a rate of its own is
`ANCHORED` − (`ANCHOR_YEARS` − years since 1970) × `YEARLY`. What was redistributed to a trove is bounded by its stake
times all that was ever redistributed.
"""

from math import inf, nan

from monitor.domain.prices import PROTOCOL, Repricing, Unknown
from monitor.protocols.liquity_v2.health import Priced, priced
from monitor.protocols.liquity_v2.market import ANCHOR_YEARS, ANCHORED, ASSET, COLL, SHARES, STAKE, YEARLY, Market
from monitor.screen.factors import NOTHING, UNBOUNDED, UNKNOWN, Bounds, Cells, Factors
from monitor.units import WAD, YEAR_S

CELLS = Cells(collateral=(COLL, STAKE), debt=(ANCHORED, YEARLY, SHARES, STAKE))
"""A stake is a claim to redistributed collateral and a share of redistributed debt."""
_CATEGORY = 0
_ROUNDED = 3.0
"""Units that the roundings of a debt can take away: of interest twice, of the two kept numbers, of a batch's parts."""


def factors(market: Market, repricing: Repricing = PROTOCOL) -> Factors:
    """Return the factors under a repricing; raises UsageError when that names a node the market does not have."""
    view = priced(market, repricing)
    made = Factors.blank(CELLS, 1, 1 + len(market.batches))
    coll, stake = (CELLS.collateral_code(ASSET, kind) for kind in (COLL, STAKE))
    made.collateral[_CATEGORY, coll], made.collateral[_CATEGORY, stake], worth = _held(view)
    made.worth[_CATEGORY, coll], made.worth[_CATEGORY, stake] = worth, 0.0
    if isinstance(view.par, Unknown):
        return made.widened()
    slope = view.par / WAD
    for kind, bounds in _owed(market, slope).items():
        made.debt[_CATEGORY, CELLS.debt_code(ASSET, kind)] = bounds
    for number, owed in enumerate(market.owed, start=1):
        per_share = slope * (owed.total_raw / owed.shares) if owed.shares else 0.0
        bounds = Bounds(per_share, per_share, slope * _ROUNDED, 1.0) if per_share else NOTHING
        made.debt[_CATEGORY, CELLS.debt_code(number, SHARES)] = bounds
    return made.widened()


def _held(view: Priced) -> tuple[Bounds, Bounds, float]:
    """Bounds of collateral and of a stake, weighted by the minimum ratio, and what a raw unit is worth."""
    if isinstance(view.price, Unknown):
        return UNKNOWN, UNKNOWN, nan
    try:
        slope = view.price / view.market.layout.mcr_wad
        per_stake = slope * (view.market.redistributed.coll_per_stake_wad / WAD)
        return Bounds(slope, slope, 0.0, 0.0), Bounds(0.0, per_stake, 0.0, 0.0), view.price / WAD
    except OverflowError:
        return UNBOUNDED, UNBOUNDED, inf


def _owed(market: Market, slope: float) -> dict[int, Bounds]:
    """Bounds of a debt of its own; interest that ended with the branch stopped at that time at the latest."""
    now_s = market.at.timestamp_s
    low, high = (slope * (at_s / YEAR_S - ANCHOR_YEARS) for at_s in (min(now_s, market.shutdown_s or now_s), now_s))
    per_stake = slope * (market.redistributed.debt_per_stake_wad / WAD)
    return {
        ANCHORED: Bounds(slope, slope, slope * _ROUNDED, slope * ANCHOR_YEARS + 1.0),
        YEARLY: Bounds(low, high, 0.0, 0.0),
        STAKE: Bounds(0.0, per_stake, 0.0, 0.0),
    }
