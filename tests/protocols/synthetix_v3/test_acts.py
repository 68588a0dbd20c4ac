"""What owners and keepers can do with an account, and what time does to it."""

from dataclasses import replace

import pytest

from monitor.domain.assessment import Side
from monitor.domain.health import Measured, NoDebt, Unmeasurable
from monitor.domain.prices import Node, Repricing, Unknown
from monitor.errors import UsageError
from monitor.health.accrual import accrue
from monitor.health.evaluate import evaluation
from monitor.ledger.accounts import Account
from monitor.protocols.synthetix_v3.accounts import id_of
from monitor.protocols.synthetix_v3.health import Sums, priced, sums_of
from monitor.protocols.synthetix_v3.liquidation import CLOSED, NO_CAPACITY, takeable
from monitor.protocols.synthetix_v3.market import Market
from monitor.protocols.synthetix_v3.math import DAY_S, keeper_reward, liquidatable, windows
from monitor.protocols.synthetix_v3.storage import Stored
from monitor.units import WAD
from tests.protocols.synthetix_v3.made import AT, GUARDS, TERMS, account_with, coin_of, market_of, traded_of
from tests.protocols.synthetix_v3.recorded import ADAPTER

PRICE = 1_000 * WAD
NEUTRAL = Repricing("as it is", {})


def long_of(market: Market, size: int, usd: int, debt: int = 0, synths: tuple[tuple[int, int], ...] = ()) -> Account:
    """An account long of the first market at its present price, with nothing accrued."""
    return account_with((0, Stored(size, PRICE, 0, market.interest.accrued)), usd=usd, debt=debt, synths=synths)


def summed(market: Market, account: Account) -> Sums:
    sums = sums_of(priced(market), account)
    assert not isinstance(sums, str)
    return sums


def test_a_requirement_is_quadratic_in_size_and_has_its_least_margin_once():
    """Two vectors of the rule: 2 %, 1.5 × size ÷ a million of skew scale, half of it, and 50 dollars."""
    terms = replace(TERMS, initial_margin_ratio=3 * WAD // 2)
    market = market_of([2_000 * WAD], [], [traded_of(0, terms)])
    for size, initial, maintenance in ((100, 4_080, 2_065), (10_000, 700_050, 350_050)):
        account = account_with((0, Stored(size * WAD, 2_000 * WAD, 0, market.interest.accrued)), usd=10**6 * WAD)
        (position,) = summed(market, account).positions
        assert (position.initial, position.maintenance) == (initial * WAD, maintenance * WAD)


def test_a_discount_grows_with_the_amount_between_its_ends():
    market = market_of([PRICE], [PRICE])
    for amount, part in ((10, 100), (75, 150), (200, 400), (5_000, 1_000)):
        sums = summed(market, account_with(synths=((1, amount * WAD),)))
        assert sums.whole == amount * 1_000 * WAD
        assert sums.counted == sums.whole * (10_000 - part) // 10_000
    unscaled = replace(market, coins={4: coin_of(1, skew_scale=0), 2: market.coins[2]})
    assert summed(unscaled, account_with(synths=((1, 5_000 * WAD),))).counted == 5_000_000 * WAD


def test_a_keepers_reward_lies_between_its_caps():
    cost = 2 * WAD
    assert keeper_reward(0, cost, 10**6 * WAD, GUARDS) == 3 * WAD
    assert keeper_reward(0, 10 * cost, 10**6 * WAD, GUARDS) == 26 * WAD
    assert keeper_reward(100 * WAD, cost, 10**6 * WAD, GUARDS) == 102 * WAD
    assert keeper_reward(900 * WAD, cost, 10**6 * WAD, GUARDS) == 500 * WAD
    assert keeper_reward(900 * WAD, cost, 100 * WAD, GUARDS) == 5 * WAD
    assert keeper_reward(900 * WAD, cost, 0, GUARDS) == 500 * WAD


def test_each_further_window_costs_a_keeper_once_more():
    market = market_of([PRICE], [])
    window = market.traded[1].window
    one, three = (summed(market, long_of(market, window * count, 10**9 * WAD)) for count in (1, 3))
    assert windows(window + 1, window) == 2
    assert windows(5, 0) == 0
    fixed = keeper_reward(0, 12 * WAD // 10, 0, GUARDS)
    assert one.reward == three.reward - 2 * fixed


def test_one_call_takes_what_the_windows_have_room_for():
    assert liquidatable(100, 30, 60, 0, 0, 1, is_used_now=False) == 30
    assert liquidatable(20, 30, 60, 0, 0, 1, is_used_now=False) == 20
    assert liquidatable(100, 0, 60, 5, 0, WAD, is_used_now=False) == 60
    assert liquidatable(100, 0, 60, 5, 0, WAD, is_used_now=True) == 0
    assert liquidatable(100, 0, 60, 5, 5, WAD, is_used_now=False) == 0
    assert liquidatable(100, 0, 0, 0, 0, 0, is_used_now=True) == 100


def test_a_flagged_account_is_liquidatable_whatever_its_margin_until_no_window_has_room():
    market = market_of([PRICE], [])
    account = long_of(market, WAD, 10**6 * WAD)
    assert ADAPTER.quote(market, account) is None
    flagged = replace(market, flagged=frozenset({id_of(account.key)}))
    seen = ADAPTER.assess(flagged, account)
    assert (seen.is_insolvent, seen.forced, seen.is_liquidatable_now) == (False, True, True)
    quote = ADAPTER.quote(flagged, account)
    assert quote is not None
    assert quote.profit_base == keeper_reward(0, 12 * WAD // 10, 0, GUARDS)
    used = replace(flagged.traded[1], capacity=0, skew=10**6 * WAD, liquidated_s=AT.timestamp_s)
    stuck = replace(flagged, traded={1: used})
    seen = ADAPTER.assess(stuck, account)
    assert (seen.is_liquidatable_now, seen.blockers) == (False, (NO_CAPACITY,))
    assert ADAPTER.quote(stuck, account) is None
    unflagged = ADAPTER.assess(replace(stuck, flagged=frozenset()), long_of(market, WAD, 60 * WAD))
    assert unflagged.is_liquidatable_now


def test_what_a_liquidation_takes_has_the_sign_of_the_position():
    market = market_of([PRICE], [])
    for size in (5 * WAD, -5 * WAD, 10**3 * WAD):
        (position,) = summed(market, long_of(market, size, 0)).positions
        most = min(abs(size), market.traded[1].capacity)
        assert takeable(market, position) == (most if size > 0 else -most)


def test_a_first_call_pays_for_flagging_and_by_notional_and_names_its_function():
    market = market_of([PRICE], [])
    quote = ADAPTER.quote(market, long_of(market, 10 * WAD, 60 * WAD))
    assert quote is not None
    assert (quote.function, quote.arguments) == ("liquidate(uint128)", ("7",))
    assert quote.target == market.layout.contracts.perps_market
    assert quote.profit_base == 60 * WAD // 20
    rich = ADAPTER.quote(market, long_of(market, 10**4 * WAD, 10**5 * WAD))
    assert rich is not None
    assert rich.profit_base == 500 * WAD


def test_a_debt_without_positions_is_liquidated_by_its_margin():
    market = market_of([PRICE], [])
    account = account_with(usd=1_000 * WAD, debt=998 * WAD)
    sums, seen = summed(market, account), ADAPTER.assess(market, account)
    assert (sums.can_liquidate, sums.can_liquidate_margin) == (False, True)
    assert seen.is_liquidatable_now
    assert isinstance(seen.health, Measured)
    assert (seen.health.numerator, seen.health.denominator) == (2 * WAD, sums.margin_reward)
    quote = ADAPTER.quote(market, account)
    assert quote is not None
    assert (quote.function, quote.profit_base) == ("liquidateMarginOnly(uint128)", sums.margin_reward)
    assert seen.debt_base == 998 * WAD
    for debt in (0, 900 * WAD):
        assert not ADAPTER.assess(market, account_with(usd=1_000 * WAD, debt=debt)).is_liquidatable_now


def test_a_closed_system_blocks_every_call_and_every_way_out():
    market = replace(market_of([PRICE], []), is_closed=True)
    account = long_of(market, 10 * WAD, 60 * WAD, debt=WAD)
    seen = ADAPTER.assess(market, account)
    assert (seen.is_insolvent, seen.is_liquidatable_now, seen.blockers) == (True, False, (CLOSED,))
    assert ADAPTER.quote(market, account) is None
    assert [ADAPTER.closed_ways(market, leg) for leg in seen.legs] == [CLOSED, CLOSED]


def test_paying_lessens_the_debt_and_adding_grows_the_collateral_and_its_square():
    market = market_of([PRICE], [PRICE])
    account = long_of(market, WAD, 10 * WAD, 100 * WAD, ((1, 50 * WAD),))
    usd, synth, debt = ADAPTER.assess(market, account).legs
    assert [leg.side for leg in (usd, synth, debt)] == [Side.COLLATERAL, Side.COLLATERAL, Side.DEBT]
    paid = ADAPTER.adjusted(market, account, debt, 40 * WAD)
    assert paid == long_of(market, WAD, 10 * WAD, 60 * WAD, ((1, 50 * WAD),))
    free = long_of(market, WAD, 10 * WAD, 0, ((1, 50 * WAD),))
    assert ADAPTER.adjusted(market, account, debt, 10**6 * WAD) == free
    more = ADAPTER.adjusted(market, account, synth, 7 * WAD)
    assert more == long_of(market, WAD, 10 * WAD, 100 * WAD, ((1, 57 * WAD),))
    with pytest.raises(UsageError, match="expected a leg"):
        ADAPTER.adjusted(market, free, debt, 1)
    with pytest.raises(UsageError, match="expected a collateral"):
        ADAPTER.adjusted(market_of([PRICE], []), free, synth, 1)


def test_a_way_is_closed_by_a_cap_and_by_a_collateral_that_is_not_accepted():
    market = market_of([PRICE], [PRICE])
    _, synth = ADAPTER.assess(market, account_with(usd=WAD, synths=((1, WAD),))).legs
    for cap, closed in ((10, None), (9, "the cap leaves room for 4 only"), (5, "cap full"), (0, "not accepted")):
        coin = coin_of(1, cap_raw=cap * WAD, held_raw=5 * WAD)
        capped = replace(market, coins={**market.coins, coin.place: coin})
        assert ADAPTER.closed_ways(capped, synth, 5 * WAD) == closed


def test_unknown_costs_hide_whoever_can_be_liquidated_and_nobody_else():
    market = replace(market_of([PRICE], []), costs=Unknown("the keeper-cost node reverts"))
    for account in (long_of(market, WAD, 10**6 * WAD), account_with(usd=2 * WAD, debt=WAD)):
        assert ADAPTER.health(market, account) == Unmeasurable("the keeper-cost node reverts")
        seen = ADAPTER.assess(market, account)
        assert (seen.margin, seen.is_liquidatable_now, seen.collateral_base) == (None, False, None)
        assert ADAPTER.quote(market, account) is None
    assert ADAPTER.health(market, account_with(usd=WAD)) == NoDebt()


def test_a_collateral_that_is_not_listed_any_more_hides_its_holders():
    market = market_of([PRICE], [PRICE])
    less = replace(market, coins={2: market.coins[2]})
    held = account_with((0, Stored(WAD, PRICE, 0, 0)), synths=((1, WAD),))
    found = ADAPTER.health(less, held)
    assert isinstance(found, Unmeasurable)
    assert "collateral 1 " in found.reason
    assert ADAPTER.assess(less, held).health == found


def test_interest_that_was_charged_ahead_reverts_and_is_no_number():
    market = market_of([PRICE], [])
    account = account_with((0, Stored(WAD, PRICE, 0, market.interest.accrued + 1)), usd=10**6 * WAD)
    assert isinstance(ADAPTER.health(market, account), Unmeasurable)


def test_the_estimate_between_reads_is_the_contracts_own_to_a_few_units():
    """Skew moves the rate: funding is quadratic in time, which the carry of a position says as well."""
    traded = traded_of(0, skew=10**5 * WAD, stored_rate=WAD // 100, funded_s=AT.timestamp_s - 7_000)
    market = market_of([PRICE], [], [traded])
    for size in (3 * WAD, -3 * WAD):
        account = long_of(market, size, 1_000 * WAD)
        now = ADAPTER.assess(market, account)
        for seconds in (0, 1, 3_600, 40_000):
            told = accrue(now, seconds).margin
            read = ADAPTER.assess(ADAPTER.later(market, seconds), account).margin
            assert told is not None
            assert read is not None
            assert told.equity_base is not None
            assert read.equity_base is not None
            assert abs(told.equity_base - read.equity_base) < 10**9


def left_s(market: Market, account: Account) -> int | None:
    return evaluation(ADAPTER, market, account, NEUTRAL).time_to_liquidation_s


def test_time_to_liquidation_is_the_second_in_which_the_contract_says_so():
    traded = traded_of(0, skew=10**5 * WAD, stored_rate=WAD // 100)
    market = market_of([PRICE], [], [traded])
    account = long_of(market, 10 * WAD, 400 * WAD)
    left = left_s(market, account)
    assert left is not None
    assert 0 < left < DAY_S
    for seconds, is_past in ((left - 1, False), (left, True)):
        assert ADAPTER.assess(ADAPTER.later(market, seconds), account).is_insolvent is is_past


def test_time_to_liquidation_knows_that_funding_turns():
    """Longs pay 10 % a day and shorts are more, so that they pay less and less, and are paid in the end."""
    turning = traded_of(0, skew=-(10**4) * WAD, stored_rate=WAD // 10)
    market = market_of([PRICE], [], [turning])
    poor, rich = long_of(market, 10 * WAD, 350 * WAD), long_of(market, 10 * WAD, 5_000 * WAD)
    left = left_s(market, poor)
    assert left is not None
    assert ADAPTER.assess(ADAPTER.later(market, left), poor).is_insolvent
    assert not ADAPTER.assess(ADAPTER.later(market, 10**8), poor).is_insolvent
    assert left_s(market, rich) is None


def test_the_node_of_a_dollar_is_there_and_fixed():
    market = market_of([PRICE], [])
    usd = market.coins[2]
    assert market.graph.values[usd.node] == WAD
    assert Node(f"par:{usd.token.address}") == usd.node
    assert market.tokens == ()
