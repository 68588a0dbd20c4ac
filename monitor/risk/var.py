"""Value at risk and expected shortfall: how much may be liquidatable after a time, in the worst of many price moves.

Moves are drawn from the model (logarithmic returns normal, mean zero, the covariance of `config/risk.toml` over its
horizon), or are those of a series of prices. What is owed and held stays as it is: nobody acts and no interest runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitor.errors import UsageError
from monitor.risk.factors import Asset
from monitor.risk.model import RiskModel
from monitor.risk.sigmas import covariance
from monitor.risk.volatility import log_returns
from monitor.units import BPS, PPM

Vector = npt.NDArray[np.float64]
_LARGEST_PPM = 10**9
"""A price that rises a thousandfold is past every line it could pass."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The loss that is not exceeded with a confidence, and the mean of the losses beyond it."""

    confidence_bps: int
    value_at_risk: float
    expected_shortfall: float


def tail(losses: npt.ArrayLike, confidence_bps: int) -> Tail:
    """Return the tail of equally likely losses: the empirical quantile, and the mean of the worst share beyond it.

    The loss at the edge counts in the mean with the part of it that lies in the share (Acerbi & Tasche 2002). Raises
    UsageError where there are fewer losses than the confidence needs to have one beyond it.
    """
    found = np.sort(np.asarray(losses, dtype=np.float64))[::-1]
    if not 0 < confidence_bps < BPS or len(found) * (BPS - confidence_bps) < BPS:
        raise UsageError(
            f"expected a confidence below 100 % and at least {-(-BPS // max(BPS - confidence_bps, 1))} losses for "
            f"{confidence_bps / 100:g} %, found {len(found)}"
        )
    whole, part = divmod(len(found) * (BPS - confidence_bps), BPS)
    edge = min(whole, len(found) - 1)
    beyond = found[:whole].sum() + found[edge] * part / BPS
    share = len(found) * (BPS - confidence_bps) / BPS
    at_risk = found[whole] if part else found[whole - 1]
    return Tail(confidence_bps, float(at_risk), float(beyond / share))


def drawn_ppm(
    model: RiskModel, assets: Sequence[Asset], horizon_s: int, count: int, seed: int
) -> npt.NDArray[np.int64]:
    """Return ratios of prices after a time to now, in millionths, (count, assets); the same seed draws the same.

    Each draw is followed by its mirror image, so that up and down weigh alike. The square root of the covariance is
    made of its eigenvectors, since two tokens of one class may move as one.
    """
    if not assets:
        return np.full((count, 0), PPM, np.int64)
    values, vectors = np.linalg.eigh(covariance(model, assets, horizon_s))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    half = np.random.default_rng(seed).standard_normal((-(-count // 2), len(assets))) @ root.T
    return ratios_ppm(np.stack((half, -half), axis=1).reshape(-1, len(assets))[:count])


def seen_ppm(prices: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the ratios of each price to the one before, in millionths, (times − 1, assets); raises UsageError."""
    return ratios_ppm(log_returns(prices))


def ratios_ppm(returns: Vector) -> npt.NDArray[np.int64]:
    """Return logarithmic returns as ratios in millionths."""
    found: npt.NDArray[np.int64] = np.rint(np.exp(np.minimum(returns, np.log(_LARGEST_PPM / PPM))) * PPM).astype(
        np.int64
    )
    return found
