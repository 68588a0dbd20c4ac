"""Which inputs of a price graph move with which asset: rates stay, quotients are told apart, shared feeds move once."""

from dataclasses import dataclass, replace

from monitor.domain.assessment import Leg, Side
from monitor.domain.ids import Address
from monitor.domain.prices import Node, PriceUsed
from monitor.domain.token import Token
from monitor.pricing.formula import Product, Quotient, RatioCap
from monitor.pricing.graph import Derived, PriceGraph
from monitor.risk.factors import Driven, Factors, factors_of
from monitor.units import WAD
from tests.fakes.evaluations import evaluation
from tests.health.pool import JUDGE, Listing, account, feed, pool, token
from tests.risk.scene import MODEL, POOL, USDC, WETH

SEEN = evaluation("1.2").protocol
ETHER, BITCOIN, DOLLAR, STAKED = (token(name) for name in ("WETH", "WBTC", "USDC", "WSTETH"))


@dataclass(frozen=True)
class Stall:
    """A market that is only a graph and what it counts in."""

    graph: PriceGraph
    base_is_usd: bool = True
    base_token: Address | None = None


def price(name: str, value: int, decimals: int = 8, method: str = "market") -> PriceUsed:
    return PriceUsed(Node(name), value, decimals, name, method)


def leg(of: Token, node: str, side: Side = Side.COLLATERAL) -> Leg:
    return Leg(side, of, 1, 1, 1, 1, 8_000, Node(node))


def found(stall: Stall, *legs: Leg) -> Factors:
    return factors_of(MODEL, stall, replace(SEEN, legs=legs))


def by_node(factors: Factors) -> dict[str, Driven]:
    return {one.node: one for one in factors.driven}


def test_each_feed_is_the_price_of_the_token_it_values():
    seen = JUDGE.assess(POOL, account({WETH: 10**18}, {USDC: 10**9}))
    driven = by_node(factors_of(MODEL, POOL, seen))
    assert {node: one.asset.of.name for node, one in driven.items()} == {feed("WETH"): "eth", feed("USDC"): "usd"}


def test_what_is_hardcoded_does_not_move():
    still = pool([Listing("WETH", 2_000 * 10**8), Listing("USDC", 10**8, 6, method="hardcoded")])
    seen = JUDGE.assess(still, account({WETH: 10**18}, {USDC: 10**9}))
    assert list(by_node(factors_of(MODEL, still, seen))) == [feed("WETH")]


def test_the_feed_of_ether_is_ethers_also_where_staked_ether_is_priced_by_it_and_a_rate():
    ratio = price("ratio", 12 * WAD // 10, 18, "exchange-rate")
    made = Derived(Node("asset:staked"), RatioCap(2 * WAD, 0, 0, 1, 18, 0), (Node("feed:eth"), Node("ratio")), 8, "cap")
    stall = Stall(PriceGraph.of([price("feed:eth", 2_000 * 10**8), ratio], [made]))
    driven = by_node(found(stall, leg(STAKED, "asset:staked"), leg(ETHER, "feed:eth", Side.DEBT)))
    assert (driven["feed:eth"].asset.of.name, driven["ratio"].asset.of.name) == ("eth", "rate")
    alone = by_node(found(stall, leg(STAKED, "asset:staked")))
    assert alone["feed:eth"].asset.of.name == "staked"


def test_of_feeds_that_are_multiplied_the_one_far_from_one_is_the_price_in_either_order():
    inputs = [price("feed:rate", 11 * WAD // 10, 18), price("feed:eth", 2_000 * 10**8)]
    for order in (("feed:rate", "feed:eth"), ("feed:eth", "feed:rate")):
        made = Derived(Node("made"), Product(WAD), tuple(map(Node, order)), 8, "product")
        driven = by_node(found(Stall(PriceGraph.of(inputs, [made])), leg(STAKED, "made")))
        assert (driven["feed:eth"].asset.of.name, driven["feed:rate"].asset.of.name) == ("staked", "rate")


def test_a_price_divided_by_the_price_of_what_the_market_counts_in_moves_by_both():
    inputs = [price("feed:usdc", 10**8), price("feed:eth", 2_000 * 10**8)]
    made = Derived(Node("made"), Quotient(10**26), (Node("feed:usdc"), Node("feed:eth")), 18, "quotient")
    driven = by_node(
        found(Stall(PriceGraph.of(inputs, [made]), base_is_usd=False, base_token=ETHER.address), leg(DOLLAR, "made"))
    )
    assert {node: one.asset.of.name for node, one in driven.items()} == {"feed:usdc": "usd", "feed:eth": "eth"}
    assert all(one.told_in is None for one in driven.values())


def test_a_feed_told_in_ether_rises_when_ether_falls():
    stall = Stall(PriceGraph.of([price("feed:usdc", WAD // 2_000, 18)]), base_is_usd=False, base_token=ETHER.address)
    factors = found(stall, leg(DOLLAR, "feed:usdc", Side.DEBT))
    (one,) = factors.driven
    assert one.told_in is not None
    assert one.told_in.of.name == "eth"
    assert {asset.of.name for asset in factors.assets} == {"usd", "eth"}
    half = factors.moved({one.asset.name: (1, 1), one.told_in.name: (1, 2)}, "half")
    assert half.nodes == {"feed:usdc": WAD // 1_000}


def test_a_price_moves_at_least_as_far_as_told_and_stays_above_zero():
    factors = found(Stall(PriceGraph.of([price("feed:eth", 10)])), leg(ETHER, "feed:eth"))
    name = factors.assets[0].name
    assert factors.moved({name: (99, 100)}, "down").nodes == {"feed:eth": 9}
    assert factors.moved({name: (101, 100)}, "up").nodes == {"feed:eth": 11}
    assert factors.moved({name: (0, 1)}, "all").nodes == {"feed:eth": 1}


def test_a_debt_that_nobody_has_classified_is_not_taken_to_fall_with_what_secures_it():
    stranger = Token(Address("0x" + "77" * 20), "???", 18)
    stall = Stall(PriceGraph.of([price("feed:eth", 2_000 * 10**8), price("feed:unknown", 10**8)]))
    owed = found(stall, leg(ETHER, "feed:eth"), leg(stranger, "feed:unknown", Side.DEBT))
    held = found(stall, leg(stranger, "feed:unknown"))
    unclassified = MODEL.unclassified
    (debt,) = (one.of for one in owed.assets if one.token == stranger)
    assert (debt.beta_bps, MODEL.correlation(debt, MODEL.classes["eth"])) == (0, 0.0)
    assert debt.sigma_year_bps == unclassified.sigma_year_bps
    assert held.assets[0].of is unclassified


def test_a_position_whose_price_the_graph_does_not_have_moves_with_nothing():
    assert found(Stall(PriceGraph.of([price("feed:eth", 1)])), leg(ETHER, "feed:gone")).driven == ()
