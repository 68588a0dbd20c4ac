"""Every account of every market, at many moments of a random history, against the real contract and its libraries."""

from collections import Counter
from dataclasses import dataclass, field

import pytest

from monitor.domain.health import Measured, NoDebt, Unmeasurable
from monitor.domain.ids import PositionKey
from monitor.ledger.accounts import Account
from monitor.protocols.morpho_blue.health import health_of, holding_of, priced
from monitor.protocols.morpho_blue.interest import Totals
from monitor.protocols.morpho_blue.liquidation import Offer, by_collateral, by_shares, offers
from monitor.protocols.morpho_blue.market import BORROW_SHARES, COLLATERAL, Market
from tests.devnet.morpho.market import One
from tests.length import Bounded
from tests.protocols.morpho_blue.acting import Acting
from tests.protocols.morpho_blue.watched import Watched

pytestmark = pytest.mark.devnet

BLOCKS, APART = 240, 12
EVERY_ACT = {
    *("add", "remove", "borrow", "borrow shares", "borrow for another", "repay", "repay all", "lend", "withdraw"),
    *("set fee", "liquidate by collateral", "liquidate by shares"),
}
HEALTHY = "position is healthy"


@dataclass
class Found:
    """What a comparison found."""

    counts: Counter[str] = field(default_factory=Counter)
    mismatches: list[str] = field(default_factory=list)

    def same(self, what: str, expected: object, found: object) -> None:
        self.counts[what] += 1
        if expected != found:
            self.mismatches.append(f"{what}: expected {expected}, found {found}")


def stored(account: Account) -> tuple[int, int]:
    has = {balance.kind: balance.raw for balance in account.balances}
    return has.get(BORROW_SHARES, 0), has.get(COLLATERAL, 0)


def compare(watched: Watched, one: One, market: Market, found: Found) -> None:
    """Hold a market and everyone in it against the contract."""
    morpho, view = watched.morpho, priced(market)
    assert isinstance(market.totals, Totals)
    found.same("totals", morpho.balances(one), market.totals.words[:4])
    accounts = list(watched.accounts(market))
    truth = zip(morpho.positions(one, morpho.people), morpho.owed(one, morpho.people), strict=True)
    verdicts = morpho.verdicts(one, morpho.people)
    for account, (position, owed), verdict in zip(accounts, truth, verdicts, strict=True):
        place = f"{one.shape.name} {account.key} at {market.at.number}"
        health = health_of(view, account)
        found.same("stored", position, stored(account))
        found.same("owed", owed, holding_of(market, account).owed_raw)
        is_past_line = isinstance(health, Measured) and health.is_past_line
        found.same("verdict", verdict, "liquidated" if is_past_line else HEALTHY)
        found.counts["past line"] += is_past_line
        found.counts["without debt"] += isinstance(health, NoDebt)
        assert not isinstance(health, Unmeasurable), place


def test_every_account_is_judged_as_the_contract_does_at_many_moments_of_a_history(
    watched: Watched, bounded: Bounded
) -> None:
    acting, found = Acting(watched, seed=7), Found()
    markets = {one.id: watched.market(one) for one in watched.morpho.markets}
    for number in range(bounded(BLOCKS)):
        acting.block()
        if number % APART:
            continue
        for one in watched.morpho.markets:
            markets[one.id] = watched.again(markets[one.id])
            compare(watched, one, markets[one.id], found)
    print(found.counts, acting.done, acting.refused)
    assert found.mismatches == []
    assert found.counts["verdict"] >= bounded(10_000)
    assert found.counts["past line"] >= bounded(300)
    assert found.counts["without debt"] >= bounded(300)
    assert set(acting.done) == EVERY_ACT
    assert min(acting.done.values()) >= bounded(5)


def parts(market: Market, account: Account) -> list[Offer]:
    """Whole and partial liquidations of a position past its line, both ways."""
    view, holding = priced(market), holding_of(market, account)
    partly = [by_shares(view, holding, holding.borrow_shares // part) for part in (1_000, 7, 2)]
    partly += [by_collateral(view, holding, holding.collateral_raw // part) for part in (1_000, 7, 2)]
    return [*offers(view, account), *(offer for offer in partly if offer is not None)]


@pytest.mark.parametrize("fall_ppm", [950_000, 800_000, 300_000])
def test_real_liquidations_take_and_write_off_what_was_offered(watched: Watched, fall_ppm: int) -> None:
    morpho, chain, found = watched.morpho, watched.morpho.chain, Found()
    chain.advance_time(5 * 86_400)
    for one in morpho.markets:
        morpho.scale(one, fall_ppm)
        market = watched.market(one)
        past = [account for account in watched.accounts(market) if watched.adapter.quote(market, account)]
        for account in past[:: max(len(past) // 6, 1)]:
            for offer in parts(market, account):
                with chain.undone():
                    told = watched.liquidate(market, account.key, offer)
                    words = [offer.repaid_raw, offer.repaid_shares, offer.seized_raw]
                    bad = [offer.bad_debt_raw, offer.bad_debt_shares]
                    found.same("taken", told, words + bad)
                    found.counts["bad debt"] += offer.bad_debt_raw > 0
                    found.counts["by shares" if offer.shares_argument else "by collateral"] += 1
                    after = watched.account(watched.again(market), account.key)
                    shares, collateral = stored(account)
                    left = (shares - offer.repaid_shares - offer.bad_debt_shares, collateral - offer.seized_raw)
                    found.same("left", left, stored(after))
    print(fall_ppm, found.counts)
    assert found.mismatches == []
    assert found.counts["taken"] >= 100
    assert found.counts["bad debt"] >= (10 if fall_ppm < 900_000 else 0)
    assert min(found.counts["by shares"], found.counts["by collateral"]) >= 30


def test_a_quote_is_the_best_of_both_ways_and_goes_through_as_it_says(watched: Watched) -> None:
    morpho, quoted = watched.morpho, 0
    for one in morpho.markets:
        morpho.scale(one, 850_000)
        market = watched.market(one)
        view = priced(market)
        for account in watched.accounts(market):
            quote = watched.adapter.quote(market, account)
            seen = watched.adapter.assess(market, account)
            assert (quote is not None) is seen.is_liquidatable_now
            if quote is None:
                continue
            both = {(offer.repaid_raw, offer.seized_raw): offer for offer in offers(view, account)}
            best = both[quote.debt_to_cover_raw, quote.collateral_to_liquidator_raw]
            assert quote.arguments[1:4] == (account.key, str(best.seized_argument_raw), str(best.shares_argument))
            price = morpho.price(one)
            profits = [o.seized_raw * price // 10**36 - o.repaid_raw for o in both.values()]
            assert quote.profit_base == max(profits)
            quoted += 1
    assert quoted >= 50


def test_after_a_write_off_the_lenders_have_lost_what_the_offer_says(watched: Watched) -> None:
    morpho = watched.morpho
    one = morpho.of("weth-dai")
    morpho.scale(one, 300_000)
    market = watched.market(one)
    account = next(a for a in watched.accounts(market) if watched.adapter.quote(market, a))
    offer = max(offers(priced(market), account), key=lambda o: o.bad_debt_raw)
    before = morpho.balances(one)
    watched.liquidate(market, account.key, offer)
    after = morpho.balances(one)
    assert offer.bad_debt_raw > 0
    assert before[0] - after[0] == offer.bad_debt_raw
    assert before[2] - after[2] == offer.bad_debt_raw + offer.repaid_raw
    assert before[3] - after[3] == offer.bad_debt_shares + offer.repaid_shares


def test_the_comparison_with_the_contract_finds_nothing_until_a_word_is_wrong(watched: Watched) -> None:
    compare_all = watched.adapter.compare
    one = watched.morpho.of("wbtc-weth")
    watched.morpho.scale(one, 900_000)
    key = watched.market(one).key
    assert watched.node.read(compare_all(watched.deployment, key, watched.keys)) == ()
    watched.node.tampered = lambda question, answer: (
        answer[:-40] + bytes(40) if isinstance(answer, bytes) and len(answer) == 64 + 32 * len(watched.keys) else answer
    )
    found = watched.node.read(compare_all(watched.deployment, key, watched.keys))
    assert {mismatch.key for mismatch in found} <= {PositionKey(watched.keys[-1]), PositionKey(watched.keys[-2])}
    assert found
