"""What a market makes of its oracle: composed, opaque, failing, lying, worth nothing."""

import pytest

from monitor import resources
from monitor.domain.health import Measured, NoDebt, Unmeasurable
from monitor.domain.ids import ChainId
from monitor.domain.prices import Repricing, Unknown
from monitor.pricing.haircuts import parse
from monitor.pricing.repricing import cautious, shock
from monitor.pricing.sanity import Doubt
from monitor.protocols.morpho_blue.adapter import MorphoBlue
from monitor.protocols.morpho_blue.health import OVERFLOW, priced
from monitor.protocols.morpho_blue.liquidation import offers
from monitor.protocols.morpho_blue.market import Market
from monitor.protocols.morpho_blue.math import ORACLE_PRICE_SCALE
from monitor.protocols.morpho_blue.oracle import oracle_node
from monitor.query import Answer, EthCall, Question
from monitor.settings import table
from monitor.units import UINT128_MAX
from tests.protocols.morpho_blue.made import HELD, KEY, ORACLE, account_of, market_of
from tests.protocols.morpho_blue.watched import Watched

ADAPTER = MorphoBlue()


def price_of(market: Market) -> int | Unknown:
    return market.graph.values[oracle_node(market.parameters.oracle)]


@pytest.mark.devnet
def test_every_composed_price_is_its_feeds_and_vaults_to_the_last_unit(watched: Watched) -> None:
    for one in watched.morpho.markets:
        market = watched.market(one)
        node = oracle_node(market.parameters.oracle)
        assert market.graph.values[node] == watched.morpho.price(one)
        is_composed = one.shape.oracle == "composed"
        assert bool(market.graph.derived) is is_composed
        assert (Doubt.OPAQUE in market.graph.present[node].labels) is not is_composed
        expected = {f"feed:{feed.feed.lower()}" for feed in one.feeds}
        expected |= {f"ratio:{one.vault.lower()}:{10**18}"} if one.vault else set()
        rates = [price for price in market.prices if price.method == "exchange-rate" and price.node != node]
        inside = {"wstETH": 18, "sUSDC": 6}
        assert {price.decimals for price in rates} <= {inside.get(one.shape.collateral)}
        assert set(market.graph.drivers[node]) == (expected if is_composed else {node})


@pytest.mark.devnet
def test_a_feed_that_moves_moves_the_price_as_the_contract_rounds_it(watched: Watched) -> None:
    morpho = watched.morpho
    for name in ("weth-usdc", "wbtc-weth", "wsteth-weth", "susdc-usdc"):
        one = morpho.of(name)
        market = watched.market(one)
        for node in market.graph.drivers[oracle_node(market.parameters.oracle)]:
            now = market.graph.values[node]
            assert isinstance(now, int)
            for value in (now - 1, now * 7 // 10, now * 3 + 1):
                ours = market.graph.evaluate(Repricing("if", {node: value}))[oracle_node(market.parameters.oracle)]
                with morpho.chain.undone():
                    if node.startswith("ratio:"):
                        morpho.chain.send(one.vault, "tell(uint256)", value)
                    else:
                        feed = next(feed for feed in one.feeds if feed.feed.lower() == node.split(":")[1])
                        morpho.chain.send(feed.aggregator, "set(int256)", value)
                    assert ours == morpho.price(one)


@pytest.mark.devnet
@pytest.mark.parametrize("failure", [1, 2, 3])
def test_an_oracle_that_fails_hides_its_own_market_and_no_other(watched: Watched, failure: int) -> None:
    morpho, broken = watched.morpho, watched.morpho.of("weth-dai")
    before = {one.id: watched.market(one) for one in morpho.markets}
    morpho.tell(broken, 1, failure)
    for one in morpho.markets:
        market = watched.again(before[one.id])
        kinds = {type(watched.adapter.health(market, account)) for account in watched.accounts(market)}
        assert kinds == ({Unmeasurable, NoDebt} if one is broken else {Measured, NoDebt})
        assert isinstance(price_of(market), Unknown) is (one is broken)
    market = watched.market(broken)
    for account in watched.accounts(market):
        seen = watched.adapter.assess(market, account)
        assert not seen.is_insolvent
        assert watched.adapter.quote(market, account) is None
        assert (seen.debt_base == 0) is isinstance(seen.health, NoDebt)
    assert watched.node.read(watched.adapter.compare(watched.deployment, market.key, watched.keys)) == ()


@pytest.mark.devnet
def test_a_feed_that_fails_or_turns_negative_fails_as_the_contract_does(watched: Watched) -> None:
    morpho = watched.morpho
    one = morpho.of("weth-usdc")
    aggregator = one.feeds[0].aggregator
    before = watched.market(one)
    for change in (("setFailing(bool)", True), ("set(int256)", -5)):
        with morpho.chain.undone():
            morpho.chain.send(aggregator, *change)
            market = watched.again(before)
            assert isinstance(price_of(market), Unknown)
            assert market.graph.derived, "the feed is what fails: a price for it would be one for all"
            account = watched.accounts(market)
            assert any(isinstance(watched.adapter.health(market, a), Unmeasurable) for a in account)
    assert isinstance(price_of(watched.again(before)), int)


@pytest.mark.devnet
def test_an_oracle_that_says_otherwise_than_its_feeds_is_taken_at_its_word(watched: Watched) -> None:
    morpho = watched.morpho
    one, other = morpho.of("weth-usdc"), morpho.of("wbtc-usdc")
    lie = (12_345).to_bytes(32)

    def lying(question: Question, answer: Answer) -> Answer:
        is_price = isinstance(question, EthCall) and question.data == bytes.fromhex("a035b1fe")
        return lie if is_price and question.to == one.oracle.lower() else answer  # type: ignore[union-attr]

    watched.node.tampered = lying
    market, honest = watched.market(one), watched.market(other)
    node = oracle_node(market.parameters.oracle)
    assert market.graph.values[node] == 12_345
    assert Doubt.OPAQUE in market.graph.present[node].labels
    assert market.graph.derived == ()
    assert honest.graph.derived


@pytest.mark.devnet
def test_a_stale_feed_is_named_and_no_reason_for_morpho_to_stop(watched: Watched) -> None:
    morpho = watched.morpho
    one = morpho.of("wbtc-weth")
    morpho.chain.advance_time(3 * 86_400)
    market = watched.market(one)
    used = market.graph.present[oracle_node(market.parameters.oracle)]
    assert Doubt.STALE in used.labels
    assert isinstance(used.value, int)
    known = parse(table(resources.config() / "haircuts.toml"), {})
    outlook = cautious(market.tokens, market.graph, {}, known, ChainId("eip155:31337"))
    seen = next(a for a in watched.accounts(market) if isinstance(watched.adapter.health(market, a), Measured))
    assert isinstance(watched.adapter.health(market, seen, outlook.repricing), Unmeasurable)


@pytest.mark.devnet
def test_a_price_of_nothing_makes_everyone_liquidatable_by_collateral_alone(watched: Watched) -> None:
    morpho = watched.morpho
    one = morpho.of("usdc-dai")
    morpho.tell(one, 0)
    market = watched.market(one)
    for account in list(watched.accounts(market))[:10]:
        health = watched.adapter.health(market, account)
        if isinstance(health, NoDebt):
            continue
        assert isinstance(health, Measured)
        assert health.is_past_line
        (offer,) = offers(priced(market), account)
        assert (offer.shares_argument, offer.repaid_raw, offer.repaid_shares) == (0, 0, 0)
        with morpho.chain.undone():
            told = watched.liquidate(market, account.key, offer)
        assert told == [0, 0, offer.seized_raw, offer.bad_debt_raw, offer.bad_debt_shares]


def test_collateral_whose_worth_exceeds_256_bits_blocks_and_is_not_unknown() -> None:
    dear = market_of(price=2**140, lltv_wad=1)
    account = account_of(UINT128_MAX, 10**20)
    seen = priced(dear), account
    assert list(offers(*seen)) == []
    assessment = ADAPTER.assess(dear, account)
    assert assessment.blockers == (OVERFLOW,)
    assert isinstance(assessment.health, Measured)


def test_the_loan_token_is_worth_one_of_itself_until_a_shock_says_otherwise() -> None:
    market, account = market_of(), account_of(10**15, 10**21)
    adapter = ADAPTER
    (held, _), (loan, token) = market.tokens
    before, dear = adapter.health(market, account), shock(market.graph, {loan: 1_250_000})
    after = adapter.health(market, account, dear)
    assert isinstance(before, Measured)
    assert isinstance(after, Measured)
    assert after.numerator == before.numerator
    assert after.denominator == -(-before.denominator * 5 // 4)
    assert token.symbol == "LOAN"
    assert adapter.health(market, account, Repricing("gone", {loan: Unknown("?")})) == Unmeasurable("?")
    assert market.graph.present[held].decimals == 36


def test_a_market_is_not_in_dollars() -> None:
    market = market_of()
    assert not market.base_is_usd
    assert market.base_unit == 10**18
    assert market.graph.values[oracle_node(ORACLE)] == 2 * ORACLE_PRICE_SCALE
    assert (market.key, market.parameters.collateral) == (KEY, HELD)
