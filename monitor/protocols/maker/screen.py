"""What the screen needs to know of an ilk: a product on each side, without any rounding of the contract's.

Contract function: Dog.bark. Base units are wad dollars: rad times par.
"""

from math import inf, nan

from monitor.domain.prices import PROTOCOL, Repricing, Unknown
from monitor.protocols.maker.health import Priced, priced
from monitor.protocols.maker.market import ART, DAI_ASSET, GEM_ASSET, INK, Market
from monitor.screen.factors import UNBOUNDED, UNKNOWN, Bounds, Cells, Factors
from monitor.units import RAY, WAD

CELLS = Cells(collateral=(INK,), debt=(ART,))
_ASSETS, _CATEGORY = 2, 0


def factors(market: Market, repricing: Repricing = PROTOCOL) -> Factors:
    """Return the ilk's factors under a repricing; raises UsageError when that names a node it does not have."""
    view = priced(market, repricing)
    made = Factors.blank(CELLS, 1, _ASSETS)
    collateral = CELLS.collateral_code(GEM_ASSET, INK)
    made.collateral[_CATEGORY, collateral], made.worth[_CATEGORY, collateral] = _locked(view)
    made.debt[_CATEGORY, CELLS.debt_code(DAI_ASSET, ART)] = _owed(view)
    return made.widened()


def _locked(view: Priced) -> tuple[Bounds, float]:
    spot, price = view.spot_ray, view.price
    if isinstance(spot, Unknown):
        return UNKNOWN, nan
    try:
        slope = spot * view.market.par_ray / (RAY * RAY)
        worth = nan if isinstance(price, Unknown) else price / WAD
    except OverflowError:
        return UNBOUNDED, inf
    return Bounds(slope, slope, 0.0, 0.0), worth


def _owed(view: Priced) -> Bounds:
    """Bounds of a debt; at another price than par it is rounded up by less than a unit of rad."""
    if isinstance(view.dai_ray, Unknown):
        return UNKNOWN
    try:
        slope = view.market.rate_ray * view.dai_ray / (RAY * RAY)
    except OverflowError:
        return UNBOUNDED
    return Bounds(slope, slope, 0.0, 1.0)
