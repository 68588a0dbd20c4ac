"""Fixed-point arithmetic and interest as the Aave v2 libraries do it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.protocols.aave_v2.interest import Interest
from monitor.protocols.aave_v2.math import compounded_interest_ray, linear_interest_ray, ray_mul_half_up, stable_amount
from monitor.protocols.aave_v2.owing import burnable_raw
from monitor.protocols.aave_v2.totals import COLLATERAL, SCALED_DEBT, Totals, ratio
from monitor.units import RAY, WAD, YEAR_S
from tests.protocols.aave_v2.made import AT, Listed, account_of, market_of


def test_compounding_cuts_the_rate_to_whole_units_a_second_before_it_is_squared():
    rate = 5 * RAY // 100
    per_second = rate // YEAR_S
    squared = (per_second * per_second + RAY // 2) // RAY
    assert compounded_interest_ray(rate, 1) == RAY + per_second
    assert compounded_interest_ray(rate, 2) == RAY + 2 * per_second + squared
    cubed = (squared * per_second + RAY // 2) // RAY
    expected = RAY + 3_600 * per_second + 3_600 * 3_599 * squared // 2 + 3_600 * 3_599 * 3_598 * cubed // 6
    assert compounded_interest_ray(rate, 3_600) == expected
    assert compounded_interest_ray(rate, 0) == linear_interest_ray(rate, 0) == RAY


@given(st.integers(0, 10 * RAY), st.integers(0, 10 * YEAR_S))
def test_compounding_never_falls_with_time_and_is_no_less_than_the_rate_alone(rate, seconds):
    assert compounded_interest_ray(rate, seconds) <= compounded_interest_ray(rate, seconds + 1)
    assert compounded_interest_ray(rate, seconds) >= RAY + rate // YEAR_S * seconds


def test_a_stable_debt_grows_by_its_own_rate():
    rate = 8 * RAY // 100
    assert stable_amount(10**18, rate, 0) == 10**18
    assert stable_amount(10**18, rate, YEAR_S) == ray_mul_half_up(10**18, compounded_interest_ray(rate, YEAR_S))


def test_an_interest_that_suppliers_earn_nothing_from_is_not_booked():
    forgotten = Interest(RAY, 0, RAY, RAY // 10, AT.timestamp_s - YEAR_S)
    booked = Interest(RAY, 1, RAY, RAY // 10, AT.timestamp_s - YEAR_S)
    assert forgotten.debt_index_at(AT.timestamp_s) == booked.debt_index_at(AT.timestamp_s) > RAY
    assert forgotten.booked_debt_index_at(AT.timestamp_s) == RAY
    assert booked.booked_debt_index_at(AT.timestamp_s) == booked.debt_index_at(AT.timestamp_s)


@pytest.mark.parametrize("scaled", [1, 7, 10**6, 10**18 + 1])
def test_no_more_can_be_repaid_than_the_debt_token_has_to_burn(scaled):
    aged = Listed(debt_index_ray=3 * RAY // 2, debt_rate_ray=RAY // 5, since_s=AT.timestamp_s - YEAR_S)
    market = market_of(aged)
    owed = ray_mul_half_up(scaled, market.reserves[0].debt_index_ray)
    most, index = burnable_raw(market, market.reserves[0], scaled), 3 * RAY // 2
    assert most <= owed
    assert (most * RAY + index // 2) // index <= scaled
    assert ((most + 1) * RAY + index // 2) // index > scaled


def test_a_health_of_exactly_one_is_written_from_an_average_cut_to_basis_points():
    sums = Totals(10_000, 8_250, 10_000 * 8_250 + 9_999, 0)
    assert ratio(sums).native_wad == WAD
    assert ratio(sums._replace(debt_base=8_251)).native_wad < WAD


def test_rows_of_an_account_stand_in_the_order_of_the_lens():
    account = account_of((0, COLLATERAL, 1), (1, SCALED_DEBT, 2))
    assert [(b.asset, b.kind) for b in account.balances] == [(0, COLLATERAL), (1, SCALED_DEBT)]
