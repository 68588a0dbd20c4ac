"""Independent prices are in dollars and a market counts in its loan token: they are compared in that, or not at all."""

import pytest

from monitor.cycle.outlook import Outlooks, Reference
from monitor.domain.ids import ChainId, address
from monitor.pricing.haircuts import Haircut, Haircuts
from monitor.pricing.repricing import Outlook
from monitor.protocols.morpho_blue.market import Market
from monitor.protocols.morpho_blue.oracle import loan_node, oracle_node
from tests.protocols.morpho_blue.watched import Watched

pytestmark = pytest.mark.devnet
CHAIN = ChainId("eip155:31337")
DAY_S = 86_400
HALF_PER_CENT_APART = Haircuts(Haircut("test", 0, 0, 50, "none is taken", "2026-01-01"), {})


def outlook_of(watched: Watched, market: Market, **feeds: str) -> Outlook:
    """Return the view with these aggregators as independent prices of the market's collateral and loan token."""
    tokens = {"collateral": market.layout.collateral.address, "loan": market.layout.loan.address}
    references = {(CHAIN, tokens[name]): Reference(address(feed), None, DAY_S) for name, feed in feeds.items()}
    outlooks = Outlooks(references, HALF_PER_CENT_APART)
    return outlooks.outlook(market, watched.node.read(outlooks.feeds(market, market.at)))


def test_a_dollar_price_of_bitcoin_is_no_alarm_in_a_market_that_counts_in_ether(watched: Watched) -> None:
    one = watched.morpho.of("wbtc-weth")
    market, (wbtc, weth) = watched.market(one), (feed.feed for feed in one.feeds)
    seen = outlook_of(watched, market, collateral=wbtc, loan=weth)
    oracle, loan = oracle_node(market.parameters.oracle), loan_node(market.parameters.loan)
    assert {fact.node: fact.bps for fact in seen.divergences} == {oracle: 0, loan: 0}
    assert seen.misconfigured == ()
    assert seen.repricing.nodes[oracle] == market.graph.values[oracle]
    assert seen.repricing.nodes[loan] == market.graph.values[loan]


def test_without_a_price_of_the_loan_token_no_independent_price_is_used(watched: Watched) -> None:
    one = watched.morpho.of("wbtc-weth")
    market = watched.market(one)
    seen = outlook_of(watched, market, collateral=one.feeds[0].feed)
    assert (seen.divergences, seen.misconfigured) == ((), ())
    assert seen.repricing.nodes == outlook_of(watched, market).repricing.nodes


def test_an_oracle_that_is_apart_from_the_ratio_of_both_prices_is_found(watched: Watched) -> None:
    told = watched.morpho.of("dai-weth")
    one = watched.morpho.of("weth-usdc")
    weth, usdc = (feed.feed for feed in one.feeds)
    market = watched.market(told)
    assert not any(fact.is_divergent for fact in outlook_of(watched, market, collateral=usdc, loan=weth).divergences)
    watched.morpho.scale(told, 1_200_000)
    market = watched.market(told)
    seen = outlook_of(watched, market, collateral=usdc, loan=weth)
    oracle = oracle_node(market.parameters.oracle)
    assert [(fact.node, fact.bps) for fact in seen.divergences if fact.is_divergent] == [(oracle, 2_000)]
    value, now = seen.repricing.nodes[oracle], market.graph.values[oracle]
    assert isinstance(now, int)
    low = getattr(value, "collateral", value)
    assert isinstance(low, int)
    assert low * 12 // 10 in range(now - 12, now + 1)
