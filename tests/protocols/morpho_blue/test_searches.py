"""What is searched for, held against the contract: prices at the line, remedies carried out, health in the future."""

import pytest

from monitor.domain.assessment import Leg, LiquidationPrice, Side, Step
from monitor.domain.health import Health, Measured, NoDebt
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.health.evaluate import evaluation
from monitor.health.liquidation_price import liquidation_prices
from monitor.health.remedy import reaches
from monitor.ledger.accounts import Account
from monitor.protocols.morpho_blue.health import holding_of
from monitor.protocols.morpho_blue.interest import Totals
from monitor.protocols.morpho_blue.market import Market
from monitor.units import WAD
from tests.devnet.morpho.market import ADD, REPAY, One
from tests.protocols.morpho_blue.watched import Watched

pytestmark = pytest.mark.devnet

TARGET_WAD = 13 * WAD // 10
HEALTHY = "position is healthy"


def boundaries(watched: Watched, market: Market, account: Account) -> tuple[LiquidationPrice, ...]:
    seen = watched.adapter.assess(market, account)

    def health(repricing: Repricing) -> Health:
        return watched.adapter.health(market, account, repricing)

    return liquidation_prices(health, market.graph, seen.legs, seen.health)


def set_to(watched: Watched, one: One, price: LiquidationPrice, value: int) -> None:
    """Make a node of the price graph what it is searched to be, in the same second."""
    chain, source = watched.morpho.chain, price.node.split(":")[1]
    watched.same_second()
    if price.node.startswith("feed:"):
        feed = next(feed for feed in one.feeds if feed.feed.lower() == source)
        chain.send(feed.aggregator, "set(int256)", value)
    elif price.node.startswith("ratio:"):
        chain.send(one.vault, "tell(uint256)", value)
    else:
        watched.morpho.tell(one, value)


def test_one_unit_of_every_feed_rate_and_oracle_parts_the_healthy_from_the_liquidatable(watched: Watched) -> None:
    morpho, kinds, flips = watched.morpho, set[str](), 0
    morpho.chain.advance_time(3_600)
    for one in morpho.markets:
        market = watched.market(one)
        for account in list(watched.accounts(market))[:8]:
            for price in boundaries(watched, market, account):
                for value, verdict in ((price.last_safe, HEALTHY), (price.first_liquidatable, "liquidated")):
                    with morpho.chain.undone():
                        set_to(watched, one, price, value)
                        assert morpho.verdicts(one, [account.key]) == [verdict], (one.shape.name, price)
                kinds.add(price.node.split(":")[0])
                flips += 1
    print(f"{flips} boundaries of {sorted(kinds)}")
    assert kinds == {"feed", "ratio", "oracle"}
    assert flips >= 80


def carried_out(watched: Watched, market: Market, account: Account, step: Step, leg: Leg, amount_raw: int) -> Health:
    """Do what the step says for that amount, in the same second, and return the health then."""
    one = watched.one(market)
    owed = leg.amount_raw if leg.side is Side.DEBT else None
    watched.same_second()
    if owed is None:
        watched.morpho.send(ADD, one.words, amount_raw, account.key, b"", sender=account.key)
    elif amount_raw >= owed:
        watched.morpho.send(REPAY, one.words, 0, leg.raw, account.key, b"", sender=account.key)
    else:
        watched.morpho.send(REPAY, one.words, amount_raw, 0, account.key, b"", sender=account.key)
    after = watched.again(market)
    assert step.token == leg.token
    return watched.adapter.health(after, watched.account(after, account.key))


def test_remedies_carried_out_reach_the_target_and_one_unit_less_does_not(watched: Watched) -> None:
    morpho, steps = watched.morpho, 0
    morpho.chain.advance_time(86_400)
    for one in morpho.markets:
        market = watched.market(one)
        for account in list(watched.accounts(market))[:16]:
            full = evaluation(watched.adapter, market, account, PROTOCOL, TARGET_WAD)
            assert full.remedy is not None
            for step in full.remedy.steps:
                side = Side.DEBT if step.action == "repay" else Side.COLLATERAL
                (leg,) = (leg for leg in full.protocol.legs if leg.side is side)
                for less, is_enough in ((0, True), (1, False)):
                    with morpho.chain.undone():
                        found = carried_out(watched, market, account, step, leg, step.amount_raw - less)
                    assert reaches(found, TARGET_WAD) is is_enough, (one.shape.name, step)
                steps += 1
    print(f"{steps} steps carried out")
    assert steps >= 60


def test_repaying_all_that_is_owed_leaves_no_debt(watched: Watched) -> None:
    morpho = watched.morpho
    morpho.chain.advance_time(86_400)
    for one in morpho.markets:
        market = watched.market(one)
        account = next(a for a in watched.accounts(market) if holding_of(market, a).borrow_shares)
        (leg,) = (leg for leg in watched.adapter.assess(market, account).legs if leg.side is Side.DEBT)
        after = watched.adapter.adjusted(market, account, leg, leg.amount_raw)
        assert watched.adapter.health(market, after) == NoDebt()
        with morpho.chain.undone():
            step = Step("repay", leg.token, leg.amount_raw, 0)
            assert carried_out(watched, market, account, step, leg, leg.amount_raw) == NoDebt()


@pytest.mark.parametrize("seconds", [1, 3_600, 30 * 86_400, 3 * 365 * 86_400])
def test_a_market_later_is_what_the_chain_makes_of_it(watched: Watched, seconds: int) -> None:
    """With every rate model: none, a steady one, the moving curve, and the mock's, which follows what is stored."""
    morpho, chain = watched.morpho, watched.morpho.chain
    for one in morpho.markets:
        market = watched.market(one)
        with chain.undone():
            chain.advance_time(seconds)
            now = watched.again(market)
            ahead = watched.adapter.later(market, now.at.timestamp_s - market.at.timestamp_s)
            assert ahead is not None
            assert ahead.totals == now.totals
            for account in watched.accounts(now):
                assert watched.adapter.health(ahead, account) == watched.adapter.health(now, account)
            assert isinstance(now.totals, Totals)
            assert isinstance(market.totals, Totals)
            growth = watched.adapter.debt_growth_wad(market, seconds)
            grown = now.totals.borrow_assets_raw + 1
            assert grown * WAD <= (market.totals.borrow_assets_raw + 1) * (WAD + growth)


def test_interest_alone_liquidates_in_the_second_that_is_told(watched: Watched) -> None:
    morpho, chain, told = watched.morpho, watched.morpho.chain, 0
    for one in morpho.markets:
        market = watched.market(one)
        for account in list(watched.accounts(market))[:10]:
            full = evaluation(watched.adapter, market, account, PROTOCOL)
            health, seconds = full.protocol.health, full.time_to_liquidation_s
            if not isinstance(health, Measured) or not seconds:
                continue
            for after_s, verdict in ((seconds - 1, HEALTHY), (seconds, "liquidated")):
                with chain.undone():
                    chain.advance_time(after_s)
                    assert morpho.verdicts(one, [account.key]) == [verdict], (one.shape.name, seconds)
            told += 1
    print(f"{told} times to liquidation")
    assert told >= 20
