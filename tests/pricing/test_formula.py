"""Each adapter formula against values worked out by hand from its contract."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.prices import Unknown
from monitor.pricing.formula import (
    FixedCap,
    LinearDiscount,
    LinearDiscountBps,
    PeggedCap,
    Positive,
    PositiveOrFallback,
    Product,
    Quotient,
    RatioCap,
    Scaled,
)

DAY_S = 86_400
ETH = 251_243_000_000
SNAPSHOT = 1_157_200_000_000_000_000


def capo(ratio_cap: RatioCap, base: int, ratio: int) -> int:
    value = ratio_cap.of([base, ratio])
    assert isinstance(value, int)
    return value


def scaled(now_s: int) -> RatioCap:
    growth = SNAPSHOT * 968 * 10**6 // 10**4 // 31_536_000
    return RatioCap(SNAPSHOT, 0, growth, 10**6, 18, now_s)


def test_the_ratio_may_grow_linearly_and_not_compound():
    cap = scaled(365 * DAY_S)
    assert cap.growth_per_second == 3_552_034_500_253_678
    assert cap.max_ratio == 1_157_200_000_000_000_000 + 3_552_034_500_253_678 * 31_536_000 // 10**6
    assert cap.max_ratio == 1_269_216_959_999_999_989
    halfway = scaled(365 * DAY_S // 2).max_ratio - SNAPSHOT
    assert cap.max_ratio - SNAPSHOT - 2 * halfway in {0, 1}


def test_the_incident_of_march_2026_is_reproduced():
    """Snapshot ratio 1.1919 seven days old, market ratio 1.2282: the price came out 2.8 % low."""
    growth = 1_191_900_000_000_000_000 * 968 * 10**6 // 10**4 // 31_536_000
    cap = RatioCap(1_191_900_000_000_000_000, 1_000_000, growth, 10**6, 18, 1_000_000 + 7 * DAY_S)
    assert cap.max_ratio == 1_194_112_688_876_712_328
    assert capo(cap, 10**8, 1_228_200_000_000_000_000) == 119_411_268
    assert capo(cap, 10**8, 1_150_000_000_000_000_000) == 115_000_000


def test_before_the_scaled_getter_growth_is_whole_units_per_second():
    cap = RatioCap(10**18, 100, 3_069_507_863, 1, 18, 100 + DAY_S)
    assert cap.max_ratio == 10**18 + 3_069_507_863 * DAY_S
    assert capo(cap, ETH, 2 * 10**18) == ETH * (10**18 + 265_205_479_363_200) // 10**18 == 251_309_631_020


def test_a_ratio_exactly_at_its_cap_is_not_capped():
    cap = scaled(DAY_S)
    assert capo(cap, ETH, cap.max_ratio) == ETH * cap.max_ratio // 10**18
    assert cap.limit([ETH, cap.max_ratio]) == (cap.max_ratio, cap.max_ratio)


@pytest.mark.parametrize(("base", "ratio"), [(0, 10**18), (-1, 10**18), (ETH, 0), (ETH, -5)])
def test_a_ratio_cap_answers_zero_for_anything_not_positive(base: int, ratio: int):
    assert scaled(DAY_S).of([base, ratio]) == 0


@pytest.mark.parametrize(
    ("answer", "price"), [(99_990_000, 99_990_000), (104_000_000, 104_000_000), (104_000_001, 104_000_000), (-3, 0)]
)
def test_a_stablecoin_is_never_worth_more_than_its_cap(answer: int, price: int):
    assert FixedCap(104_000_000).of([answer]) == price


@pytest.mark.parametrize(
    ("asset", "base", "price"),
    [
        (108_000_000, 108_452_001, 108_000_000),
        (119_000_000, 108_452_001, 112_790_081),
        (112_790_081, 108_452_001, 112_790_081),
        (-7, 108_452_001, -7),
        (5, -108_452_001, -112_790_081),
    ],
)
def test_a_euro_is_never_worth_more_than_the_euro_times_its_ratio(asset: int, base: int, price: int):
    assert PeggedCap(104_000_000, 8).of([asset, base]) == price


def test_a_principal_token_gains_as_its_maturity_nears():
    rate, maturity = 7 * 10**16, 200 * DAY_S
    assert LinearDiscount(maturity, rate, 0).discount_wad == 38_356_164_383_561_643
    assert LinearDiscount(maturity, rate, 0).of([100_000_000]) == 96_164_383
    assert LinearDiscount(maturity, rate, maturity).of([100_000_000]) == 100_000_000
    assert LinearDiscount(maturity, rate, maturity + 1).of([100_000_000]) == 100_000_000
    assert LinearDiscount(maturity, rate, 0).of([-1]) == 0


def test_the_two_generations_of_principal_token_round_in_opposite_directions():
    """A third of a percent of 1.00000007: the first takes the discount rounded down, the second the price."""
    first = LinearDiscountBps(maturity_s=31_536_000, rate_per_year_bps=33, now_s=0)
    second = LinearDiscount(maturity_s=31_536_000, rate_per_year=33 * 10**14, now_s=0)
    assert first.of([100_000_007]) == 100_000_007 - 330_000 == 99_670_007
    assert second.of([100_000_007]) == 99_670_006


def test_a_discount_above_all_of_the_price_reverts():
    assert isinstance(LinearDiscount(2 * 31_536_000, 6 * 10**17, 0).of([10**8]), Unknown)


def test_a_quotient_truncates_toward_zero_and_reverts_on_zero():
    assert Quotient(10**8).of([7, 3]) == 233_333_333
    assert Quotient(10**8).of([-7, 3]) == -233_333_333
    assert isinstance(Quotient(10**8).of([7, 0]), Unknown)


def test_a_product_and_a_rescaled_feed_truncate_toward_zero():
    assert Product(10**18).of([ETH, 1_187_300_000_000_000_000]) == 298_300_813_900
    assert Product(10).of([-7, 3]) == -2
    assert Scaled(10**10, is_up=False).of([19_999_999_999]) == 1
    assert Scaled(10**10, is_up=False).of([-19_999_999_999]) == -1
    assert Scaled(100, is_up=True).of([123_456]) == 12_345_600


@pytest.mark.parametrize("answer", [0, -1])
def test_an_oracle_falls_back_when_the_answer_is_not_positive(answer: int):
    assert PositiveOrFallback().of([answer, 42]) == 42
    assert isinstance(Positive().of([answer]), Unknown)


def test_an_oracle_does_not_ask_its_fallback_while_the_answer_is_positive():
    assert PositiveOrFallback().of([1, Unknown("reverts")]) == 1


@pytest.mark.parametrize(
    ("formula", "count"),
    [
        (scaled(0), 2),
        (FixedCap(1), 1),
        (PeggedCap(1, 8), 2),
        (LinearDiscount(1, 1, 0), 1),
        (LinearDiscountBps(1, 1, 0), 1),
        (Product(1), 2),
        (Quotient(1), 2),
        (Scaled(1, is_up=True), 1),
        (Positive(), 1),
    ],
)
def test_what_cannot_be_read_makes_everything_after_it_unknown(formula, count: int):
    for unread in range(count):
        assert isinstance(formula.of([Unknown("x") if i == unread else 5 for i in range(count)]), Unknown)
    assert isinstance(PositiveOrFallback().of([Unknown("x"), 5]), Unknown)


@given(st.integers(1, 10**14), st.integers(1, 10**19), st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_capped_price_never_falls_when_its_base_rises(base: int, ratio: int, rise: int, age_s: int):
    cap = scaled(age_s)
    assert capo(cap, base, ratio) <= capo(cap, base + rise, ratio)
