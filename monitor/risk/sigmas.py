"""How many standard deviations of its prices a position is from its line, and the likeliest way there.

First-order reliability (Hasofer & Lind 1974, Rackwitz & Fiessler 1978): logarithmic returns over the horizon are normal
with covariance Σ; of all returns r that bring the position to its line, the likeliest has the least √(rᵀΣ⁻¹r). Returns
are held as loads v with r = Σv, so that their length is √(vᵀΣv) and nothing has to be inverted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitor.domain.assessment import LiquidationPrice
from monitor.domain.health import Measured
from monitor.domain.prices import Repricing
from monitor.risk.factors import Asset, Factors
from monitor.risk.line import HealthAt, last_safe
from monitor.risk.model import RiskModel
from monitor.units import PPM, WAD

Vector = npt.NDArray[np.float64]

REACH = 40
"""Further away than this many standard deviations, nothing is told."""
_STEP = 1e-3
_ALIGNED = 1 - 1e-6
"""The cosine of two directions of which the second would bring the line nearer by less than a millionth."""
_TURNS = 10
_LEVEL = 1e-12
_FEW_RUNGS = 4


@dataclass(frozen=True, slots=True)
class Way:
    """The likeliest way past the line: how many standard deviations, in millionths, rounded down, and each return."""

    sigmas_ppm: int
    loads: Vector
    returns: Vector


def covariance(model: RiskModel, assets: Iterable[Asset], horizon_s: int) -> Vector:
    """Return the covariance of the assets' logarithmic returns over a time."""
    assets = tuple(assets)
    sigmas = np.array([one.of.sigma(horizon_s) for one in assets])
    together = [
        [1.0 if one.name == other.name else model.correlation(one.of, other.of) for other in assets] for one in assets
    ]
    return np.array(together, dtype=np.float64) * np.outer(sigmas, sigmas)


def likeliest(
    health: HealthAt, factors: Factors, spread: Vector, prices: Iterable[LiquidationPrice] = ()
) -> Way | None:
    """Return the likeliest way past the line of a position that is safe now; None where none is within reach.

    It starts in the direction in which the margin falls fastest, and goes on from the point of the line found there to
    the direction in which it falls fastest at that point, until both are the same. Where a known liquidation price may
    be nearer than what was found, that way is tried as well, so that an account that is hurt both ways is not judged by
    one of them. The last step of the way on which the position is safe and the first on which it is not are a millionth
    of a standard deviation apart, by the exact evaluator.
    """
    search = _Search(health, factors, spread)
    best = search.settled(search.steepest(np.zeros(len(factors.assets))), None)
    for start, least in search.singles(prices):
        if best is None or least * PPM < best.sigmas_ppm:
            best = search.settled(start, best)
    return best


@dataclass(frozen=True, slots=True)
class _Search:
    """One position, its assets and their covariance; a direction is the loads of returns one standard deviation off."""

    health: HealthAt
    factors: Factors
    spread: Vector

    def settled(self, direction: Vector | None, best: Way | None) -> Way | None:
        """Return the nearest point of the line that is found from a direction on, or `best` where that is nearer."""
        for _ in range(_TURNS):
            if direction is None or (best is not None and self._cosine(best.loads, direction) > _ALIGNED):
                break
            steps = self._steps(direction, best)
            if steps is not None:
                best = Way(steps, direction, self.spread @ direction * (steps / PPM))
                direction = self.steepest(best.returns)
            elif best is not None:
                direction = self._unit(best.loads + direction / 2)
            else:
                break
        return best

    def steepest(self, returns: Vector) -> Vector | None:
        """Return the direction in which the margin falls fastest for its likelihood; None where it is level."""
        return self._unit(-np.array([self._slope(returns, place) for place in range(len(returns))]))

    def singles(self, prices: Iterable[LiquidationPrice]) -> Iterator[tuple[Vector | None, float]]:
        """Yield the direction of each price to its own line, and how far that is at least."""
        places = {one.name: place for place, one in enumerate(self.factors.assets)}
        driven = {one.node: one for one in self.factors.driven}
        for price in prices:
            one = driven.get(price.node)
            if one is None or price.first_liquidatable <= 0:
                continue
            loads = np.zeros(len(places))
            loads[places[one.asset.name]] = 1.0
            if one.told_in is not None:
                loads[places[one.told_in.name]] = -1.0
            move = float(np.log(price.first_liquidatable / price.now))
            sigma = float(loads @ self.spread @ loads) ** 0.5
            if sigma > _LEVEL:
                yield self._unit(loads if move > 0 else -loads), abs(move) / sigma

    def _steps(self, direction: Vector, best: Way | None) -> int | None:
        """Return how many millionths of a standard deviation are safe, None where that is no nearer than the best."""
        returns = self.spread @ direction
        reach, rungs = (REACH * PPM, 9) if best is None else (best.sigmas_ppm, _FEW_RUNGS)
        return last_safe(self.health, lambda step: self._repricing(returns * (step / PPM)), reach, rungs)

    def _slope(self, returns: Vector, place: int) -> float:
        up, down = returns.copy(), returns.copy()
        up[place] += _STEP
        down[place] -= _STEP
        return self._margin(up) - self._margin(down)

    def _margin(self, returns: Vector) -> float:
        """Return (h - 1) ÷ (h + 1) of the health h, near the line half its logarithm; 0 where it is not measured."""
        found = self.health(self._repricing(returns))
        if not isinstance(found, Measured):
            return 0.0
        return (found.numerator - found.denominator) / max(abs(found.numerator) + found.denominator, 1)

    def _repricing(self, returns: Vector) -> Repricing:
        ratios = {
            one.name: (int(ratio * WAD), WAD)
            for one, ratio in zip(self.factors.assets, np.exp(returns).tolist(), strict=True)
        }
        return self.factors.moved(ratios, "sigmas")

    def _cosine(self, one: Vector, other: Vector) -> float:
        return float(one @ self.spread @ other)

    def _unit(self, loads: Vector) -> Vector | None:
        length = float(loads @ self.spread @ loads) ** 0.5
        return loads / length if length > _LEVEL else None
