"""The libraries' arithmetic: rounding, interest, and the versions by revision."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import UnexpectedAnswer
from monitor.protocols.aave_v3 import math
from monitor.protocols.aave_v3.versions import RULES, directed, half_up, rules_of
from monitor.units import RAY, YEAR_S

amounts = st.integers(0, 2**120)
indices = st.integers(RAY, 10 * RAY)
rates = st.integers(0, 20 * RAY)
times = st.integers(0, 10 * YEAR_S)


def test_interest_of_no_time_is_none_and_of_a_second_is_linear():
    for interest in (math.binomial_interest_ray, math.taylor_interest_ray):
        assert interest(5 * RAY // 100, 0) == RAY
    rate = 5 * RAY // 100
    assert math.binomial_interest_ray(rate, 1) == math.linear_interest_ray(rate, 1) == RAY + rate // YEAR_S
    assert math.binomial_interest_ray(rate, 2) == RAY + 2 * rate // YEAR_S + rate * rate // RAY // YEAR_S**2


def test_a_year_at_five_percent_compounds_to_just_below_the_exponential():
    rate, exponential_ray = 5 * RAY // 100, 1_051_271_096_376_024_039_697_517_636
    assert math.linear_interest_ray(rate, YEAR_S) == 105 * RAY // 100
    assert math.taylor_interest_ray(rate, YEAR_S) == RAY + rate + rate * rate // RAY // 2 + rate**3 // RAY**2 // 6
    for interest in (math.binomial_interest_ray, math.taylor_interest_ray):
        assert 0 < exponential_ray - interest(rate, YEAR_S) < RAY // 100_000


@given(rates, times)
def test_debt_never_grows_less_than_supply(rate: int, elapsed_s: int):
    linear = math.linear_interest_ray(rate, elapsed_s)
    assert math.taylor_interest_ray(rate, elapsed_s) >= linear
    assert math.binomial_interest_ray(rate, elapsed_s) >= linear


@given(amounts, indices)
def test_what_is_supplied_and_taken_again_is_never_more_in_the_directed_versions(amount: int, index_ray: int):
    assert directed.collateral_amount(directed.scaled_supplied(amount, index_ray), index_ray) <= amount
    assert directed.debt_amount(directed.scaled_repaid(amount, index_ray), index_ray) <= amount
    assert directed.scaled_withdrawn(amount, index_ray) >= directed.scaled_supplied(amount, index_ray)


@given(amounts, indices)
def test_the_two_families_differ_by_one_unit_at_most_and_always_to_the_protocols_favour(scaled: int, index_ray: int):
    nearest = half_up.collateral_amount(scaled, index_ray)
    assert nearest - 1 <= directed.collateral_amount(scaled, index_ray) <= nearest
    assert nearest <= directed.debt_amount(scaled, index_ray) <= nearest + 1
    assert half_up.scaled_repaid(nearest, index_ray) == scaled


def test_every_revision_has_its_version_and_the_proven_ones_are_those_of_the_devnet():
    assert {revision: rules.version for revision, rules in RULES.items()} == {
        **dict.fromkeys((1, 2, 3), "3.0"),
        4: "3.1",
        5: "3.2",
        6: "3.3",
        7: "3.3",
        8: "3.4",
        9: "3.5",
        10: "3.6",
        11: "3.7",
    }
    assert [revision for revision, rules in RULES.items() if rules.is_proven] == [1, 10]


def test_an_unknown_revision_is_refused_by_naming_the_known_ones():
    with pytest.raises(UnexpectedAnswer, match=r"expected POOL_REVISION 1 \(3\.0\).*11 \(3\.7\), found 12"):
        rules_of(12)
