"""Liquidation prices: exact, on both sides of the line, for every kind of node."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.assessment import Leg, LiquidationPrice, Side
from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.prices import PriceUsed, Repricing, Unknown
from monitor.health.distance import distance_bps, nearest_bps
from monitor.health.liquidation_price import boundaries, driving_nodes, liquidation_prices
from monitor.ledger.accounts import Account
from monitor.pricing.formula import FixedCap, PeggedCap, Quotient, RatioCap
from monitor.pricing.graph import PriceGraph
from monitor.pricing.repricing import at
from monitor.protocols.aave_v3.market import Market
from tests.health.pool import JUDGE, V30, V36, Listing, account, asset, feed, pool, token
from tests.health.random_pools import positions

E8, E18 = 10**8, 10**18
WETH, USDC = Listing("WETH", 2_500 * E8, 18, 8_300), Listing("USDC", E8, 6, 7_800)


def prices(market: Market, who: Account) -> tuple[LiquidationPrice, ...]:
    seen = JUDGE.assess(market, who)
    return liquidation_prices(lambda r: JUDGE.health(market, who, r), market.graph, seen.legs, seen.health)


def is_past(market: Market, who: Account, price: LiquidationPrice, answer: int) -> bool:
    health = JUDGE.health(market, who, at(price.node, answer))
    return isinstance(health, Measured) and health.is_past_line


def test_ten_ether_against_ten_thousand_dollars():
    (eth, usdc) = prices(pool([WETH, USDC]), account({0: 10 * E18}, {1: 10_000 * 10**6}))
    assert (eth.node, eth.token and eth.token.symbol, eth.direction) == (feed("WETH"), "WETH", "falls")
    assert (eth.now, eth.last_safe, eth.first_liquidatable) == (2_500 * E8, 120_481_927_711, 120_481_927_710)
    assert 10 * 120_481_927_711 * 8_300 >= 10_000 * E8 * 10_000 > 10 * 120_481_927_710 * 8_300
    assert (usdc.direction, usdc.last_safe, usdc.first_liquidatable) == ("rises", 207_500_000, 207_500_001)
    assert (
        nearest_bps((eth, usdc))
        == distance_bps(eth)
        == (2_500 * E8 - 120_481_927_710) * 10_000 // (2_500 * E8)
        == 5_180
    )


@settings(max_examples=300)
@given(positions())
def test_the_line_runs_exactly_between_the_two_integers(position: tuple[Market, Account]):
    market, who = position
    for price in prices(market, who):
        assert abs(price.last_safe - price.first_liquidatable) == 1
        assert not is_past(market, who, price, price.last_safe)
        assert is_past(market, who, price, price.first_liquidatable)
        assert price.direction == ("falls" if price.first_liquidatable < price.last_safe else "rises")


@given(positions(revisions=(V36,)), st.integers(0, 10**6))
def test_everything_between_now_and_the_last_safe_answer_is_safe(position: tuple[Market, Account], part_ppm: int):
    market, who = position
    health = JUDGE.health(market, who)
    if not isinstance(health, Measured) or health.is_past_line:
        return
    for price in prices(market, who):
        between = price.now + (price.last_safe - price.now) * part_ppm // 10**6
        assert not is_past(market, who, price, between)


@given(positions(revisions=(V36,)), st.integers(1, 10**12))
def test_everything_beyond_the_first_liquidatable_answer_is_liquidatable(position: tuple[Market, Account], way: int):
    market, who = position
    for price in prices(market, who):
        if (
            len({leg.side for leg in JUDGE.assess(market, who).legs if price.node in market.graph.drivers[leg.node]})
            > 1
        ):
            continue  # held and owed: near a price of zero the two round apart and together again
        beyond = price.first_liquidatable + (-way if price.direction == "falls" else way)
        assert beyond <= 0 or is_past(market, who, price, beyond)


@settings(max_examples=300)
@given(positions(revisions=(V30,)), st.integers(0, 10**6))
def test_where_thresholds_are_averaged_the_line_is_crossed_again_within_one_basis_point_only(
    position: tuple[Market, Account], part_ppm: int
):
    """Up to 3.4 the average threshold is cut to whole basis points, so health has teeth."""
    market, who = position
    health = JUDGE.health(market, who)
    if not isinstance(health, Measured) or health.is_past_line:
        return
    for price in prices(market, who):
        between = price.now + (price.last_safe - price.now) * part_ppm // 10**6
        seen = JUDGE.assess(market, who, at(price.node, between))
        if seen.is_insolvent:
            assert isinstance(seen.health, Measured)
            assert seen.collateral_base is not None
            assert seen.health.numerator + seen.collateral_base // 10_000 + 2 >= seen.health.denominator


def test_a_position_past_its_line_is_told_where_it_would_be_safe_again():
    (eth, usdc) = prices(pool([WETH, USDC]), account({0: 10 * E18}, {1: 21_000 * 10**6}))
    assert (eth.direction, eth.last_safe > eth.now) == ("falls", True)
    assert (usdc.direction, usdc.last_safe < usdc.now) == ("rises", True)
    assert nearest_bps((eth, usdc)) == -121
    assert distance_bps(eth) < 0


def test_the_same_asset_on_both_sides_counts_once_and_in_its_net_direction():
    """One ether held and more than its weight owed: only a rise hurts."""
    (eth,) = [
        p
        for p in prices(pool([WETH, USDC]), account({0: E18, 1: 9_000 * 10**6}, {0: 2 * E18}))
        if p.node == feed("WETH")
    ]
    assert eth.direction == "rises"
    assert eth.last_safe == 9_000 * E8 * 7_800 // (2 * 10_000 - 8_300)


def test_nothing_owed_has_no_liquidation_price():
    assert prices(pool([WETH, USDC]), account({0: E18}, {})) == ()
    assert nearest_bps(()) is None


def test_an_asset_held_and_owed_in_balance_cannot_be_moved_to_the_line():
    market = pool([Listing("WETH", 2_500 * E8, 18, 9_000)])
    assert prices(market, account({0: 10 * E18}, {0: 8 * E18})) == ()


def test_collateral_whose_threshold_is_zero_moves_nothing():
    market = pool([Listing("DUST", 5 * E8, 18, 0), WETH, USDC])
    nodes = [price.node for price in prices(market, account({0: 10**20, 1: 10 * E18}, {2: 10_000 * 10**6}))]
    assert nodes == [feed("WETH"), feed("USDC")]


def test_a_debt_too_small_to_reach_the_line_a_thousandfold_has_none():
    market = pool([WETH, USDC])
    assert [p.node for p in prices(market, account({0: 10**6 * E18}, {1: 10**6}))] == [feed("WETH")]


def test_an_unknown_node_has_no_liquidation_price_and_no_position_is_measured_by_it():
    market = pool([Listing("WETH", Unknown("the feed reverts")), USDC])
    who = account({0: 10 * E18}, {1: 10_000 * 10**6})
    assert isinstance(JUDGE.health(market, who), Unmeasurable)
    assert prices(market, who) == ()
    legs = JUDGE.assess(market, who).legs
    assert (
        list(
            boundaries(
                lambda r: Measured(2, 1, Line.BELOW, None),
                market.graph,
                feed("WETH"),
                legs,
                Measured(2, 1, Line.BELOW, None),
            )
        )
        == []
    )


def test_a_hardcoded_price_does_not_move():
    market = pool([WETH, Listing("GHO", E8, 18, method="hardcoded")])
    who = account({0: 10 * E18}, {1: 10_000 * E18})
    assert driving_nodes(market.graph, JUDGE.assess(market, who).legs) == (feed("WETH"),)
    assert len(prices(market, who)) == 1


def staked(cap: int) -> Market:
    ratio = PriceUsed(feed("RATIO"), 12 * 10**17, 18, "0xr", "exchange-rate")
    formula = RatioCap(cap, 0, 0, 1, 18, 0)
    listing = Listing("wstETH", 0, 18, 8_100, formula=formula, upstream=("WETH", "RATIO"))
    return pool([WETH, listing, USDC], more=[ratio])


def test_one_feed_moves_every_token_it_prices_through_its_adapter():
    market = staked(cap=118 * 10**16)
    found = {p.node: p for p in prices(market, account({0: E18, 1: 5 * E18}, {2: 8_000 * 10**6}))}
    eth, ratio = found[feed("WETH")], found[feed("RATIO")]
    assert eth.token is not None
    assert eth.token.symbol == "WETH"
    staked_eth = eth.last_safe * 118 // 100
    assert E18 * eth.last_safe * 8_300 // E18 + 5 * staked_eth * 8_100 >= 8_000 * E8 * 10_000
    assert (ratio.decimals, ratio.now, ratio.direction) == (18, 12 * 10**17, "falls")
    assert ratio.last_safe < 118 * 10**16


def test_a_rise_beyond_a_cap_still_hurts_a_debt_without_one():
    """Held through a cap, owed without: far above the cap the debt outgrows the collateral."""
    capped = Listing("CAPPED", 0, 18, 9_000, formula=FixedCap(104_000_000), upstream=("USD",))
    market = pool(
        [capped, Listing("PLAIN", 0, 18, 9_000, upstream=("USD",))],
        more=[PriceUsed(feed("USD"), E8, 8, "0x", "market")],
    )
    who = account({0: 1_000 * E18}, {1: 800 * E18})
    (up,) = prices(market, who)
    assert (up.direction, up.last_safe) == ("rises", 1_000 * 104_000_000 * 9_000 // (800 * 10_000))
    assert not is_past(market, who, up, up.last_safe)
    assert is_past(market, who, up, up.first_liquidatable)


def test_the_base_of_a_quotient_hurts_when_it_rises():
    pair = Listing("PAIR", 0, 18, 8_000, formula=Quotient(E8), upstream=("TOP", "BASE"))
    more = [PriceUsed(feed(s), 10 * E8, 8, "0x", "market") for s in ("TOP", "BASE")]
    found = {p.node: p for p in prices(pool([pair, USDC], more=more), account({0: 1_000 * E18}, {1: 500 * 10**6}))}
    directions = {node: price.direction for node, price in found.items()}
    assert directions == {feed("TOP"): "falls", feed("BASE"): "rises", feed("USDC"): "rises"}
    named = {node: price.token and price.token.symbol for node, price in found.items()}
    assert named == {feed("TOP"): "PAIR", feed("BASE"): None, feed("USDC"): "USDC"}, "a base is no price of the pair"


def test_a_pegged_cap_lets_its_base_hurt_only_once_it_binds():
    euro = Listing("EURC", 0, 6, 8_000, formula=PeggedCap(E8, 8), upstream=("EURC_USD", "EUR"))
    more = [
        PriceUsed(feed("EURC_USD"), 108_000_000, 8, "0x", "market"),
        PriceUsed(feed("EUR"), 110_000_000, 8, "0x", "market"),
    ]
    found = {p.node: p for p in prices(pool([euro, USDC], more=more), account({0: 1_000 * 10**6}, {1: 500 * 10**6}))}
    assert found[feed("EURC_USD")].last_safe == found[feed("EUR")].last_safe == 62_500_000


def toy(line: Line, slope: int = 3, debt: int = 3_000) -> Callable[[Repricing], Health]:
    """Three units at any price against a debt, as a protocol without a view of its own would measure it."""

    def health(repricing: Repricing) -> Health:
        price = repricing.nodes.get(feed("X"), 2_000)
        return Measured(slope * price, debt, line, None) if isinstance(price, int) else Unmeasurable("x")

    return health


def toy_prices(health: Callable[[Repricing], Health]) -> list[LiquidationPrice]:
    graph = PriceGraph.of([PriceUsed(feed("X"), 2_000, 0, "0x", "mark")])
    leg = Leg(Side.COLLATERAL, token("X"), 3, 3, 2_000, 6_000, 10_000, feed("X"))
    return list(boundaries(health, graph, feed("X"), [leg], health(Repricing())))


@pytest.mark.parametrize(("line", "last_safe"), [(Line.BELOW, 1_000), (Line.AT_OR_BELOW, 1_001)])
def test_the_protocols_own_comparison_decides_the_last_unit(line: Line, last_safe: int):
    (price,) = toy_prices(toy(line))
    assert (price.last_safe, price.first_liquidatable) == (last_safe, last_safe - 1)


def test_a_price_at_which_nothing_can_be_measured_is_not_called_safe():
    below = toy(Line.BELOW)

    def health(repricing: Repricing) -> Health:
        price = repricing.nodes.get(feed("X"), 2_000)
        return Unmeasurable("no liquidity") if isinstance(price, int) and price < 1_500 else below(repricing)

    assert toy_prices(health) == []


def test_without_debt_there_is_nothing_to_search():
    assert toy_prices(lambda repricing: NoDebt()) == []


def test_distance_is_rounded_toward_danger():
    price = LiquidationPrice(feed("X"), None, 0, 30_000, 20_001, 20_000, "falls")
    assert distance_bps(price) == 3_333
    past = LiquidationPrice(feed("X"), None, 0, 30_000, 30_002, 30_001, "falls")
    assert distance_bps(past) == -1
    rise = LiquidationPrice(feed("X"), None, 0, 30_000, 39_999, 40_000, "rises")
    assert distance_bps(rise) == 3_333


def test_the_nodes_that_drive_a_position_are_named_once():
    market = staked(cap=118 * 10**16)
    legs = JUDGE.assess(market, account({0: E18, 1: E18}, {2: 1})).legs
    assert driving_nodes(market.graph, legs) == (feed("WETH"), feed("RATIO"), feed("USDC"))
    assert asset("WETH") not in driving_nodes(market.graph, legs)
