"""How near its line a loan can be in standard deviations, and in time, told from its health and what it is made of."""

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import combinations
from math import ceil, exp, sqrt

from monitor.domain.assessment import Assessment, Side
from monitor.risk.model import AssetClass, RiskModel
from monitor.risk.pegs import counts
from monitor.units import BPS, PPM, WAD, YEAR_S

MOST_WAD = 10**9 * WAD
FASTEST_BPS = 40_000
"""Interest of 400 % a year: more than the steepest curve of a large market asks for when everything is lent out."""
_RATES = 8
"""At most so many exchange rates move the two prices of a pair beside what the pair moves by itself."""


def widest_held_ppm(model: RiskModel, seen: Assessment) -> int:
    """Return the standard deviation of the two assets of a loan that part most, over the model's time, rounded up."""
    chain, legs = seen.id.chain, filter(counts, seen.legs)
    held = Counter((model.owed if leg.side is Side.DEBT else model.of)(chain, leg.token.address) for leg in legs)
    return _widest_ppm(model, [one for one, count in held.items() for _ in range(min(count, 2))])


def widest_ppm(model: RiskModel, pegs: Collection[str]) -> int:
    """Return the same of any two assets of one of the pegs, of any two at all where none is named."""
    everything = [*model.classes.values(), model.owed_unclassified]
    if not pegs:
        return _widest_ppm(model, everything * 2)
    by_peg = ([one for one in everything if one.peg == peg] for peg in pegs)
    return max(_widest_ppm(model, some * 2) for some in by_peg)


def _widest_ppm(model: RiskModel, classes: Sequence[AssetClass]) -> int:
    apart = max((_variance(model, one, other) for one, other in combinations(classes, 2)), default=0.0)
    rates = _RATES * (model.rate.sigma_year_bps / BPS) ** 2
    return ceil(sqrt(apart + rates) * sqrt(model.horizon_s / YEAR_S) * PPM)


def health_within_wad(widest_ppm: int, sigmas_ppm: int) -> int:
    """Return a health from which on a loan is at least so many standard deviations from its line, rounded up.

    Collateral has to fall against debt by the whole health, and so some collateral's price against some debt's: no way
    past the line is likelier than that of the two assets that part most. It holds for every health that is proportional
    to the prices of collateral, and inversely to those of debt.
    """
    return _grown_wad(widest_ppm * sigmas_ppm / PPM**2)


def health_within_time_wad(seconds: int) -> int:
    """Return a health from which on interest of `FASTEST_BPS` alone leads past the line no sooner, rounded up."""
    return _grown_wad(FASTEST_BPS / BPS * seconds / YEAR_S)


def _grown_wad(logarithm: float) -> int:
    return MOST_WAD if logarithm > 20 else ceil(exp(logarithm) * 10**12) * (WAD // 10**12)


def _variance(model: RiskModel, one: AssetClass, other: AssetClass) -> float:
    """Return the variance in a year of what two assets part by."""
    sigma, tau = one.sigma_year_bps / BPS, other.sigma_year_bps / BPS
    return max(sigma**2 + tau**2 - 2 * model.correlation(one, other) * sigma * tau, 0.0)
