"""What else prices could be: the cautious view of them, shocks, and single nodes moved."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.ids import ChainId, address
from monitor.domain.prices import Node, PriceUsed, SidedValue, Unknown
from monitor.domain.token import Token
from monitor.errors import UsageError
from monitor.pricing.formula import Identity
from monitor.pricing.graph import Derived, PriceGraph
from monitor.pricing.haircuts import NONE, Haircut, Haircuts
from monitor.pricing.repricing import at, cautious, shock

CHAIN = ChainId("eip155:1")
WETH = Token(address("0x" + "aa" * 20), "WETH", 18)
OTHER = Token(address("0x" + "bb" * 20), "OTHER", 18)
FEED, ASSET = Node("feed:weth"), Node("asset:weth")
ONE_PERCENT = Haircuts(Haircut("flat", 100, 50, 200, "test", "2026-11-21"), {})
TEN_PERCENT_OF_OTHER = Haircuts(
    ONE_PERCENT.unclassified, {(CHAIN, OTHER.address): Haircut("x", 1000, 0, 200, "t", "2026-11-21")}
)


def graph(value, *labels: str) -> PriceGraph:
    feed = PriceUsed(FEED, value, 8, "0xfeed", "market", labels=labels)
    return PriceGraph.of([feed], [Derived(ASSET, Identity(), (FEED,), 8, "0xoracle")])


def market(value, decimals: int = 8, *labels: str) -> dict[Node, PriceUsed]:
    return {ASSET: PriceUsed(ASSET, value, decimals, "venue", "market", labels=labels)}


def view(value, independent=None, haircuts=ONE_PERCENT, labels: tuple[str, ...] = ()):
    return cautious([(ASSET, WETH)], graph(value, *labels), independent or {}, haircuts, CHAIN).repricing.nodes[ASSET]


def test_without_an_independent_price_it_is_the_protocols_less_the_haircut():
    assert view(10_001) == SidedValue(9_900, 10_052)


@pytest.mark.parametrize(("independent", "collateral", "debt"), [(9_000, 8_910, 10_050), (12_000, 9_900, 12_060)])
def test_each_side_takes_the_price_that_is_worse_for_it(independent: int, collateral: int, debt: int):
    assert view(10_000, market(independent)) == SidedValue(collateral, debt)


def test_an_unknown_protocol_price_gives_way_to_an_independent_one():
    assert view(Unknown("the feed reverts"), market(10_000)) == SidedValue(9_900, 10_050)


def test_no_price_at_all_is_unknown_and_says_why():
    assert view(Unknown("the feed reverts")) == Unknown("the feed reverts")
    assert view(Unknown("the feed reverts"), market(Unknown("no answer"))) == Unknown("the feed reverts")
    assert view(0) == Unknown("the price is 0")


@pytest.mark.parametrize("doubt", ["stale", "implausible: at the feed's minimum", "implausible: time in the future"])
def test_safety_is_not_read_out_of_a_doubtful_price_that_stands_alone(doubt: str):
    assert view(10_000, labels=(doubt,)) == Unknown(doubt)


def test_a_feed_stuck_at_its_minimum_is_worth_what_the_market_says_as_collateral():
    stuck = view(10_700_000, market(1_000_000), NONE, ("implausible: at the feed's minimum",))
    assert stuck == SidedValue(1_000_000, 10_700_000)


def test_a_price_a_million_times_too_high_rescues_nobody():
    assert view(165 * 10**14, market(10**8), NONE) == SidedValue(10**8, 165 * 10**14)


def test_a_doubtful_independent_price_does_not_count():
    assert view(10_000, market(5_000, 8, "stale")) == SidedValue(9_900, 10_050)


def test_a_label_that_only_informs_leaves_the_price_in_use():
    assert view(10_000, labels=("hardcoded", "opaque: adapter not reproduced")) == SidedValue(9_900, 10_050)


def test_an_independent_price_comes_in_its_own_decimals_and_is_rounded_against_the_owner():
    assert view(10**8, market(999_999_999_999_999_999, 18), NONE) == SidedValue(99_999_999, 10**8)
    assert view(10**8, market(1_000_000_000_000_000_001, 18), NONE) == SidedValue(10**8, 10**8 + 1)


def test_a_node_that_prices_two_tokens_is_worth_the_worse_of_them_on_each_side():
    outlook = cautious([(ASSET, WETH), (ASSET, OTHER)], graph(10_000), {}, TEN_PERCENT_OF_OTHER, CHAIN)
    assert outlook.repricing.nodes[ASSET] == SidedValue(9_000, 10_050)
    one_unknown = cautious([(ASSET, WETH), (ASSET, OTHER)], graph(Unknown("x")), {}, ONE_PERCENT, CHAIN)
    assert one_unknown.repricing.nodes[ASSET] == Unknown("x")


def test_how_far_the_protocol_is_from_the_market_is_told_beside_the_repricing():
    outlook = cautious([(ASSET, WETH)], graph(9_715), market(10_000), ONE_PERCENT, CHAIN)
    (fact,) = outlook.divergences
    assert (fact.node, fact.bps, fact.is_divergent) == (ASSET, -285, True)
    assert outlook.misconfigured == ()


def test_wrong_decimals_show_at_once():
    outlook = cautious([(ASSET, WETH)], graph(351 * 10**20), market(351 * 10**8), ONE_PERCENT, CHAIN)
    assert outlook.misconfigured == (ASSET,)


def test_no_divergence_is_told_from_a_price_in_doubt():
    assert cautious([(ASSET, WETH)], graph(5), market(10_000, 8, "stale"), ONE_PERCENT, CHAIN).divergences == ()


@given(st.integers(1, 10**20), st.integers(1, 10**20), st.integers(0, 9_999), st.integers(0, 5_000))
def test_the_cautious_view_is_never_better_than_either_price(protocol: int, other: int, cut_bps: int, up_bps: int):
    haircuts = Haircuts(Haircut("any", cut_bps, up_bps, 200, "t", "2026-11-21"), {})
    value = view(protocol, market(other), haircuts)
    collateral, debt = (value.collateral, value.debt) if isinstance(value, SidedValue) else (value, value)
    assert isinstance(collateral, int)
    assert isinstance(debt, int)
    assert collateral <= min(protocol, other)
    assert debt >= max(protocol, other)


def test_a_shock_rounds_against_the_owner_on_both_sides():
    repricing = shock(graph(333), {FEED: 800_000})
    assert repricing.nodes[FEED] == SidedValue(266, 267)
    assert graph(333).evaluate(repricing)[ASSET] == SidedValue(266, 267)


def test_a_shock_that_divides_exactly_is_one_price():
    assert shock(graph(1_000), {FEED: 800_000}).nodes[FEED] == 800


def test_a_shock_leaves_an_unknown_price_unknown():
    it = graph(Unknown("reverts"))
    assert it.evaluate(shock(it, {FEED: 800_000}))[ASSET] == Unknown("reverts")


@pytest.mark.parametrize(("node", "ratio_ppm"), [(Node("feed:wteh"), 800_000), (FEED, -1)])
def test_a_shock_on_nothing_or_below_nothing_is_refused(node: Node, ratio_ppm: int):
    with pytest.raises(UsageError):
        shock(graph(1), {node: ratio_ppm})


def test_one_node_is_moved_to_one_integer():
    assert graph(5).evaluate(at(FEED, 9))[ASSET] == 9
