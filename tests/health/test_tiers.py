"""Requirements by tiers: continuous, exact, and the numbers that venues print."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import UsageError
from monitor.health.tiers import Tier, Tiers, by_leverage, flat

E6 = 10**6
TABLE = by_leverage([(0, 40), (150_000_000 * E6, 20)])
"""Hyperliquid's table of its largest market."""

RATES = st.integers(1, 10**6)
LOWERS = st.lists(st.integers(1, 10**18), unique=True, max_size=5).map(sorted)


@st.composite
def tables(draw):
    lowers = [0, *draw(LOWERS)]
    return Tiers.of([Tier(lower, draw(RATES), draw(st.integers(10**6, 10**7))) for lower in lowers])


@pytest.mark.parametrize(
    ("notional", "required"),
    [(0, 0), (1_000_000, 12_500), (150_000_000, 1_875_000), (200_000_000, 3_125_000)],
)
def test_a_table_of_two_tiers_requires_what_its_venue_prints(notional: int, required: int):
    assert TABLE.required_down(notional * E6) == TABLE.required_up(notional * E6) == required * E6


def test_the_deduction_of_the_second_tier_is_the_boundary_times_the_step_of_the_rates():
    assert Fraction(TABLE.deductions[1], TABLE.denominator) == 1_875_000 * E6
    assert [Fraction(rate, TABLE.denominator) for rate in TABLE.rates] == [Fraction(1, 80), Fraction(1, 40)]


def test_a_rate_that_no_decimal_holds_is_exact():
    assert by_leverage([(0, 3)]).required_up(10) == 2
    assert by_leverage([(0, 3)]).required_down(12) == 2
    assert flat(62_500, E6).required_down(8_000) == 500


@given(tables())
def test_the_requirement_has_no_jump_at_a_boundary(table: Tiers):
    for place, lower in enumerate(table.lowers_base[1:], start=1):
        below = lower * table.rates[place - 1] - table.deductions[place - 1]
        assert table.scaled(lower) == below
        assert 0 <= table.scaled(lower) - table.scaled(lower - 1) <= max(table.rates)


@given(tables(), st.integers(0, 10**19), st.integers(0, 10**19))
def test_the_requirement_never_falls_with_the_notional_and_rounds_by_less_than_a_unit(
    table: Tiers, one: int, other: int
):
    small, large = sorted((one, other))
    assert table.scaled(small) <= table.scaled(large)
    assert 0 <= table.required_up(large) - table.required_down(large) <= 1
    assert table.required_down(large) <= Fraction(table.scaled(large), table.denominator) <= table.required_up(large)


@given(tables(), st.integers(1, 10**12), st.integers(1, 10**9))
def test_an_edge_is_the_first_price_in_the_upper_tier(table: Tiers, size: int, unit: int):
    for lower, edge in zip(table.lowers_base[1:], table.edges(size, unit), strict=True):
        assert size * edge >= lower * unit > size * (edge - 1)


@pytest.mark.parametrize("tiers", [[], [Tier(1, 1, 2)], [Tier(0, 1, 2), Tier(5, 1, 2), Tier(5, 1, 2)], [Tier(0, 1, 0)]])
def test_tiers_that_do_not_rise_from_zero_are_refused(tiers: list[Tier]):
    with pytest.raises(UsageError, match="rise from 0"):
        Tiers.of(tiers)
