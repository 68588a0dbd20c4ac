"""Interest alone: the second in which it liquidates, found exactly and cheaply, and what is never said about it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.prices import PROTOCOL
from monitor.health.carry import HORIZON_S, first_liquidatable_s, raised_wad
from monitor.health.evaluate import evaluation
from monitor.ledger.accounts import Account
from monitor.protocols.aave_v3.market import Market
from monitor.units import RAY, WAD, YEAR_S
from tests.health.pool import JUDGE, V30, V36, Listing, account, pool
from tests.health.random_pools import positions

E8, E18 = 10**8, 10**18
PERCENT = RAY // 100


class Aging:
    """One position's health at any later time; counts how often it is asked for."""

    def __init__(self, market: Market, who: Account) -> None:
        self.market, self.who, self.asked = market, who, 0

    def __call__(self, seconds: int) -> Health:
        self.asked += 1
        later = JUDGE.later(self.market, seconds)
        assert later is not None
        return JUDGE.health(later, self.who)

    @property
    def first_s(self) -> int | None:
        return first_liquidatable_s(JUDGE.health(self.market, self.who), self)


def two(supply_percent: int, debt_percent: int, revision: int = V36) -> Market:
    weth = Listing("WETH", 2_500 * E8, 18, 8_300, supply_rate_ray=supply_percent * PERCENT)
    return pool([weth, Listing("USDC", E8, 6, 7_800, debt_rate_ray=debt_percent * PERCENT)], revision)


def growing(market: Market, rates_ray: list[tuple[int, int]]) -> Market:
    reserves = {
        i: replace(r, interest=replace(r.interest, supply_rate_ray=supply, debt_rate_ray=debt))
        for (i, r), (supply, debt) in zip(market.reserves.items(), rates_ray, strict=True)
    }
    return replace(market, reserves=reserves, views=[])


rates = st.tuples(st.integers(0, RAY // 5), st.integers(0, 3 * RAY))


@settings(max_examples=300)
@given(positions(), st.lists(rates, min_size=3, max_size=3))
def test_the_second_named_is_liquidatable_and_the_one_before_it_is_safe(
    position: tuple[Market, Account], rates_ray: list[tuple[int, int]]
):
    position_later = Aging(growing(position[0], rates_ray), position[1])
    first_s = position_later.first_s
    assert position_later.asked <= 70
    match position_later(0), first_s:
        case Measured(is_past_line=True), _:
            assert first_s == 0
        case _, None:
            end = position_later(HORIZON_S)
            assert not isinstance(end, Measured) or not end.is_past_line
        case _, int(first):
            here, before = position_later(first), position_later(first - 1)
            assert isinstance(here, Measured)
            assert isinstance(before, Measured)
            assert here.is_past_line
            assert not before.is_past_line
            assert 0 < first <= HORIZON_S


@pytest.mark.parametrize("revision", [V30, V36])
def test_a_debt_at_six_percent_under_a_health_of_one_and_a_tenth_has_a_year_and_a_half(revision: int):
    """ln(1.1) over 0.06 is 1.588 years; the contract's expansion of the interest is within a day of it."""
    found = Aging(two(0, 6, revision), account({0: 10 * E18}, {1: 18_863_636_364}))
    assert found.first_s == pytest.approx(1.5885 * YEAR_S, abs=86_400)
    assert found.asked <= 10


@pytest.mark.parametrize(("supply_percent", "debt_percent"), [(5, 0), (0, 0), (8, 5)])
def test_health_that_rises_or_stands_is_never_liquidated_by_interest(supply_percent: int, debt_percent: int):
    found = Aging(two(supply_percent, debt_percent), account({0: 10 * E18}, {1: 15_000 * 10**6}))
    assert (found.first_s, found.asked) == (None, 1)


def test_beyond_the_horizon_nothing_is_said():
    found = Aging(two(0, 6), account({0: 10 * E18}, {1: 10_000 * 10**6}))
    assert (found.first_s, found.asked) == (None, 1)


@pytest.mark.parametrize("now", [NoDebt(), Unmeasurable("no price")])
def test_nothing_owed_or_measured_has_no_time(now: Health):
    assert first_liquidatable_s(now, lambda _: None) is None


def test_what_cannot_be_foreseen_is_not_said():
    safe, past = Measured(11, 10, Line.BELOW, None), Measured(9, 10, Line.BELOW, None)
    assert first_liquidatable_s(safe, lambda _: None) is None
    assert first_liquidatable_s(safe, lambda s: past if s == HORIZON_S else Unmeasurable("gone")) is None
    assert first_liquidatable_s(past, lambda _: None) == 0


@pytest.mark.parametrize("at_s", [1, 2, 77, 10**7 + 1, HORIZON_S - 1, HORIZON_S])
def test_a_health_that_falls_off_a_cliff_is_still_found_to_the_second(at_s: int):
    """The worst case for interpolation: nothing hints at where the line is."""
    asked = []

    def after(seconds: int) -> Health:
        asked.append(seconds)
        return Measured(10**6 if seconds < at_s else -(10**6), 10**3, Line.BELOW, None)

    assert first_liquidatable_s(Measured(10**6, 10**3, Line.BELOW, None), after) == at_s
    assert len(asked) <= 70


def test_a_full_evaluation_says_the_time_and_a_cautious_view_does_not_change_it():
    market, who = two(0, 6), account({0: 10 * E18}, {1: 18_863_636_364})
    assert evaluation(JUDGE, market, who, PROTOCOL).time_to_liquidation_s == Aging(market, who).first_s is not None
    assert evaluation(JUDGE, market, account({0: E18}, {1: 3_000 * 10**6}), PROTOCOL).time_to_liquidation_s == 0
    assert evaluation(JUDGE, market, account({0: E18}, {}), PROTOCOL).time_to_liquidation_s is None


def test_a_line_is_raised_by_the_growth_and_rounded_up():
    assert raised_wad(WAD, 0) == WAD
    assert raised_wad(WAD, 10**16) == WAD * 101 // 100
    assert raised_wad(3, 1) == 4
