"""gTrade keeps the promises that every adapter makes."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from monitor.domain.assessment import Exactness
from monitor.domain.health import Measured, NoDebt, Unmeasurable
from monitor.domain.ids import PositionKey
from monitor.domain.prices import Node, Repricing, Unknown
from monitor.errors import UsageError
from monitor.health import perp
from monitor.health.accrual import accrue
from monitor.ledger.accounts import Account
from monitor.pricing.repricing import at
from monitor.protocols.gains.adapter import Gains
from monitor.protocols.gains.health import Sums, priced, sums_of
from monitor.protocols.gains.market import Market, Running, pair_at, pair_node, place_of
from monitor.protocols.gains.math import ONE, Borrowing
from monitor.protocols.gains.trades import PRICE, account_of, key_of, trade_of
from tests.protocols.contract import MadeUpContract, is_no_better
from tests.protocols.family import Family
from tests.protocols.gains.made import ADAPTER, AT, DEPLOYMENT, deployment, grown, wild

EMPTY = Account(PositionKey("0x" + "00" * 24), 0, ())
HOURS_S = 3_600


def reads_price(adapter: Gains, market: Market, account: Account, node: Node) -> bool:
    """Whether a collateral's price is asked for: by whoever has a trade with it."""
    return any(leg.node == node for leg in adapter.assess(market, account).legs)


FAMILY = Family(
    adapter=ADAPTER,
    wild=wild,
    deployment=DEPLOYMENT,
    moments=list,
    empty=EMPTY,
    reads_price=reads_price,
    grown=lambda _, account, more_raw: grown(account, more_raw),
)


class TestMadeUp(MadeUpContract):
    family = FAMILY

    def test_a_liquidation_price_flips_exactly_between_its_two_integers(self):
        flips = 0
        for market, account in self._pairs(7, 60):
            seen = ADAPTER.assess(market, account)
            for price in perp.liquidation_prices(partial(ADAPTER.health, market, account), market.graph, seen):
                safe = ADAPTER.assess(market, account, at(price.node, price.last_safe))
                past = ADAPTER.assess(market, account, at(price.node, price.first_liquidatable))
                assert abs(price.last_safe - price.first_liquidatable) == 1
                assert past.is_insolvent
                assert not safe.is_insolvent
                flips += 1
        assert flips > 30

    def test_a_trade_is_past_its_line_where_the_price_has_touched_what_the_venue_says(self):
        """The venue compares prices, we what is left: the same trades, at the line itself too."""
        past = 0
        for market, account in self._pairs(10, 2_000):
            trade = trade_of(account)
            assert trade is not None
            sums, health = sums_of(priced(market), trade), ADAPTER.health(market, account)
            assert isinstance(sums, Sums)
            assert isinstance(health, Measured)
            apart = sums.price - sums.liquidation_price
            if abs(apart) > sums.price // 10**20:
                assert health.is_past_line == (apart <= 0 if trade.is_long else apart >= 0), account
            past += health.is_past_line
        assert 300 < past < 1_700

    def test_a_pair_without_a_price_hides_whoever_has_a_trade_there_and_nobody_else(self):
        hidden = 0
        for market, account in self._pairs(11, 150):
            trade = trade_of(account)
            assert trade is not None
            for pair in range(len(market.layout.pairs)):
                after = ADAPTER.health(market, account, Repricing("gone", {pair_node(pair): Unknown("too old")}))
                if pair == pair_at(trade.place):
                    assert isinstance(after, Unmeasurable)
                    hidden += 1
                else:
                    assert after == ADAPTER.health(market, account)
        assert hidden == 150

    def test_health_never_rises_when_the_price_moves_against_a_trade(self):
        for market, account in self._pairs(12, 500):
            (leg,) = ADAPTER.assess(market, account).positions
            now = market.graph.values[leg.node]
            assert isinstance(now, int)
            worse = now * 99 // 100 if leg.size_raw > 0 else now * 101 // 100
            after = ADAPTER.health(market, account, at(leg.node, worse))
            before = ADAPTER.health(market, account)
            if trade_of(account).version < 2:  # type: ignore[union-attr]  # every one is a trade
                assert is_no_better(after, before), account

    def test_what_is_told_of_a_trade_adds_up(self):
        for market, account in self._pairs(13, 300):
            seen = ADAPTER.assess(market, account)
            (leg,), margin = seen.positions, seen.margin
            assert margin is not None
            assert seen.owner == account.key[:42]
            assert seen.sources[0] == AT
            assert seen.skew_s == 1
            parts = (leg.unrealised_pnl_base, leg.funding_base, leg.borrow_fee_base, leg.close_fee_base)
            pnl, funding, borrowing, closing = (part or 0 for part in parts)
            sums = sums_of(priced(market), trade_of(account))  # type: ignore[arg-type]  # every one is a trade
            assert isinstance(sums, Sums)
            total = (margin.collateral_base or 0) + pnl + funding - borrowing - closing + sums.usd(sums.realised)
            assert abs((margin.equity_base or 0) - total) <= 8 * sums.token_usd
            assert seen.exactness is (Exactness.ESTIMATE if sums.trade.fixed_spread else Exactness.SDK)
            assert "gTrade shows liquidation at" in leg.label

    def test_an_hour_later_a_trade_is_what_its_rates_said(self):
        """Of trades whose borrowing of version 1 stands still; half an hour and funding's own velocity included."""
        compared = 0
        for market, account in self._pairs(14, 200):
            later = replace(market, at=replace(market.at, timestamp_s=market.at.timestamp_s + HOURS_S))
            projected, then = accrue(ADAPTER.assess(market, account), HOURS_S), ADAPTER.assess(later, account)
            assert projected.margin is not None
            assert then.margin is not None
            ours, theirs = projected.margin.equity_base or 0, then.margin.equity_base or 0
            assert abs(ours - theirs) <= (then.margin.notional_base or 0) // 10**5
            compared += ours != theirs
        assert compared

    def test_paused_trading_stands_against_a_liquidation(self):
        stopped = 0
        for market, account in self._pairs(15, 60):
            seen = ADAPTER.assess(replace(market, state=2), account)
            assert seen.blockers == ("trading is paused",)
            assert not seen.is_liquidatable_now
            stopped += seen.is_insolvent
        assert stopped

    def test_another_token_cannot_be_added(self):
        for market, account in self._pairs(16, 5):
            (leg,) = ADAPTER.assess(market, account).legs
            other = next(token for token in market.layout.tokens.values() if token != leg.token)
            with pytest.raises(UsageError, match="expected the collateral"):
                ADAPTER.adjusted(market, account, replace(leg, token=other), 1)
            assert ADAPTER.quote(market, account) is None


def test_at_the_liquidation_price_a_trade_is_liquidated_and_a_unit_before_it_is_not():
    """No fees at all: a long of 10 times at 100 dollars that may lose nine tenths ends at 91, a short at 109."""
    market = deployment(np.random.default_rng(1))
    place, pair = place_of(3, 0), market.layout.pairs[0]._replace(fee=0, spread=0)
    running = market.running[place]
    assert isinstance(running, Running)
    still = running.funding._replace(is_enabled=False, long_accrued=0, short_accrued=0)
    quiet = replace(running, funding=still, borrowing=Borrowing(0, 0, 0))
    layout = replace(market.layout, pairs=(pair, *market.layout.pairs[1:]))
    market = replace(market, layout=layout, running={**market.running, place: quiet})
    some = next(one for one in wild(np.random.default_rng(2), 50)[1])
    base = trade_of(some)
    assert base is not None
    for is_long, line, step in ((True, 91, 1), (False, 109, -1)):
        made = base._replace(
            place=place,
            is_long=is_long,
            version=2,
            is_counter=False,
            fixed_spread=0,
            collateral_raw=10**9,
            size_raw=10**10,
            leverage=10_000,
            open_price=100 * 10**10,
            fees_raw=0,
            profit_raw=0,
            funded=0,
            borrowed=0,
            old_pair=0,
            terms=(0, 0, 0, 0, 0),
        )
        account = account_of(key_of("0x" + "0a" * 20, 1), made, 6, 0, ONE)
        touch = ADAPTER.assess(market, account, at(pair_node(0), line * 10**10))
        before = ADAPTER.assess(market, account, at(pair_node(0), line * 10**10 + step))
        assert touch.is_insolvent
        assert not before.is_insolvent
        sums = sums_of(priced(market), made)
        assert isinstance(sums, Sums)
        assert sums.liquidation_price == line * 10**10 * PRICE
    assert ADAPTER.health(market, EMPTY) == NoDebt()
