"""Volatility, beta and correlation from series whose truth is known."""

from math import exp, sqrt
from random import Random

import pytest

from monitor.errors import UsageError
from monitor.risk.volatility import beta_bps, correlation_bps, log_returns, sigma_year_bps, weights
from monitor.units import YEAR_S

DAY_S = 86_400


def walk(returns: list[float]) -> list[float]:
    prices = [100.0]
    for one in returns:
        prices.append(prices[-1] * exp(one))
    return prices


def test_a_price_that_moves_by_one_per_cent_a_day_has_its_root_of_days():
    prices = walk([0.01, -0.01] * 50)
    assert sigma_year_bps(prices, DAY_S) == pytest.approx(100 * sqrt(365), abs=1)


def test_the_same_series_at_shorter_times_is_more_volatile_in_a_year():
    prices = walk([0.01, -0.01] * 50)
    assert sigma_year_bps(prices, DAY_S // 4) == pytest.approx(2 * sigma_year_bps(prices, DAY_S), abs=2)


def test_a_return_counts_half_after_its_half_life():
    found = weights(200, DAY_S, 10 * DAY_S)
    assert found.sum() == pytest.approx(1)
    assert found[-11] / found[-1] == pytest.approx(0.5)


def test_an_average_that_forgets_follows_a_calm_after_a_storm():
    prices = walk([0.1, -0.1] * 20 + [0.01, -0.01] * 60)
    calm = sigma_year_bps(walk([0.01, -0.01] * 60), DAY_S)
    assert sigma_year_bps(prices, DAY_S) > 4 * calm
    assert sigma_year_bps(prices, DAY_S, 5 * DAY_S) == pytest.approx(calm, rel=0.01)


def test_twice_the_market_has_a_beta_of_two_and_moves_with_it():
    random = Random(7)
    market = [random.gauss(0, 0.03) for _ in range(300)]
    twice = walk([2 * one for one in market])
    assert beta_bps(twice, walk(market), DAY_S) == pytest.approx(20_000, abs=1)
    assert correlation_bps(twice, walk(market), DAY_S) == 10_000


def test_a_sample_of_a_known_law_is_estimated_within_its_error():
    """3,000 returns of two assets with 60 % and 90 % a year and a correlation of 0.7."""
    random, one, other = Random(11), [], []
    day = sqrt(DAY_S / YEAR_S)
    for _ in range(3_000):
        common, own = random.gauss(0, 1), random.gauss(0, 1)
        one.append(0.6 * day * common)
        other.append(0.9 * day * (0.7 * common + sqrt(1 - 0.49) * own))
    prices, others = walk(one), walk(other)
    assert sigma_year_bps(prices, DAY_S) == pytest.approx(6_000, rel=0.04)
    assert sigma_year_bps(others, DAY_S, 400 * DAY_S) == pytest.approx(9_000, rel=0.08)
    assert correlation_bps(prices, others, DAY_S) == pytest.approx(7_000, abs=300)
    assert beta_bps(others, prices, DAY_S) == pytest.approx(10_500, rel=0.06)


def test_a_market_that_stands_still_has_no_beta():
    assert beta_bps(walk([0.01, -0.01]), [1.0, 1.0, 1.0], DAY_S) == 0
    assert correlation_bps(walk([0.01, -0.01]), [1.0, 1.0, 1.0], DAY_S) == 0


@pytest.mark.parametrize("prices", [[], [1.0, 2.0], [1.0, 0.0, 2.0], [1.0, float("nan"), 2.0], [1.0, -1.0, 2.0]])
def test_prices_that_tell_nothing_are_refused(prices: list[float]):
    with pytest.raises(UsageError, match="prices above zero"):
        log_returns(prices)


def test_series_of_different_times_are_refused():
    with pytest.raises(UsageError, match="same times"):
        beta_bps([1.0, 2.0, 3.0], [1.0, 2.0], DAY_S)
