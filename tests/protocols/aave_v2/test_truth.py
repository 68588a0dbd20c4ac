"""Every account at many moments of a random history, pairs tried, liquidations made, against the real contracts."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from monitor.domain.health import Health, Measured, NoDebt
from monitor.domain.prices import Repricing, Unknown
from monitor.health.liquidation_price import liquidation_prices
from monitor.ledger.accounts import Account
from monitor.protocols.aave_v2.health import AccountData, Priced, account_data, health_of, priced, sums_of
from monitor.protocols.aave_v2.liquidation import NOTHING, Closed, Offer, offers
from monitor.protocols.aave_v2.market import WHOLE_DEBT_MANAGERS, Market
from monitor.protocols.aave_v2.totals import COLLATERAL, SCALED_DEBT, STABLE_PRINCIPAL
from monitor.units import BPS, WAD
from tests.devnet.aave_v2.market import MAX, Attempt
from tests.length import Bounded
from tests.protocols.aave_v2.acting import Acting
from tests.protocols.aave_v2.watched import Watched

pytestmark = pytest.mark.devnet

BLOCKS, APART = 160, 10
SHOCKED = ("DAI", "USDC", "WBTC", "LINK", "CRV", "AAVE")
EVERY_ACT = {
    *("deposit", "borrow", "borrow at a stable rate", "borrow for another", "repay", "repay at a stable rate"),
    *("withdraw", "transfer", "collateral", "swap", "liquidate", "liquidate for aTokens"),
}
HEALTHY = "LPCM_HEALTH_FACTOR_NOT_BELOW_THRESHOLD"
REFUSALS = {
    "paused": {"LP_IS_PAUSED"},
    "no liquidation threshold": {"LPCM_COLLATERAL_CANNOT_BE_LIQUIDATED"},
    NOTHING: {"LP_LIQUIDATION_CALL_FAILED", "LPCM_SPECIFIED_CURRENCY_NOT_BORROWED_BY_USER"},
}
"""What the contracts say for each of our reasons."""


@dataclass
class Found:
    """What a comparison found."""

    counts: Counter[str] = field(default_factory=Counter)
    mismatches: list[str] = field(default_factory=list)

    def same(self, what: str, place: str, expected: object, found: object) -> None:
        self.counts[what] += 1
        if expected != found:
            self.mismatches.append(f"{what} of {place}: expected {expected}, found {found}")


def offers_of(view: Priced, account: Account) -> list[Offer | Closed]:
    sums = sums_of(view, account)
    return [] if isinstance(sums, Unknown) else list(offers(view, account, sums))


def compare(watched: Watched, market: Market, found: Found) -> None:
    """Hold everyone's six values against the contract's."""
    view = priced(market)
    for account, says in zip(watched.accounts(market), watched.truth(), strict=True):
        ours = account_data(view, account)
        truth = None if says is None else AccountData(*says)
        found.same("account data", f"{account.key} at {market.at.number}", truth, ours)
        health = health_of(view, account)
        found.counts["past line"] += isinstance(health, Measured) and health.is_past_line
        found.counts["without debt"] += isinstance(health, NoDebt)
        found.counts["stable debt"] += any(b.kind == STABLE_PRINCIPAL for b in account.balances)
        if isinstance(health, Measured) and says is not None:
            found.same("native health", account.key, says.health_wad, health.native)


def attempts(watched: Watched, view: Priced, account: Account) -> Iterator[tuple[str | None, Attempt]]:
    """Yield each pair of an account with the reason it should be refused for, None where it should go through."""
    found = offers_of(view, account)
    for one in found:
        if isinstance(one, Offer):
            yield None, watched.attempt(account.key, one)
        else:
            tokens = one.collateral.token.address, one.debt.token.address
            yield one.reason.partition(":")[0], Attempt(*tokens, account.key, MAX, as_a_tokens=False)
    held = [b.asset for b in account.balances if b.kind == COLLATERAL]
    owed = [b.asset for b in account.balances if b.kind == SCALED_DEBT]
    if not found and held and owed and isinstance(health_of(view, account), Measured):
        reserves = view.market.reserves
        pair = reserves[held[0]], reserves[owed[0]]
        in_grace = any(reserve.grace_until_s >= view.market.at.timestamp_s for reserve in pair)
        reason = "paused" if view.market.is_paused else "grace period" if in_grace else HEALTHY
        yield reason, Attempt(pair[0].token.address, pair[1].token.address, account.key)


def try_all(watched: Watched, market: Market, found: Found) -> None:
    """Try every pair of everyone against the contract by `eth_call`."""
    view = priced(market)
    tried = [one for account in watched.accounts(market) for one in attempts(watched, view, account)]
    refusals = watched.devnet.refusals([attempt for _, attempt in tried])
    for (reason, attempt), refusal in zip(tried, refusals, strict=True):
        found.counts[f"tried: {reason}"] += 1
        expected = {None} if reason is None else REFUSALS.get(reason, {reason})
        if refusal not in expected:
            found.mismatches.append(f"{attempt} at {market.at.number}: expected {reason}, found {refusal}")


def test_every_account_is_judged_as_the_contract_does_at_many_moments_of_a_history(
    watched: Watched, bounded: Bounded
) -> None:
    acting, found = Acting(watched, seed=7), Found()
    market = watched.market()
    for number in range(bounded(BLOCKS)):
        acting.block()
        if number % APART == APART - 1:
            market = watched.again(market)
            compare(watched, market, found)
            try_all(watched, market, found)
            with watched.devnet.chain.undone():
                for symbol in acting.random.sample(SHOCKED, 2):
                    watched.devnet.scale_price(symbol, acting.random.choice((300_000, 700_000, 1_500_000, 3_000_000)))
                shocked = watched.again(market)
                compare(watched, shocked, found)
                try_all(watched, shocked, found)
    print(found.counts, acting.done, acting.refused)
    assert found.mismatches == []
    assert found.counts["account data"] >= bounded(4_000)
    assert found.counts["native health"] >= bounded(2_500)
    assert found.counts["stable debt"] >= bounded(300)
    assert found.counts["past line"] >= bounded(300)
    assert found.counts["tried: None"] >= bounded(500)
    assert found.counts[f"tried: {HEALTHY}"] >= bounded(500)
    assert set(acting.done) >= EVERY_ACT
    assert min(acting.done[name] for name in EVERY_ACT) >= bounded(3)


@pytest.mark.parametrize("is_whole", [False, True], ids=["half of a debt", "all of a debt"])
@pytest.mark.parametrize("rise_ppm", [1_500_000, 2_600_000])
def test_real_liquidations_take_what_was_offered(watched: Watched, rise_ppm: int, is_whole: bool) -> None:
    chain, found = watched.devnet.chain, Found()
    if is_whole:
        watched.devnet.allow_whole_debts(min(WHOLE_DEBT_MANAGERS))
    chain.advance_time(20 * 86_400)
    for symbol in ("DAI", "USDC", "WBTC", "LINK", "CRV", "GUSD"):
        watched.devnet.scale_price(symbol, rise_ppm)
    market = watched.market()
    assert market.close_factor_bps == (BPS if is_whole else BPS // 2)
    compare(watched, market, found)
    try_all(watched, market, found)
    view = priced(market)
    for account in watched.accounts(market):
        for offer in offers_of(view, account):
            if isinstance(offer, Offer):
                with chain.undone():
                    taken = watched.liquidate(account.key, offer)
                    found.same("taken", account.key, taken, (offer.debt_raw, offer.collateral_raw))
                    found.counts["all collateral"] += offer.argument == MAX and is_all(market, account, offer)
                    found.counts["stable"] += any(b.kind == STABLE_PRINCIPAL for b in account.balances)
    print(rise_ppm, is_whole, found.counts)
    assert found.mismatches == []
    assert found.counts["taken"] >= 25
    assert found.counts["stable"] >= 5


def is_all(market: Market, account: Account, offer: Offer) -> bool:
    """Whether the offer takes all of that collateral."""
    scaled = next(b.raw for b in account.balances if (b.asset, b.kind) == (offer.collateral.id, COLLATERAL))
    return offer.collateral_raw == (scaled * offer.collateral.supply_index_ray * 2 + 10**27) // (2 * 10**27)


def test_a_chain_of_liquidations_leaves_what_is_read_after_each(watched: Watched) -> None:
    devnet, found = watched.devnet, Found()
    for symbol in ("DAI", "USDC", "LINK"):
        devnet.scale_price(symbol, 1_600_000)
    market, made = watched.market(), 0
    for key in watched.keys:
        for _ in range(3):
            account = watched.account(market, key)
            quote = watched.adapter.quote(market, account)
            seen = watched.adapter.assess(market, account)
            assert (quote is not None) is seen.is_liquidatable_now
            open_ones = [one for one in offers_of(priced(market), account) if isinstance(one, Offer)]
            if quote is None:
                break
            best = max(open_ones, key=lambda one: one.profit_base)
            assert quote.profit_base == best.profit_base
            assert quote.arguments[3:] == (str(best.argument), "true" if best.as_a_tokens else "false")
            taken = watched.liquidate(key, best)
            found.same("taken", key, taken, (quote.debt_to_cover_raw, quote.collateral_to_liquidator_raw))
            made += 1
            market = watched.again(market)
    compare(watched, market, found)
    print(made, found.counts)
    assert found.mismatches == []
    assert made >= 20


def test_a_paused_pool_lets_nobody_be_liquidated_and_no_owner_act(watched: Watched) -> None:
    watched.devnet.scale_price("DAI", 2_000_000)
    watched.devnet.set_paused(True)
    market, found = watched.market(), Found()
    try_all(watched, market, found)
    assert found.mismatches == []
    assert found.counts["tried: paused"] >= 10
    for account in watched.accounts(market):
        seen = watched.adapter.assess(market, account)
        assert {watched.adapter.closed_ways(market, leg) for leg in seen.legs} <= {"paused"}
        assert seen.blockers == (("paused",) if seen.is_insolvent else ())
        assert not seen.is_liquidatable_now


def test_an_account_exactly_on_the_line_is_safe_and_one_unit_of_price_further_it_is_not(in_ether: Watched) -> None:
    watched, flips = in_ether, 0
    market = watched.market()
    for account in watched.accounts(market):
        seen = watched.adapter.assess(market, account)

        def health(repricing: Repricing, account: Account = account) -> Health:
            return watched.adapter.health(market, account, repricing)

        for price in liquidation_prices(health, market.graph, seen.legs, seen.health)[:1]:
            symbol = price.token.symbol if price.token else ""
            if flips >= 30 or symbol == "WETH":
                continue
            with watched.devnet.chain.undone():
                for answer, is_past in ((price.last_safe, False), (price.first_liquidatable, True)):
                    watched.same_second()
                    watched.devnet.set_price(symbol, answer)
                    (says,) = watched.truth([account.key])
                    assert says is not None
                    assert (says.health_wad < WAD) is is_past
                    flips += 1
    assert flips >= 30
