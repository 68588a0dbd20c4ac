"""The likeliest way past the line: the closed form where the margin is a line, a true point of the line where not."""

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

from monitor.domain.health import Measured
from monitor.domain.prices import Repricing
from monitor.health.tiers import by_leverage, flat
from monitor.ledger.accounts import Account
from monitor.protocols.aave_v3.market import Market
from monitor.risk.factors import Factors, factors_of
from monitor.risk.sigmas import covariance, likeliest
from monitor.units import PPM, WAD, YEAR_S
from tests.health.perp_book import UNIT, Book, Held
from tests.health.pool import JUDGE, account, pool
from tests.health.random_pools import positions
from tests.risk.scene import LISTINGS, MODEL, POOL, USDC, WBTC, WETH, loan, model, perp

DAY = sqrt(86_400 / YEAR_S)
ETH, BTC, USD = (MODEL.classes[name].sigma_year_bps / 10_000 * DAY for name in ("eth", "btc", "usd"))


def is_past(market: Market, one: Account, repricing: Repricing) -> bool:
    health = JUDGE.health(market, one, repricing)
    return isinstance(health, Measured) and health.is_past_line


def ways(market: Market, one: Account):
    """The account's factors, their covariance, and its likeliest way."""
    seen = JUDGE.assess(market, one)
    factors = factors_of(MODEL, market, seen)
    spread = covariance(MODEL, factors.assets, 86_400)
    return factors, spread, likeliest(lambda repricing: JUDGE.health(market, one, repricing), factors, spread)


def repriced(factors: Factors, returns: np.ndarray) -> Repricing:
    ratios = {
        asset.name: (int(np.exp(r) * WAD), WAD) for asset, r in zip(factors.assets, returns.tolist(), strict=True)
    }
    return factors.moved(ratios, "test")


def test_a_loan_of_one_coin_against_one_other_has_the_closed_form():
    """Its log health is a line in log returns: ln h ÷ √(σ² + τ² - 2ρστ)."""
    near = loan(account({WETH: 10**18}, {WBTC: 2_424_242}))
    together = MODEL.correlation(MODEL.classes["eth"], MODEL.classes["btc"])
    exact = log(0.8 * 2_000 / (0.02424242 * 60_000)) / sqrt(ETH**2 + BTC**2 - 2 * together * ETH * BTC)
    assert near.sigmas_ppm == pytest.approx(exact * PPM, rel=1e-5)
    assert near.sigmas_ppm is not None
    assert near.sigmas_ppm <= exact * PPM + 1


def test_a_position_of_one_coin_has_the_closed_form():
    book = Book(200 * UNIT, {"BTC": 1_000 * UNIT}, (Held("BTC", UNIT, 1_000 * UNIT, flat(1, 100)),))
    line = 800 / 0.99
    assert perp(book)[1].sigmas_ppm == pytest.approx(log(1_000 / line) / BTC * PPM, rel=1e-5)


def test_four_times_the_time_is_twice_the_standard_deviation():
    one = account({WETH: 10**18}, {USDC: 1_400 * 10**6})
    day, four = loan(one).sigmas_ppm, loan(one, model(horizon_s=4 * 86_400)).sigmas_ppm
    assert day is not None
    assert four == pytest.approx(day / 2, rel=1e-5)


def test_of_several_assets_no_point_of_the_line_is_likelier_than_the_one_found():
    """Every direction of a fine grid is tried: two collaterals that bend the line, tiers that bend it in a book."""
    one = account({WETH: 10**18, WBTC: 3_000_000}, {USDC: 2_300 * 10**6})
    factors, spread, way = ways(POOL, one)
    assert way is not None
    root = np.linalg.cholesky(spread)
    least = []
    for angle in np.linspace(0, 2 * np.pi, 720, endpoint=False):
        for tilt in (-0.2, -0.1, 0.0, 0.1, 0.2):
            z = np.array([np.cos(angle), np.sin(angle), tilt])
            z /= np.linalg.norm(z)
            low, high = 0.0, 40.0
            if not is_past(POOL, one, repriced(factors, root @ z * high)):
                continue
            while high - low > 1e-4:
                middle = (low + high) / 2
                low, high = (
                    (low, middle) if is_past(POOL, one, repriced(factors, root @ z * middle)) else (middle, high)
                )
            least.append(high)
    assert way.sigmas_ppm / PPM <= min(least) + 1e-3
    assert way.sigmas_ppm / PPM == pytest.approx(min(least), rel=0.01)


def test_a_book_under_tiers_is_no_further_than_any_point_of_its_line():
    tiers = by_leverage([(0, 50), (30_000 * UNIT, 20), (60_000 * UNIT, 5)])
    held = (Held("BTC", UNIT // 2, 50_000 * UNIT, tiers), Held("ETH", -10 * UNIT, -20_000 * UNIT, tiers))
    book = Book(9_000 * UNIT, {"BTC": 100_000 * UNIT, "ETH": 2_000 * UNIT}, held)
    near = perp(book)[1]
    assert near.sigmas_ppm is not None
    together = MODEL.correlation(MODEL.classes["eth"], MODEL.classes["btc"])
    root = np.linalg.cholesky(np.array([[BTC**2, together * BTC * ETH], [together * BTC * ETH, ETH**2]]))
    least = 40.0
    for angle in np.linspace(0, 2 * np.pi, 360, endpoint=False):
        way = root @ np.array([np.cos(angle), np.sin(angle)])
        for length in np.arange(0.05, least, 0.05):
            bitcoin, ether = np.exp(way * length)
            equity = 9_000 + 50_000 * (bitcoin - 1) - 20_000 * (ether - 1)
            if equity < sum(tiers.required_up(int(v * UNIT)) / UNIT for v in (50_000 * bitcoin, 20_000 * ether)):
                least = length
                break
    assert near.sigmas_ppm / PPM == pytest.approx(least, abs=0.06)


def test_an_account_that_is_hurt_both_ways_is_judged_by_the_likelier_one():
    """A short beside more of the coin under tiers: too little below, the requirement above, and level in between."""
    steep = by_leverage([(0, 50), (2_000 * UNIT, 2), (4_000 * UNIT, 1)], requirement_per_margin=(9, 10))
    short = Held("BTC", -2 * UNIT, -2_000 * UNIT, steep)
    seen, near = perp(Book(-2_500 * UNIT, {"BTC": 1_000 * UNIT}, (short,), coins={"BTC": 3 * UNIT}))
    low, high = seen.liquidation_prices
    nearest = min(abs(log(price.first_liquidatable / price.now)) for price in (low, high))
    assert near.sigmas_ppm == pytest.approx(nearest / BTC * PPM, rel=1e-4)


@given(positions())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_the_point_found_lies_on_the_line(drawn: tuple[Market, Account]):
    """One millionth of a standard deviation further the exact evaluator says liquidatable, at it not yet."""
    market, one = drawn
    health = JUDGE.health(market, one)
    assume(isinstance(health, Measured) and not health.is_past_line)
    factors, spread, way = ways(market, one)
    assume(way is not None)
    assert way is not None
    direction = spread @ way.loads
    assert not is_past(market, one, repriced(factors, direction * (way.sigmas_ppm / PPM)))
    assert is_past(market, one, repriced(factors, direction * ((way.sigmas_ppm + 1) / PPM)))
    assert float(way.loads @ spread @ way.loads) == pytest.approx(1)


def test_more_debt_is_never_further_away():
    found = [loan(account({WETH: 10**18}, {USDC: owed * 10**6})).sigmas_ppm for owed in range(800, 1_600, 40)]
    assert all(one is not None for one in found)
    assert found == sorted(found, key=lambda one: -(one or 0))


def test_what_does_not_move_has_no_way_past_the_line():
    still = pool([*LISTINGS[:1], LISTINGS[1].__class__("USDC", 10**8, 6, method="hardcoded")])
    assert loan(account({1: 1_000 * 10**6}, {1: 500 * 10**6}), market=still).sigmas_ppm is None
