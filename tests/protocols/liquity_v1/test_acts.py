"""What owners and keepers can do with a trove, and what the state of the whole system does to it."""

from dataclasses import replace

import pytest

from monitor.domain.health import Measured, NoDebt, Unmeasurable
from monitor.domain.prices import Repricing, Unknown
from monitor.errors import UsageError
from monitor.health.liquidation_price import liquidation_prices
from monitor.protocols.liquity_v1.health import entire_of, priced, trove_of
from monitor.protocols.liquity_v1.liquidation import liquidated
from monitor.protocols.liquity_v1.market import PAR
from monitor.protocols.liquity_v1.math import Redistributed
from monitor.units import WAD
from tests.protocols.liquity_v1.made import MANAGER, PRICE, market_of, trove
from tests.protocols.liquity_v1.recorded import ADAPTER

DEBT = 10_000 * WAD


def test_exactly_at_the_minimum_a_trove_is_safe_and_one_wei_of_ether_less_is_not():
    edge = trove(DEBT, 11_000)
    at, below = (ADAPTER.assess(market_of(), one) for one in (edge, trove(DEBT, 11_000, more_coll_raw=-1)))
    assert isinstance(at.health, Measured)
    assert at.health.native == 11 * WAD // 10
    assert (at.is_insolvent, below.is_insolvent) == (False, True)


def test_in_recovery_mode_the_line_is_the_systems_own_ratio():
    account = trove(DEBT, 13_000)
    assert not ADAPTER.assess(market_of(system_bps=15_000), account).is_insolvent
    recovering = ADAPTER.assess(market_of(system_bps=14_000), account)
    assert recovering.is_liquidatable_now
    assert not ADAPTER.assess(market_of(system_bps=14_000), trove(DEBT, 14_000)).is_insolvent
    deep = market_of(system_bps=10_500)
    assert priced(deep).line_wad == 11 * WAD // 10
    assert ADAPTER.assess(deep, trove(DEBT, 10_800)).is_liquidatable_now


def test_above_the_minimum_recovery_mode_takes_a_trove_only_where_the_pool_covers_all_of_it():
    account = trove(DEBT, 13_000)
    for pool_raw, blockers in (
        (DEBT, ()),
        (DEBT - 1, ("the Stability Pool does not cover the debt",)),
        (0, ("the Stability Pool does not cover the debt",)),
    ):
        market = market_of(system_bps=14_000, pool_raw=pool_raw)
        seen = ADAPTER.assess(market, account)
        assert seen.is_insolvent
        assert seen.blockers == blockers
        assert (ADAPTER.quote(market, account) is None) is bool(blockers)
    below = ADAPTER.assess(market_of(system_bps=14_000, pool_raw=0), trove(DEBT, 10_900))
    assert below.is_liquidatable_now


def test_the_last_trove_is_never_liquidated():
    seen = ADAPTER.assess(market_of(troves=1), trove(DEBT, 10_000))
    assert seen.is_insolvent
    assert seen.blockers == ("the last trove cannot be liquidated",)
    assert ADAPTER.quote(market_of(troves=1), trove(DEBT, 10_000)) is None


def test_a_trove_falls_below_its_line_where_the_system_enters_recovery_mode():
    market, account = market_of(system_bps=16_000), trove(DEBT, 13_000)
    seen = ADAPTER.assess(market, account)
    (price,) = liquidation_prices(lambda r: ADAPTER.health(market, account, r), market.graph, seen.legs, seen.health)
    assert price.last_safe == PRICE * 15 // 16
    assert price.first_liquidatable == price.last_safe - 1
    healthy = trove(DEBT, 17_000)
    seen = ADAPTER.assess(market, healthy)
    (price,) = liquidation_prices(lambda r: ADAPTER.health(market, healthy, r), market.graph, seen.legs, seen.health)
    whole = entire_of(market, healthy)
    assert price.last_safe == -(-11 * WAD * whole.debt_raw // (10 * whole.coll_raw))


def test_in_deep_recovery_all_is_redistributed_and_above_the_minimum_the_pool_takes_it_at_the_minimum():
    deep = liquidated(priced(market_of(system_bps=14_000)), trove(DEBT, 10_000))
    assert deep is not None
    assert (deep.offset_raw, deep.redistributed_debt_raw) == (0, DEBT)
    capped = liquidated(priced(market_of(system_bps=14_000)), trove(DEBT, 13_000))
    assert capped is not None
    at_minimum = DEBT * 11 // 10 * WAD // PRICE
    assert capped.surplus_raw == trove_of(trove(DEBT, 13_000)).coll_raw - at_minimum
    assert (capped.to_caller_raw, capped.offset_raw) == (at_minimum // 200, DEBT)


def test_a_quote_pays_the_caller_in_ether_and_lusd_and_takes_nothing():
    quote = ADAPTER.quote(market_of(), trove(DEBT, 10_900))
    assert quote is not None
    held = trove_of(trove(DEBT, 10_900)).coll_raw
    assert (quote.debt_to_cover_raw, quote.collateral_to_liquidator_raw) == (0, held // 200)
    assert quote.profit_base == held // 200 * PRICE // WAD + 200 * WAD
    assert (quote.target, quote.function, quote.arguments) == (MANAGER, "liquidate(address)", (trove(DEBT, 1).key,))


def test_what_was_redistributed_belongs_to_a_trove_before_it_is_touched_and_after():
    so_far = Redistributed(WAD // 100, 20 * WAD)
    market, account = market_of(redistributed=so_far), trove(DEBT, 15_000)
    before = entire_of(market, account)
    assert before.pending_coll_raw == trove_of(account).stake // 100
    _, debt = ADAPTER.assess(market, account).legs
    after = ADAPTER.adjusted(market, account, debt, 1_000 * WAD)
    whole = entire_of(market, after)
    assert (whole.debt_raw, whole.coll_raw) == (before.debt_raw - 1_000 * WAD, before.coll_raw)
    assert (whole.pending_debt_raw, whole.pending_coll_raw) == (0, 0)


def test_a_debt_is_repaid_down_to_the_least_that_is_allowed_or_whole():
    market, account = market_of(), trove(DEBT, 12_000)
    coll, debt = ADAPTER.assess(market, account).legs
    most = DEBT - 2_000 * WAD
    assert ADAPTER.closed_ways(market, debt, most) is None
    assert ADAPTER.closed_ways(market, debt, most + 1) == "less than 1800 LUSD would be left: repay all and close it"
    assert ADAPTER.closed_ways(market, debt, DEBT) is None
    assert ADAPTER.closed_ways(market, coll, 1) is None
    assert ADAPTER.health(market, ADAPTER.adjusted(market, account, debt, DEBT)) == NoDebt()
    closing = ADAPTER.closed_ways(market_of(system_bps=14_000), debt, DEBT)
    assert closing == "no trove can be closed in recovery mode"


def test_a_leg_that_is_not_there_is_a_usage_error():
    market, account = market_of(), trove(DEBT, 12_000)
    _, debt = ADAPTER.assess(market, account).legs
    with pytest.raises(UsageError):
        ADAPTER.adjusted(market, replace(account, balances=()), debt, 1)


def test_without_a_price_a_debtor_is_unmeasurable_and_whoever_owes_nothing_is_not():
    market = market_of(Unknown("fetchPrice reverts"))
    assert ADAPTER.health(market, trove(DEBT, 12_000)) == Unmeasurable("fetchPrice reverts")
    assert ADAPTER.health(market, replace(trove(DEBT, 12_000), balances=())) == NoDebt()
    assert ADAPTER.quote(market, trove(DEBT, 10_000)) is None
    assert ADAPTER.assess(market, trove(DEBT, 12_000)).collateral_base is None


def test_a_dearer_dollar_counts_where_somebody_asks_for_it_and_has_no_native_number():
    seen = ADAPTER.health(market_of(), trove(DEBT, 11_000), Repricing("what if", {PAR: 11 * WAD // 10}))
    assert isinstance(seen, Measured)
    assert (seen.factor_wad_down, seen.native) == (10 * WAD // 11, None)


def test_time_changes_nothing_but_the_time():
    market, account = market_of(), trove(DEBT, 12_000)
    later = ADAPTER.later(market, 10**7)
    assert later.at.timestamp_s == market.at.timestamp_s + 10**7
    assert ADAPTER.health(later, account) == ADAPTER.health(market, account)
    assert ADAPTER.debt_growth_wad(market, 10**7) == 0
