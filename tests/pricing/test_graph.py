"""How prices follow from what a protocol reads, and what else they follow from in a what-if."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.prices import PROTOCOL, Node, PriceUsed, Repricing, SidedValue, Unknown
from monitor.errors import UsageError
from monitor.pricing.formula import FixedCap, Identity, Positive, PositiveOrFallback, Quotient, RatioCap
from monitor.pricing.graph import Derived, PriceGraph, on_collateral_side, on_debt_side

ETH, RATIO, WSTETH = Node("feed:eth"), Node("ratio:wsteth"), Node("feed:wsteth")
WETH_ASSET, WSTETH_ASSET, USDC, USDC_ASSET = (
    Node("asset:weth"),
    Node("asset:wsteth"),
    Node("feed:usdc"),
    Node("asset:usdc"),
)
CAPPED_USDC = Node("feed:usdc capped")


def used(node: Node, value, **more) -> PriceUsed:
    return PriceUsed(node, value, more.pop("decimals", 8), "0xfeed", more.pop("method", "market"), **more)


def graph(eth=2_512_43000000, ratio=1_187_300_000_000_000_000, usdc=99_987_000) -> PriceGraph:
    """WETH and wstETH on one feed, the latter through a capped ratio; USDC through a fixed cap. In no order."""
    cap = RatioCap(1_180_000_000_000_000_000, 0, 0, 10**6, 18, 0)
    return PriceGraph.of(
        [
            used(ETH, eth, updated_at_s=100, raw_answer=eth, round=7, labels=("stale",)),
            used(RATIO, ratio, decimals=18, method="exchange-rate"),
            used(USDC, usdc, updated_at_s=50),
        ],
        [
            Derived(WSTETH_ASSET, Positive(), (WSTETH,), 8, "0xoracle"),
            Derived(USDC_ASSET, Positive(), (CAPPED_USDC,), 8, "0xoracle"),
            Derived(CAPPED_USDC, FixedCap(104_000_000), (USDC,), 8, "0xadapter"),
            Derived(WETH_ASSET, Positive(), (ETH,), 8, "0xoracle"),
            Derived(WSTETH, cap, (ETH, RATIO), 8, "0xadapter", "exchange-rate"),
        ],
    )


def test_derived_prices_follow_whatever_the_order_they_are_given_in():
    assert graph().values[WSTETH_ASSET] == 2_512_43000000 * 1_180_000_000_000_000_000 // 10**18
    assert graph().values[USDC_ASSET] == 99_987_000


def test_the_protocols_own_view_is_the_empty_repricing():
    it = graph()
    assert it.evaluate(PROTOCOL) is it.values


def test_a_moved_feed_passes_through_adapters_with_their_rounding():
    prices = graph(ratio=1_170_000_000_000_000_001).evaluate(Repricing("shock", {ETH: 199_999_999_999}))
    assert prices[WETH_ASSET] == 199_999_999_999
    assert prices[WSTETH_ASSET] == 199_999_999_999 * 1_170_000_000_000_000_001 // 10**18
    assert prices[USDC_ASSET] == 99_987_000


def test_a_cap_holds_in_a_what_if_too():
    assert graph().evaluate(Repricing("up", {USDC: 120_000_000}))[USDC_ASSET] == 104_000_000


def test_a_replaced_derived_node_stands_as_given_and_what_follows_from_it_follows():
    prices = graph().evaluate(Repricing("x", {WSTETH: 5, ETH: 7}))
    assert (prices[WSTETH_ASSET], prices[WETH_ASSET]) == (5, 7)


def test_two_sides_pass_through_as_two_sides():
    prices = graph().evaluate(Repricing("x", {ETH: SidedValue(100, 102)}))
    assert prices[WSTETH_ASSET] == SidedValue(118, 120)
    assert on_collateral_side(prices[WETH_ASSET]) == 100
    assert on_debt_side(prices[WETH_ASSET]) == 102
    assert on_debt_side(prices[USDC_ASSET]) == 99_987_000


def test_the_pessimistic_side_of_a_quotient_takes_the_other_side_of_its_base():
    asset, base, pair = Node("a"), Node("b"), Node("c")
    it = PriceGraph.of([used(asset, 100), used(base, 10)], [Derived(pair, Quotient(1000), (asset, base), 8, "0x")])
    prices = it.evaluate(Repricing("x", {asset: SidedValue(90, 110), base: SidedValue(9, 11)}))
    assert prices[pair] == SidedValue(90 * 1000 // 11, 110 * 1000 // 9)


def test_an_unknown_input_makes_only_what_follows_from_it_unknown():
    prices = graph().evaluate(Repricing("x", {RATIO: Unknown("paused")}))
    assert prices[WSTETH_ASSET] == Unknown("paused")
    assert prices[WETH_ASSET] == 2_512_43000000


def test_one_unknown_side_leaves_the_other_known():
    prices = graph().evaluate(Repricing("x", {ETH: SidedValue(Unknown("no bid"), 7)}))
    assert prices[WETH_ASSET] == SidedValue(Unknown("no bid"), 7)


def test_a_repricing_of_a_node_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="feed:ethh"):
        graph().evaluate(Repricing("typo", {Node("feed:ethh"): 1}))


def test_one_repricing_costs_one_evaluation_however_many_ask():
    it, repricing = graph(), Repricing("x", {ETH: 5, USDC: 6})
    assert it.evaluate(repricing) is it.evaluate(repricing)


def test_a_forgotten_repricing_is_evaluated_again_and_alike():
    it, repricing = graph(), Repricing("x", {ETH: 5, USDC: 6})
    first = it.evaluate(repricing)
    for value in range(1, 20):
        it.evaluate(Repricing("y", {ETH: value, USDC: 6}))
    assert it.evaluate(repricing) is not first
    assert it.evaluate(repricing) == first


def test_every_node_says_where_its_price_comes_from():
    price = graph().present[WSTETH_ASSET]
    assert (price.source, price.decimals, price.method) == ("0xoracle", 8, "capped")
    assert (price.updated_at_s, price.raw_answer, price.round) == (100, 2_512_43000000, 7)
    assert price.labels == ("stale",)
    assert graph(ratio=10**18).present[WSTETH_ASSET].method == "exchange-rate"
    assert graph().present[USDC_ASSET].method == "market"
    assert graph(usdc=105_000_000).present[USDC_ASSET].method == "capped"


def test_inputs_are_known_by_what_they_drive():
    it = graph()
    assert it.drivers[WSTETH_ASSET] == (ETH, RATIO)
    assert it.drivers[WETH_ASSET] == (ETH,)
    assert it.drivers[ETH] == (ETH,)
    assert [node.node for node in it.affected[ETH]] == [
        n.node for n in it.derived if n.node in {WSTETH, WSTETH_ASSET, WETH_ASSET}
    ]


def test_caps_show_their_parameters_and_what_is_left_below_them():
    caps = {cap.node: cap for cap in graph().caps}
    ratio = caps[WSTETH]
    assert (ratio.uncapped, ratio.limit) == (1_187_300_000_000_000_000, 1_180_000_000_000_000_000)
    assert (ratio.is_capped, ratio.headroom_bps) == (True, -62)
    assert isinstance(ratio.formula, RatioCap)
    assert ratio.formula.snapshot_ratio == 1_180_000_000_000_000_000
    assert (caps[CAPPED_USDC].is_capped, caps[CAPPED_USDC].headroom_bps) == (False, 385)


def test_a_cap_exactly_reached_is_not_capped():
    assert not graph(usdc=104_000_000).caps[0].is_capped
    assert all(cap.headroom_bps is None for cap in graph(ratio=Unknown("x")).caps if cap.node == WSTETH)


@pytest.mark.parametrize(
    ("inputs", "derived", "complaint"),
    [
        ([used(ETH, 1), used(ETH, 1)], [], "twice"),
        ([used(ETH, 1)], [Derived(ETH, Identity(), (ETH,), 8, "0x")], "twice"),
        ([used(ETH, 1)], [Derived(WSTETH, Identity(), (RATIO,), 8, "0x")], "ratio:wsteth"),
        ([], [Derived(ETH, Identity(), (RATIO,), 8, "0x"), Derived(RATIO, Identity(), (ETH,), 8, "0x")], "itself"),
    ],
)
def test_a_graph_that_cannot_be_evaluated_is_refused(inputs, derived, complaint: str):
    with pytest.raises(UsageError, match=complaint):
        PriceGraph.of(inputs, derived)


@given(st.dictionaries(st.sampled_from([ETH, RATIO, USDC, WSTETH, CAPPED_USDC]), st.integers(-5, 10**19), min_size=1))
def test_computing_only_what_is_affected_equals_computing_all(nodes: dict[Node, int]):
    it = graph()
    prices = dict(it.values) | nodes
    for derived in it.derived:
        if derived.node not in nodes:
            prices[derived.node] = derived.formula.of([prices[node] for node in derived.inputs])
    assert it.evaluate(Repricing("any", nodes)) == prices


def test_a_fallback_oracle_takes_over_when_the_answer_is_gone():
    fallback = Node("fallback:weth")
    it = PriceGraph.of(
        [used(ETH, 100), used(fallback, 90)], [Derived(WETH_ASSET, PositiveOrFallback(), (ETH, fallback), 8, "0x")]
    )
    assert it.values[WETH_ASSET] == 100
    assert it.evaluate(Repricing("zero", {ETH: 0}))[WETH_ASSET] == 90
