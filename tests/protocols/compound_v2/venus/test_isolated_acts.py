"""Real liquidations of an isolated pool against what was offered, and its events against what is read."""

from collections import Counter
from dataclasses import replace

import pytest

from monitor.domain.assessment import Quote
from monitor.protocols.compound_v2.events import BORROW, INDEX_WORD, REPAY, number_at
from monitor.protocols.compound_v2.health import stakes_of
from monitor.protocols.compound_v2.market import Market, as_accrued
from monitor.protocols.compound_v2.math import owed_raw
from monitor.protocols.compound_v2.variants import batch
from monitor.units import WAD
from tests.devnet.chain.codec import calldata
from tests.devnet.venus.pool import LIQUIDATOR
from tests.length import Bounded
from tests.protocols.compound_v2.recorded import ADAPTER, interest_of
from tests.protocols.compound_v2.venus.acting import Acting
from tests.protocols.compound_v2.venus.folding import folded_through
from tests.protocols.compound_v2.venus.watched import Watched

pytestmark = pytest.mark.devnet


def one_block_on(watched: Watched, market: Market) -> Market:
    """The market as the next block sees it, which carries the newest one's time."""
    watched.chain.rpc.request("evm_setNextBlockTimestamp", hex(watched.chain.head().timestamp_s))
    listed = {
        place: one if one.asset.counts_seconds else replace(one, now=one.now + 1)
        for place, one in market.listed.items()
    }
    return as_accrued(replace(market, listed=listed))


def arguments_of(quote: Quote) -> list[object]:
    if quote.function != batch.LIQUIDATE_ACCOUNT:
        return [int(one) if one.isdigit() else one for one in quote.arguments]
    borrower, orders = quote.arguments
    parts = [order.split(",") for order in orders[2:-2].split("),(")]
    return [borrower, [(collateral, debt, int(amount)) for collateral, debt, amount in parts]]


@pytest.mark.parametrize("fall_ppm", [820_000, 650_000, 450_000])
def test_real_liquidations_take_what_was_offered(isolated: Watched, fall_ppm: int) -> None:
    pool, taken = isolated.pool, Counter[str]()
    isolated.chain.advance_time(40 * 86_400)
    for symbol in ("WETH", "WBTC", "USDC"):
        pool.scale(pool.of(symbol), fall_ppm)
    market = isolated.market()
    for account in isolated.accounts(market):
        seen = ADAPTER.assess(market, account)
        quote = ADAPTER.quote(market, account)
        assert (quote is not None) <= seen.is_liquidatable_now
        if quote is None:
            continue
        with isolated.chain.undone():
            offered = ADAPTER.quote(one_block_on(isolated, market), account)
            assert offered is not None
            vtoken, token = offered.collateral.address, offered.debt.address
            before = [balance(isolated, address) for address in (vtoken, token)]
            isolated.chain.send(offered.target, offered.function, *arguments_of(offered), sender=LIQUIDATOR)
            got, paid = (
                after - was for after, was in zip((balance(isolated, a) for a in (vtoken, token)), before, strict=True)
            )
            assert got == offered.collateral_to_liquidator_raw, (account.key, offered)
            assert -paid == offered.debt_to_cover_raw, (account.key, offered)
            taken[offered.function] += 1
    print(fall_ppm, taken)
    assert taken.total() >= 5


def balance(watched: Watched, token: str) -> int:
    return int(watched.chain.view(token, "balanceOf(address)(uint256)", LIQUIDATOR))


def test_all_three_ways_of_closing_an_account_are_offered(isolated: Watched) -> None:
    pool, ways = isolated.pool, set[str]()
    for fall_ppm in (900_000, 700_000, 600_000):
        pool.scale(pool.of("WETH"), fall_ppm)
        pool.scale(pool.of("USDC"), fall_ppm)
        market = isolated.market()
        quotes = (ADAPTER.quote(market, account) for account in isolated.accounts(market))
        ways |= {quote.function for quote in quotes if quote is not None}
    assert len(ways) == 3


def test_events_rebuild_what_reads_find_through_a_history_of_liquidations_and_healings(
    isolated: Watched, bounded: Bounded
) -> None:
    counts = folded_through(isolated, seed=11, blocks=bounded(120))
    print(counts)
    assert counts["folded"] > bounded(50)
    assert counts["liquidated"] >= bounded(3)


def test_everyone_who_owes_is_named_by_logs_because_debts_add_up_to_the_totals(
    isolated: Watched, bounded: Bounded
) -> None:
    acting = Acting(isolated, seed=12)
    for _ in range(bounded(60)):
        acting.block()
    market = isolated.market()
    keys = ADAPTER.discovered(isolated.logs(ADAPTER.discovery(isolated.deployment, isolated.key)))
    accounts = list(isolated.accounts(market, keys))
    logs = isolated.logs(ADAPTER.interests(market))
    for listed in market.listed.values():
        said = [log for log in logs if log.address.lower() == listed.asset.ctoken.address]
        accruals = sum(log.topics[0] in INDEX_WORD for log in said)
        acts = sum(log.topics[0] in (BORROW, REPAY) for log in said)
        total_raw, index = interest_of(listed).borrows_raw, interest_of(listed).borrow_index
        here = [s for a in accounts for s in stakes_of(a) if s.place == listed.place and s.principal_raw]
        owed = sum(owed_raw(s.principal_raw, s.at_index, index) for s in here)
        most_raw = max(number_at(log, 3) for log in said if log.topics[0] in INDEX_WORD)
        assert abs(owed - total_raw) <= accruals * (most_raw // WAD + 1) + acts


def test_a_seized_or_closed_market_stands_as_a_blocker(isolated: Watched) -> None:
    pool = isolated.pool
    pool.scale(pool.of("USDC"), 600_000)
    pool.scale(pool.of("WETH"), 600_000)
    everything = [one.address for one in pool.vtokens]
    market = isolated.market()
    past = [a.key for a in isolated.accounts(market) if ADAPTER.assess(market, a).is_liquidatable_now]
    pool.send("setActionsPaused(address[],uint8[],bool)", everything, [4, 5], True)  # the contract's
    paused = isolated.again(market)
    for account in isolated.accounts(paused, past):
        seen = ADAPTER.assess(paused, account)
        assert seen.is_insolvent
        assert not seen.is_liquidatable_now
        assert any("paused" in reason for reason in seen.blockers)
        assert ADAPTER.quote(paused, account) is None
        ends = pool.ended([(pool.comptroller, calldata("healAccount(address)", account.key))])
        assert not ends[0].startswith("0x")
    fold = ADAPTER.fold(market, paused, lambda _: None, isolated.logs(ADAPTER.interests(market), market.at.number + 1))
    told = {(change.field, change.log is not None) for change in fold.changed}
    assert told == {("seizing paused", True), ("liquidation paused", True)}
    assert past


def test_a_forced_market_can_be_liquidated_although_nothing_is_missing(isolated: Watched) -> None:
    pool = isolated.pool
    pool.send("setForcedLiquidation(address,bool)", pool.of("USDC").address, True)  # the contract's
    market = isolated.market()
    found = [a for a in isolated.accounts(market) if ADAPTER.assess(market, a).forced]
    assert found
    for account in found:
        seen, quote = ADAPTER.assess(market, account), ADAPTER.quote(market, account)
        assert seen.is_liquidatable_now is (not seen.blockers)
        if quote is None:
            continue
        end = pool.ended([(quote.target, calldata(quote.function, *arguments_of(quote)))])
        assert end[0].startswith("0x"), (end, quote)
    assert any(not ADAPTER.assess(market, account).is_insolvent for account in found)
