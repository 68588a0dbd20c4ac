"""The price graph against a real AaveOracle: now, in time, and in what-ifs that are then made true."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.ids import address
from monitor.domain.prices import Repricing, Unknown
from monitor.pricing.aave_oracle import OracleLayout, asset_node, feed_node, oracle_layout, oracle_prices, ratio_node
from monitor.pricing.formula import FixedCap, RatioCap
from monitor.pricing.graph import PriceGraph
from monitor.pricing.sanity import Doubt
from tests.devnet import Market, Reverted
from tests.protocols.answering import Node

pytestmark = pytest.mark.devnet

DAY_S = 86_400


def layout(market: Market) -> OracleLayout:
    assets = [address(reserve.token) for reserve in market.deployed.reserves]
    categories = [address(mode.price_source) for mode in market.deployed.e_modes if mode.price_source]
    return Node(market.chain.rpc).read(oracle_layout(address(market.deployed.oracle), assets + categories))


def graph(market: Market, known: OracleLayout | None = None) -> PriceGraph:
    return Node(market.chain.rpc).read(oracle_prices(known or layout(market), market.chain.head().timestamp_s))[1]


def assert_equals_the_oracle(market: Market, it: PriceGraph) -> None:
    for reserve in market.deployed.reserves:
        try:
            price: int | None = market.oracle_price(reserve.symbol)
        except Reverted:
            price = None
        value = it.values[asset_node(address(reserve.token))]
        assert (None if isinstance(value, Unknown) else value) == price, reserve.symbol


def node_of(market: Market, symbol: str):
    return asset_node(address(market.reserve(symbol).token))


def test_every_price_equals_the_oracles_through_slides_and_time(market: Market):
    known = layout(market)
    assert_equals_the_oracle(market, graph(market, known))
    market.chain.advance_time(40 * DAY_S)
    assert_equals_the_oracle(market, graph(market, known))
    market.set_prices({"WETH": 1_777_77777777, "USDC": 104_000_001, "DAI": 93_000_000, "LINK": 1})
    market.set_ratio("wstETH", 1_400_000_000_000_000_007)
    it = graph(market, known)
    assert_equals_the_oracle(market, it)
    assert {type(node.formula) for node in it.derived} >= {RatioCap, FixedCap}
    assert not any(Doubt.OPAQUE in price.labels for price in it.prices)


def test_a_ratio_above_its_cap_is_capped_where_the_contract_says_so_and_headroom_grows_with_time(market: Market):
    source = market.reserve("wstETH").feed.source
    ratio_cap = {"node": feed_node(address(source))}
    for ratio, age_s in (
        (1_187_300_000_000_000_000, 0),
        (1_190_000_000_000_000_000, 0),
        (1_190_000_000_000_000_000, 30 * DAY_S),
    ):
        market.set_ratio("wstETH", ratio)
        if age_s:
            market.chain.advance_time(age_s)
        cap = next(cap for cap in graph(market).caps if cap.node == ratio_cap["node"])
        formula = cap.formula
        assert isinstance(formula, RatioCap)
        assert cap.is_capped == market.chain.view(source, "isCapped()(bool)")
        assert formula.snapshot_ratio == market.chain.view(source, "getSnapshotRatio()(uint256)")
        assert formula.snapshot_time_s == market.chain.view(source, "getSnapshotTimestamp()(uint256)")
        assert cap.headroom_bps == (formula.max_ratio - ratio) * 10_000 // formula.max_ratio
        assert cap.is_capped == (cap.headroom_bps < 0)
        capped = graph(market).present[node_of(market, "wstETH")].method == "capped"
        assert capped == cap.is_capped


def test_what_would_be_is_what_then_is(market: Market):
    """Prices predicted by moving nodes are the oracle's once the feeds are really moved; the time is the same."""
    known = layout(market)

    @settings(max_examples=15)
    @given(st.integers(1, 10**13), st.integers(1, 2 * 10**18), st.integers(-5, 2 * 10**8))
    def check(ether: int, ratio: int, dollar: int) -> None:
        with market.chain.undone():
            before = graph(market, known)
            assert before.evaluate(Repricing("same", {})) == before.values
            reserve = market.reserve("wstETH").feed
            nodes = {
                feed_node(address(reserve.feed)): ether,
                ratio_node(address(reserve.source)): ratio,
                feed_node(address(market.reserve("USDC").feed.feed)): dollar,
            }
            market.chain.set_block_interval(0)
            try:
                market.chain.send(reserve.aggregator, "set(int256)", ether)
                market.set_ratio("wstETH", ratio)
                market.chain.send(market.reserve("USDC").feed.aggregator, "set(int256)", dollar)
            finally:
                market.chain.set_block_interval(12)
            predicted = before.evaluate(Repricing("moved", nodes))
            for symbol in ("WETH", "wstETH", "USDC"):
                value = predicted[node_of(market, symbol)]
                try:
                    assert value == market.oracle_price(symbol)
                except Reverted:
                    assert isinstance(value, Unknown)

    check()


def test_a_failing_feed_is_unknown_and_the_others_are_not(market: Market):
    market.set_feed_failing("LINK")
    it = graph(market)
    assert isinstance(it.values[node_of(market, "LINK")], Unknown)
    assert_equals_the_oracle(market, it)


@pytest.mark.parametrize(("age_s", "labels"), [(3_600 + 360 + 60, ()), (3_600 + 360 + 61, (Doubt.STALE,))])
def test_a_feed_is_stale_by_the_block_it_is_read_at(market: Market, age_s: int, labels: tuple[str, ...]):
    market.set_price_age("LINK", age_s - 12)
    feed = address(market.reserve("LINK").feed.feed)
    read = oracle_prices(layout(market), market.chain.head().timestamp_s, {feed: 3_600})
    it = Node(market.chain.rpc).read(read)[1]
    assert it.present[node_of(market, "LINK")].labels == labels


def test_an_answer_at_the_feeds_minimum_is_the_protocols_price_and_labelled(market: Market):
    answer = market.answer("LINK")
    market.set_answer_bounds("LINK", answer, 10**12)
    price = graph(market).present[node_of(market, "LINK")]
    assert (price.value, price.labels) == (answer, (Doubt.AT_MINIMUM,))
