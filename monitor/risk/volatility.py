"""Volatility, correlation and beta as a series of prices tells them, the newest counting most."""

from collections.abc import Sequence
from math import ceil, log, sqrt

import numpy as np
import numpy.typing as npt

from monitor.errors import UsageError
from monitor.units import BPS, YEAR_S

Matrix = npt.NDArray[np.float64]
_LEAST_RETURNS = 2


def log_returns(prices: npt.ArrayLike) -> Matrix:
    """Return the logarithmic returns of prices at equal times, oldest first, one column for each asset.

    Raises UsageError for prices that are not above zero or too few to have two returns.
    """
    found = np.asarray(prices, dtype=np.float64)
    if len(found) <= _LEAST_RETURNS or not np.isfinite(found).all() or (found <= 0).any():
        raise UsageError(f"expected {_LEAST_RETURNS + 1} or more prices above zero at equal times, found {found!r:.80}")
    return np.diff(np.log(found.reshape(len(found), -1)), axis=0)


def weights(count: int, every_s: int, half_life_s: int | None) -> Matrix:
    """Return what each of so many returns counts, oldest first, one in sum; without a half-life all count the same.

    The exponentially weighted average of RiskMetrics (1996): a return counts half of one that is `half_life_s` newer.
    """
    if half_life_s is None:
        return np.full(count, 1 / count)
    decay = log(2) * every_s / half_life_s
    found = np.exp(-decay * np.arange(count)[::-1])
    whole: Matrix = found / found.sum()
    return whole


def covariance_year(returns: Matrix, every_s: int, half_life_s: int | None = None) -> Matrix:
    """Return the covariance of returns in a year; their mean is taken as zero, as it is for times of a day or less."""
    weighted = returns * weights(len(returns), every_s, half_life_s)[:, None]
    found: Matrix = weighted.T @ returns * (YEAR_S / every_s)
    return found


def sigma_year_bps(prices: Sequence[float], every_s: int, half_life_s: int | None = None) -> int:
    """Return the standard deviation of an asset's logarithmic returns in a year, in basis points, rounded up.

    Raises UsageError as `log_returns` does.
    """
    variance = covariance_year(log_returns(prices), every_s, half_life_s)[0, 0]
    return ceil(sqrt(variance) * BPS)


def beta_bps(prices: Sequence[float], market: Sequence[float], every_s: int, half_life_s: int | None = None) -> int:
    """Return by how much an asset moved when the market did, in basis points, rounded up; 0 where the market stood.

    Raises UsageError as `log_returns` does, or for series of different lengths.
    """
    _, covariance, variance = _pair(prices, market, every_s, half_life_s)
    return ceil(covariance / variance * BPS) if variance else 0


def correlation_bps(one: Sequence[float], other: Sequence[float], every_s: int, half_life_s: int | None = None) -> int:
    """Return the correlation of two assets, in basis points, rounded to the nearest; 0 where either stood.

    Raises UsageError as `log_returns` does, or for series of different lengths.
    """
    own, covariance, variance = _pair(one, other, every_s, half_life_s)
    both = sqrt(own * variance)
    return round(covariance / both * BPS) if both else 0


def _pair(
    one: Sequence[float], other: Sequence[float], every_s: int, half_life_s: int | None
) -> tuple[float, float, float]:
    """Return the variance of one series, its covariance with the other, and the variance of that."""
    if len(one) != len(other):
        raise UsageError(f"expected two series of prices at the same times, found {len(one)} and {len(other)}")
    found = covariance_year(log_returns(np.column_stack((one, other))), every_s, half_life_s)
    return float(found[0, 0]), float(found[0, 1]), float(found[1, 1])
