"""What owners and keepers can do with a trove of a branch, and what time, batches and a shutdown do to it."""

from dataclasses import replace

import pytest

from monitor.domain.health import Measured, NoDebt, Unmeasurable
from monitor.domain.prices import Repricing, Unknown
from monitor.errors import UsageError
from monitor.health.liquidation_price import liquidation_prices
from monitor.protocols.liquity_v2.accounts import account_of
from monitor.protocols.liquity_v2.health import entire_of, priced, trove_of
from monitor.protocols.liquity_v2.liquidation import liquidated
from monitor.protocols.liquity_v2.market import PAR
from monitor.protocols.liquity_v2.math import Entire, Penalties, Redistributed, Trove, liquidation
from monitor.units import WAD, YEAR_S
from tests.protocols.liquity_v2.made import (
    AT,
    KEY,
    MANAGER,
    OWNER,
    PRICE,
    YEAR_AGO_S,
    batch_of,
    market_of,
    member,
    own,
)
from tests.protocols.liquity_v2.recorded import ADAPTER, DEPLOYMENT, moments
from tests.protocols.liquity_v2.recorded import MANAGER as RECORDED

DEBT = 10_000 * WAD
BATCH = batch_of(5, fee_wad=WAD // 100)


def whole_of(market, account):
    found = entire_of(market, account)
    assert isinstance(found, Entire)
    return found


def test_exactly_at_the_minimum_a_trove_is_safe_and_one_wei_of_collateral_less_is_not():
    at, below = (ADAPTER.assess(market_of(), own(DEBT, 12_000, more_coll_raw=more)) for more in (0, -1))
    assert isinstance(at.health, Measured)
    assert at.health.native == 12 * WAD // 10
    assert (at.is_insolvent, below.is_insolvent) == (False, True)
    assert (at.owner, at.id.key) == (OWNER, KEY)


def test_interest_runs_by_the_second_and_stops_with_the_branch():
    account = own(DEBT, 20_000, rate_wad=WAD // 10, updated_s=YEAR_AGO_S)
    assert whole_of(market_of(), account).debt_raw == DEBT * 11 // 10
    half = YEAR_AGO_S + YEAR_S // 2
    assert whole_of(market_of(shutdown_s=half), account).debt_raw == DEBT * 105 // 100
    touched = own(DEBT, 20_000, rate_wad=WAD // 10, updated_s=half + 1)
    assert whole_of(market_of(shutdown_s=half), touched).debt_raw == DEBT


def test_a_member_owes_its_part_of_the_batchs_debt_interest_and_fee_each_rounded_down():
    market = market_of(batches=(BATCH,))
    assert market.owed[0].total_raw == BATCH.debt_raw * 106 // 100
    account = member(BATCH, BATCH.shares // 7, 10**19)
    shares = trove_of(account).shares
    parts = (BATCH.debt_raw, BATCH.debt_raw // 20, BATCH.debt_raw // 100)
    assert whole_of(market, account).debt_raw == sum(part * shares // BATCH.shares for part in parts)
    empty = replace(BATCH, shares=0, debt_raw=0)
    assert ADAPTER.health(market_of(batches=(empty,)), account) == NoDebt()


def test_a_trove_whose_batch_is_not_where_it_was_is_unmeasurable():
    account = member(BATCH, 10**22, 10**19)
    for batches in ((), (batch_of(6),)):
        seen = ADAPTER.assess(market_of(batches=batches), account)
        assert isinstance(seen.health, Unmeasurable)
        assert (seen.legs, seen.collateral_base, seen.debt_base) == ((), None, None)
        assert ADAPTER.quote(market_of(batches=batches), account) is None


def test_one_line_holds_for_all_troves_whatever_the_whole_branch_is_like():
    poor = replace(market_of(), pool_raw=0)
    assert ADAPTER.assess(poor, own(DEBT, 11_999)).is_liquidatable_now
    assert not ADAPTER.assess(poor, own(DEBT, 12_000)).is_insolvent


def test_the_last_trove_of_a_branch_is_never_liquidated_not_even_after_a_shutdown():
    for shutdown_s in (0, AT.timestamp_s):
        market = market_of(troves=1, shutdown_s=shutdown_s)
        seen = ADAPTER.assess(market, own(DEBT, 11_000))
        assert seen.blockers == ("the last trove of a branch cannot be liquidated",)
        assert ADAPTER.quote(market, own(DEBT, 11_000)) is None


def test_the_caller_is_paid_out_of_the_pools_part_and_never_more_than_the_cap():
    quote = ADAPTER.quote(market_of(), own(DEBT, 11_900))
    assert quote is not None
    held = trove_of(own(DEBT, 11_900)).coll_raw
    assert (quote.debt_to_cover_raw, quote.collateral_to_liquidator_raw) == (0, held // 200)
    assert quote.profit_base == held // 200 * PRICE // WAD
    assert (quote.target, quote.function) == (MANAGER, "batchLiquidateTroves(uint256[])")
    assert quote.arguments == (f"[{int(KEY, 16)}]",)
    empty = ADAPTER.quote(market_of(pool_raw=WAD), own(DEBT, 11_900))
    assert empty is not None
    assert (empty.collateral_to_liquidator_raw, empty.profit_base) == (0, 0)
    large = liquidated(priced(market_of(pool_raw=10**28)), own(10**26, 11_900))
    assert large is not None
    assert large.to_caller_raw == 2 * WAD


def test_what_a_penalty_does_not_take_is_the_owners_and_the_pool_keeps_one_bold():
    whole = Entire(6 * WAD, DEBT, 0, 0)
    taken = liquidation(whole, DEBT + WAD, Penalties(WAD // 20, WAD // 5), PRICE)
    assert (taken.offset_raw, taken.redistributed_debt_raw) == (DEBT, 0)
    assert taken.to_pool_raw == 525 * WAD // 100
    assert taken.surplus_raw == 6 * WAD - 6 * WAD // 200 - taken.to_pool_raw
    one_less = liquidation(whole, DEBT + WAD - 1, Penalties(WAD // 20, WAD // 5), PRICE)
    assert (one_less.redistributed_debt_raw, one_less.redistributed_coll_raw) == (1, 0)


def test_adding_to_a_trove_takes_up_interest_and_redistributions_first():
    so_far = Redistributed(WAD // 100, 20 * WAD)
    account = own(DEBT, 20_000, rate_wad=WAD // 10, updated_s=YEAR_AGO_S)
    market = market_of(redistributed=so_far)
    coll, debt = ADAPTER.assess(market, account).legs
    before = whole_of(market, account)
    for leg, change in ((coll, WAD), (debt, 1_000 * WAD)):
        after = ADAPTER.adjusted(market, account, leg, change)
        whole, trove = whole_of(market, after), trove_of(after)
        repaid, added = (change, 0) if leg is debt else (0, change)
        assert (whole.debt_raw, whole.coll_raw) == (before.debt_raw - repaid, before.coll_raw + added)
        assert (whole.pending_coll_raw, whole.pending_debt_raw) == (0, 0)
        assert (trove.updated_s, after.owner) == (AT.timestamp_s, OWNER)


def test_a_member_that_repays_owes_that_much_less_but_for_rounding():
    market = market_of(batches=(BATCH,), redistributed=Redistributed(WAD // 100, 20 * WAD))
    account = member(BATCH, BATCH.shares // 7, 10**20)
    coll, debt = ADAPTER.assess(market, account).legs
    before = whole_of(market, account).debt_raw
    for leg, repaid in ((debt, 1_000 * WAD), (debt, 1), (coll, 0)):
        after = whole_of(market, ADAPTER.adjusted(market, account, leg, repaid))
        assert abs(before - repaid - after.debt_raw) <= 5
    assert ADAPTER.health(market, ADAPTER.adjusted(market, account, debt, before)) == NoDebt()


def test_a_debt_is_repaid_down_to_the_least_that_is_allowed_or_whole():
    market, account = market_of(), own(DEBT, 15_000)
    coll, debt = ADAPTER.assess(market, account).legs
    most = DEBT - 2_000 * WAD
    assert ADAPTER.closed_ways(market, debt, most) is None
    assert ADAPTER.closed_ways(market, debt, most + 1) == "less than 2000 BOLD would be left: repay all and close it"
    assert ADAPTER.closed_ways(market, debt, DEBT) is None
    assert ADAPTER.closed_ways(market, coll, 1) is None
    assert ADAPTER.closed_ways(market_of(troves=1), debt, DEBT) == "the last trove of a branch cannot be closed"


def test_after_a_shutdown_a_trove_can_only_be_closed():
    market = market_of(shutdown_s=AT.timestamp_s, troves=1)
    coll, debt = ADAPTER.assess(market, own(DEBT, 15_000)).legs
    only = "the branch is shut down: a trove can only be closed"
    assert [ADAPTER.closed_ways(market, coll, 1), ADAPTER.closed_ways(market, debt, 1)] == [only, only]
    assert ADAPTER.closed_ways(market, debt, DEBT) is None


def test_a_leg_that_is_not_there_is_a_usage_error():
    market, account = market_of(), own(DEBT, 15_000)
    _, debt = ADAPTER.assess(market, account).legs
    with pytest.raises(UsageError):
        ADAPTER.adjusted(market, replace(account, balances=()), debt, 1)


def test_a_zombie_without_debt_owes_nothing_and_one_with_a_little_is_judged_and_named():
    emptied = account_of(KEY, Trove(coll_raw=WAD, stake=WAD, is_zombie=True), OWNER)
    seen = ADAPTER.assess(market_of(), emptied)
    assert (seen.health, [leg.side for leg in seen.legs]) == (NoDebt(), ["collateral"])
    little = account_of(KEY, Trove(WAD, WAD, debt_raw=500 * WAD, updated_s=AT.timestamp_s, is_zombie=True), OWNER)
    seen = ADAPTER.assess(market_of(), little)
    assert isinstance(seen.health, Measured)
    assert seen.legs[1].label == "zombie"


def test_without_a_price_a_debtor_is_unmeasurable_and_whoever_owes_nothing_is_not():
    market = market_of(Unknown("fetchPrice reverts"))
    assert ADAPTER.health(market, own(DEBT, 15_000)) == Unmeasurable("fetchPrice reverts")
    assert ADAPTER.health(market, replace(own(DEBT, 15_000), balances=())) == NoDebt()
    assert ADAPTER.quote(market, own(DEBT, 11_000)) is None


def test_a_dearer_dollar_counts_where_somebody_asks_for_it_and_has_no_native_number():
    seen = ADAPTER.health(market_of(), own(DEBT, 12_000), Repricing("what if", {PAR: 11 * WAD // 10}))
    assert isinstance(seen, Measured)
    assert (seen.factor_wad_down, seen.native) == (10 * WAD // 11, None)


def test_a_liquidation_price_is_the_least_integer_that_the_contract_calls_safe():
    market, account = market_of(), own(DEBT, 15_000)
    seen = ADAPTER.assess(market, account)
    (price,) = liquidation_prices(lambda r: ADAPTER.health(market, account, r), market.graph, seen.legs, seen.health)
    assert price.last_safe == -(-12 * WAD * DEBT // (10 * trove_of(account).coll_raw))
    assert price.first_liquidatable == price.last_safe - 1


def test_a_later_branch_owes_what_the_recorded_one_owed_then():
    """Nobody acted between the second and the third recorded block."""
    _, second, third = moments()
    before, after = (played.read(ADAPTER.market(DEPLOYMENT, RECORDED)) for played in (second, third))
    later = ADAPTER.later(before, after.at.timestamp_s - before.at.timestamp_s)
    assert later.owed == after.owed
    keys = ADAPTER.discovered(third.logs(ADAPTER.discovery(DEPLOYMENT, RECORDED), 0))
    accounts = second.read(ADAPTER.accounts(before, keys))
    grown = 0
    for account in accounts:
        assert entire_of(later, account) == entire_of(after, account)
        grown += entire_of(before, account) != entire_of(after, account)
    assert grown >= 30


def test_debts_grow_by_no_more_than_the_highest_rate_that_is_allowed():
    market = market_of(batches=(replace(BATCH, rate_wad=26 * WAD // 10, fee_wad=WAD),))
    assert ADAPTER.debt_growth_wad(market_of(), YEAR_S) == 25 * WAD // 10
    assert ADAPTER.debt_growth_wad(market, YEAR_S) == 36 * WAD // 10
    assert ADAPTER.debt_growth_wad(market_of(shutdown_s=1), YEAR_S) == 0
