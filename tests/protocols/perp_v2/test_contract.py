"""Perpetual Protocol v2 keeps the promises that every adapter makes."""

from functools import partial
from itertools import pairwise
from typing import Any

from monitor.domain.health import Unmeasurable
from monitor.domain.prices import Node, Repricing, Unknown
from monitor.health import perp
from monitor.ledger.accounts import Account, Balance
from monitor.pricing.repricing import at
from monitor.protocols.perp_v2.adapter import PerpV2
from monitor.protocols.perp_v2.health import health_without
from monitor.protocols.perp_v2.market import CASH, COIN, FUNDING_DUE, FUNDING_OWED, LONG, ORDERS, QUOTE_OWED, Market
from monitor.units import WAD
from tests.protocols.contract import MadeUpContract, is_no_better
from tests.protocols.family import Family
from tests.protocols.following import FollowedContract, logs_of
from tests.protocols.perp_v2.made import grown, house, wild
from tests.protocols.perp_v2.recorded import ADAPTER, DEPLOYMENT, NOBODY, moments


def reads_price(adapter: PerpV2, market: Market, account: Account, node: Node) -> bool:  # the family's
    """Whether the price of a collateral is asked for: by whoever has some and a position, or something to pay."""
    places = {coin.place for coin in market.coins.values() if coin.node == node}
    holds = any(b.kind == COIN and b.asset in places for b in account.balances)
    return holds and isinstance(health_without(account, "asked"), Unmeasurable)


FAMILY = Family(
    adapter=ADAPTER,
    wild=wild,
    deployment=DEPLOYMENT,
    moments=moments,
    empty=NOBODY,
    reads_price=reads_price,
    grown=lambda _, account, more_raw: grown(account, more_raw),
    most_calls=20,
)


class TestMadeUp(MadeUpContract):
    family = FAMILY

    def test_a_liquidation_price_flips_exactly_between_its_two_integers(self):
        """Every boundary on every mark and every collateral."""
        flips = 0
        for market, account in self._pairs(7, 60):
            seen = ADAPTER.assess(market, account)
            found = perp.liquidation_prices(partial(ADAPTER.health, market, account), market.graph, seen)
            for price in found:
                safe = ADAPTER.assess(market, account, at(price.node, price.last_safe))
                past = ADAPTER.assess(market, account, at(price.node, price.first_liquidatable))
                assert abs(price.last_safe - price.first_liquidatable) == 1
                assert past.is_insolvent
                assert not safe.is_insolvent
                flips += 1
        assert flips > 30

    def test_a_mark_that_is_not_known_hides_whoever_has_a_position_there_and_nobody_else(self):
        hidden = 0
        for market, account in self._pairs(11, 150):
            for place, traded in market.traded.items():
                after = ADAPTER.health(market, account, Repricing("gone", {traded.node: Unknown("too old")}))
                if any(b.asset == place for b in account.balances):
                    assert isinstance(after, Unmeasurable)
                    hidden += 1
                else:
                    assert after == ADAPTER.health(market, account)
        assert hidden > 50

    def test_health_never_rises_when_a_mark_moves_against_the_only_position(self):
        """Of an account that is worth less than its position: of others a fall shrinks the requirement more."""
        moved = 0
        for market, account in self._pairs(12, 300):
            seen = ADAPTER.assess(market, account)
            is_levered = seen.margin is not None and (seen.margin.leverage_wad_up or 0) > 2 * WAD
            if len(seen.positions) != 1 or not is_levered:
                continue
            (leg,) = seen.positions
            now = market.graph.values[leg.node]
            assert isinstance(now, int)
            worse = now * 99 // 100 if leg.size_raw > 0 else now * 101 // 100
            after = ADAPTER.health(market, account, Repricing("moved", {leg.node: worse}))
            if not seen.is_insolvent:
                assert is_no_better(after, seen.health), (account, seen.health, after)
                moved += 1
        assert moved > 30

    def test_at_equality_the_account_is_safe(self):
        """A long of 1,600 dollars requires 100; with 100 it is safe, with a millionth less it is not."""
        market = house([1_600 * WAD], [])
        for cash, is_past in ((100 * 10**6, False), (100 * 10**6 - 1, True)):
            rows = (Balance(0, CASH, cash), Balance(1, LONG, WAD), Balance(1, QUOTE_OWED, 1_600 * WAD))
            assert ADAPTER.assess(market, Account(NOBODY.key, 0, rows)).is_insolvent is is_past


class TestFollowed(FollowedContract):
    family = FAMILY

    def test_everyone_who_owes_is_found_from_logs_because_debts_add_up_to_the_markets_totals(self):
        """The house keeps no such sum; instead everyone whom the recording has a position of is named by logs."""
        for series in self._series():
            for seen in series:
                assert seen.accounts.failed == ()
                found: Any = seen.reader
                holders = {
                    key
                    for key, told in found.block.truth.items()
                    if any(int(one["size"]) for one in told["positions"].values())
                }
                assert holders <= set(seen.keys)
                assert len(holders) > 15

    def test_events_rebuild_the_balances_that_reads_find(self):
        """Everyone is read again; whoever no log names has changed by funding or by liquidity, and by nothing else."""
        changed = 0
        for series in self._series():
            for before, after in pairwise(series):
                logs = logs_of(after.reader, ADAPTER.interests(before.market), before.block + 1)
                fold = ADAPTER.fold(before.market, after.market, before.by_key.get, logs)
                assert fold.everyone
                assert set(fold.reread) <= set(ADAPTER.touched(after.market, logs))
                for key, account in after.by_key.items():
                    if key not in ADAPTER.touched(after.market, logs) and key in before.by_key:
                        changed += account != before.by_key[key]
                        assert without_funding(account) == without_funding(before.by_key[key]) or makes_a_market(
                            account
                        )
        assert changed > 20


def without_funding(account: Account) -> Any:
    return [b for b in account.balances if b.kind not in (FUNDING_DUE, FUNDING_OWED)]


def makes_a_market(account: Account) -> bool:
    return any(b.kind == ORDERS for b in account.balances)
