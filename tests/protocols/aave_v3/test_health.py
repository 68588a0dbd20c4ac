"""What must hold of the health of any account of any version."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.domain.assessment import Side
from monitor.domain.health import Measured, NoDebt, Unmeasurable
from monitor.domain.ids import PositionKey, Slug
from monitor.domain.prices import Repricing, SidedValue, Unknown
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols import ADAPTERS
from monitor.protocols.aave_v3.health import account_data, health_of, healths, priced, sums_of
from monitor.protocols.aave_v3.market import Category, Market
from monitor.protocols.aave_v3.versions.totals import COLLATERAL, PLAIN_DEBT, SCALED_DEBT, Totals
from monitor.units import BPS, UINT256_MAX, WAD
from tests.protocols.aave_v3.made import (
    VERSIONS,
    Listed,
    account_of,
    accounts,
    market_of,
    markets,
    node_of,
    repriced,
)

ADAPTER = ADAPTERS[Slug("aave_v3")]
ALL = pytest.mark.parametrize("version", sorted(VERSIONS))
AVERAGED, SUMMED = ("3.0", "3.1", "3.2", "3.3", "3.4"), ("3.5", "3.6", "3.7")


def totals(market: Market, account: Account) -> Totals:
    sums = sums_of(priced(market), account)
    assert isinstance(sums, Totals)
    return sums


def native(market: Market, account: Account) -> int:
    health = ADAPTER.health(market, account)
    if isinstance(health, NoDebt):
        return UINT256_MAX
    assert isinstance(health, Measured)
    assert health.native is not None
    return health.native


def worsened(data: st.DataObject, market: Market, account: Account) -> Market:
    """The pool after a price has moved against the account: down for what it only owns, up for what it only owes."""
    sides = {b.asset: {o.kind for o in account.balances if o.asset == b.asset} for b in account.balances}
    one_sided = [number for number, kinds in sides.items() if len(kinds) == 1]
    if not one_sided:
        return market
    number = data.draw(st.sampled_from(one_sided))
    now = market.graph.values[node_of(number)]
    assert isinstance(now, int)
    move = st.integers(1, now) if sides[number] == {COLLATERAL} else st.integers(now, 10 * now)
    return repriced(market, number, data.draw(move))


@given(st.data())
def test_no_sum_gets_better_when_a_price_moves_against_the_account(data: st.DataObject) -> None:
    market = data.draw(markets())
    account = data.draw(accounts(market))
    before, after = totals(market, account), totals(worsened(data, market, account), account)
    assert after.threshold_sum <= before.threshold_sum
    assert after.debt_base >= before.debt_base


@given(st.data())
def test_health_never_rises_when_a_price_moves_against_the_account(data: st.DataObject) -> None:
    market = data.draw(markets(SUMMED))
    account = data.draw(accounts(market))
    assert native(worsened(data, market, account), account) <= native(market, account)


@given(st.data())
def test_averaging_the_threshold_costs_less_than_a_basis_point_of_the_collateral(data: st.DataObject) -> None:
    market = data.draw(markets(AVERAGED))
    account = data.draw(accounts(market))
    sums, health = totals(market, account), ADAPTER.health(market, account)
    assume(isinstance(health, Measured))
    assert isinstance(health, Measured)
    assert -BPS < sums.threshold_sum - health.numerator * BPS < sums.collateral_base + BPS
    assert health.denominator == sums.debt_base


@given(st.data())
def test_health_never_rises_when_a_debt_grows_and_never_falls_when_collateral_does(data: st.DataObject) -> None:
    market = data.draw(markets())
    account = data.draw(accounts(market))
    index = data.draw(st.integers(0, len(account.balances) - 1))
    grown = account.balances[index]
    more = replace(grown, raw=grown.raw + data.draw(st.integers(0, 10**30)))
    after = replace(account, balances=(*account.balances[:index], more, *account.balances[index + 1 :]))
    if grown.kind == SCALED_DEBT:
        assert native(market, after) <= native(market, account)
    else:
        assert totals(market, after).threshold_sum >= totals(market, account).threshold_sum


@given(st.data())
def test_an_unknown_price_makes_exactly_the_accounts_that_touch_it_unmeasurable(data: st.DataObject) -> None:
    market = data.draw(markets())
    account = data.draw(accounts(market))
    number = data.draw(st.sampled_from(sorted(market.reserves)))
    blind = repriced(market, number, Unknown("the feed reverts"))
    health, assessment = ADAPTER.health(blind, account), ADAPTER.assess(blind, account)
    assert assessment.health == health
    if any(b.asset == number for b in account.balances):
        assert health == Unmeasurable("the feed reverts")
        assert (assessment.collateral_base, assessment.debt_base, assessment.blockers) == (None, None, ())
        assert not assessment.is_liquidatable_now
        assert ADAPTER.quote(blind, account) is None
        unpriced = [leg for leg in assessment.legs if leg.value_base is None]
        assert {leg.node for leg in unpriced} == {node_of(number)}
    else:
        assert health == ADAPTER.health(market, account)


@given(st.data())
def test_the_assessment_the_bulk_and_the_six_values_agree_on_health(data: st.DataObject) -> None:
    market = data.draw(markets())
    rows = data.draw(st.lists(accounts(market), min_size=1, max_size=4))
    columns = Accounts.of(replace(row, key=PositionKey(f"0x{i:040x}")) for i, row in enumerate(rows))
    for account, bulk in zip(columns, healths(market, columns), strict=True):
        assessment, six = ADAPTER.assess(market, account), account_data(priced(market), account)
        assert assessment.health == bulk == health_of(priced(market), account)
        assert not isinstance(six, Unknown)
        assert native(market, account) == six.health_wad
        assert (assessment.collateral_base, assessment.debt_base) == (six.collateral_base, six.debt_base)


@ALL
def test_a_position_with_nothing_has_no_debt_and_no_legs(version: str) -> None:
    assessment = ADAPTER.assess(market_of(VERSIONS[version], [Listed()]), account_of())
    assert assessment.health == NoDebt()
    assert (assessment.legs, assessment.collateral_base, assessment.debt_base) == ((), 0, 0)
    assert ADAPTER.quote(market_of(VERSIONS[version], [Listed()]), account_of()) is None


@ALL
def test_collateral_alone_has_no_debt_whatever_its_price(version: str) -> None:
    market = market_of(VERSIONS[version], [Listed(price=7)])
    assessment = ADAPTER.assess(market, account_of((0, COLLATERAL, 5 * 10**18)))
    assert assessment.health == NoDebt()
    assert assessment.collateral_base == 35


@ALL
def test_debt_without_collateral_is_past_the_line_and_nobody_can_seize_anything(version: str) -> None:
    assessment = ADAPTER.assess(market_of(VERSIONS[version], [Listed()]), account_of((0, SCALED_DEBT, 10**18)))
    assert isinstance(assessment.health, Measured)
    assert (assessment.health.numerator, assessment.health.native) == (0, 0)
    assert assessment.is_insolvent
    assert not assessment.is_liquidatable_now
    assert assessment.blockers == ("no collateral to seize",)


@ALL
def test_an_account_of_an_unknown_category_or_reserve_is_unmeasurable(version: str) -> None:
    market = market_of(VERSIONS[version], [Listed()])
    for account in (account_of((0, SCALED_DEBT, 1), category=9), account_of((0, SCALED_DEBT, 1), (5, COLLATERAL, 1))):
        assert isinstance(ADAPTER.health(market, account), Unmeasurable)


def test_each_side_of_a_repricing_prices_its_own_side() -> None:
    market = market_of(VERSIONS["3.6"], [Listed(price=100 * 10**8), Listed(price=10**8)])
    account = account_of((0, COLLATERAL, 10**18), (0, SCALED_DEBT, 10**17), (1, SCALED_DEBT, 10**18))
    sided = Repricing("cautious", {node_of(0): SidedValue(collateral=90 * 10**8, debt=110 * 10**8)})
    assessment = ADAPTER.assess(market, account, sided)
    assert (assessment.collateral_base, assessment.debt_base) == (90 * 10**8, 12 * 10**8)
    assert {leg.price for leg in assessment.legs if leg.node == node_of(0)} == {90 * 10**8, 110 * 10**8}
    blind = Repricing("cautious", {node_of(0): SidedValue(collateral=Unknown("no market"), debt=110 * 10**8)})
    assert ADAPTER.health(market, account, blind) == Unmeasurable("no market")
    assert ADAPTER.health(market, account) == ADAPTER.assess(market, account).health


@pytest.mark.parametrize("version", ["3.0", "3.1"])
def test_a_category_price_replaces_the_members_prices_and_its_failure_hides_all_of_the_category(version: str) -> None:
    source = node_of(77)
    category = Category(1, 9300, 9500, 10_100, members=0b01, price=source)
    market = market_of(VERSIONS[version], [Listed(price=3 * 10**8), Listed(price=2 * 10**8)], [category])
    member, other = account_of((0, SCALED_DEBT, 10**18), category=1), account_of((1, SCALED_DEBT, 10**18), category=1)
    assert ADAPTER.assess(market, member).debt_base == 10**8
    assert ADAPTER.assess(market, other).debt_base == 2 * 10**8
    assert [leg.node for leg in ADAPTER.assess(market, member).legs] == [source]
    blind = Repricing("blind", {source: Unknown("gone")})
    assert ADAPTER.health(market, member, blind) == ADAPTER.health(market, other, blind) == Unmeasurable("gone")
    zero = Repricing("zero", {source: 0})
    assert ADAPTER.assess(market, member, zero).debt_base == 3 * 10**8
    assert ADAPTER.health(market, account_of((0, SCALED_DEBT, 10**18)), blind) != Unmeasurable("gone")


@ALL
def test_a_reserve_without_ltv_or_threshold_counts_as_the_version_says(version: str) -> None:
    rules = VERSIONS[version]
    category = Category(1, 9000, 9500, 10_100, members=0b11)
    listed = [Listed(ltv_bps=0), Listed(ltv_bps=0, threshold_bps=0), Listed()]
    market = market_of(rules, listed, [category])
    debt = (2, SCALED_DEBT, 10**18)
    for category_id, is_member in ((0, False), (1, True)):
        account = account_of((0, COLLATERAL, 10**18), debt, category=category_id)
        six = account_data(priced(market), account)
        assert not isinstance(six, Unknown)
        assert six.ltv_bps == (9000 if is_member and rules.version >= "3.6" else 0)
        assert six.threshold_bps == (9500 if is_member else 8000)
        bare = account_data(priced(market), account_of((1, COLLATERAL, 10**18), debt, category=category_id))
        assert not isinstance(bare, Unknown)
        assert bare.collateral_base == (10**8 if rules.version >= "3.6" else 0)
        assert bare.threshold_bps == (9500 if is_member and rules.version >= "3.6" else 0)


def test_an_isolated_category_gives_no_ltv_to_what_is_not_in_it() -> None:
    account = account_of((0, COLLATERAL, 10**18), (1, COLLATERAL, 10**18), category=1)
    ltvs = {}
    for is_isolated in (False, True):
        category = Category(1, 9000, 9500, 10_100, members=0b01, is_isolated=is_isolated)
        six = account_data(priced(market_of(VERSIONS["3.7"], [Listed(), Listed()], [category])), account)
        assert not isinstance(six, Unknown)
        ltvs[is_isolated] = six.ltv_bps
    assert ltvs == {False: (9000 + 7500) // 2, True: 9000 // 2}


def test_debt_that_no_index_tells_is_taken_as_it_is() -> None:
    market = market_of(VERSIONS["3.3"], [Listed(debt_index_ray=2 * 10**27)])
    assert ADAPTER.assess(market, account_of((0, PLAIN_DEBT, 10**18))).debt_base == 10**8
    assert ADAPTER.assess(market, account_of((0, SCALED_DEBT, 10**18))).debt_base == 2 * 10**8


@ALL
def test_legs_say_what_is_stored_owed_and_weighed(version: str) -> None:
    market = market_of(VERSIONS[version], [Listed(supply_index_ray=2 * 10**27), Listed()])
    assessment = ADAPTER.assess(market, account_of((0, COLLATERAL, 10**18), (1, SCALED_DEBT, 10**18)))
    held, owed = assessment.legs
    assert (held.side, held.raw, held.amount_raw, held.value_base, held.weight_bps) == (
        Side.COLLATERAL,
        10**18,
        2 * 10**18,
        2 * 10**8,
        8000,
    )
    assert (owed.side, owed.label, owed.amount_raw, owed.value_base, owed.weight_bps) == (
        Side.DEBT,
        "variable",
        10**18,
        10**8,
        BPS,
    )
    assert isinstance(assessment.health, Measured)
    assert assessment.health.native == 16 * WAD // 10
