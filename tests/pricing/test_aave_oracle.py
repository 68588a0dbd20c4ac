"""The price graph behind an AaveOracle, from tables of what its contracts answer."""

from typing import Any

import pytest

from monitor.domain.prices import Repricing, Unknown
from monitor.errors import UnexpectedAnswer
from monitor.pricing.aave_oracle import asset_node, fallback_node, feed_node, oracle_layout, oracle_prices, ratio_node
from monitor.pricing.formula import FixedCap, LinearDiscount, LinearDiscountBps, PeggedCap, Quotient, RatioCap, Scaled
from monitor.pricing.graph import PriceGraph
from monitor.pricing.sanity import Doubt
from tests.pricing.table import Table, contract, feed

NOW_S = 1_750_000_000
ORACLE, FALLBACK, ZERO = contract(0xFA), contract(0xFB), contract(0)
ETH, STETH, EUR, USDE = contract(1), contract(2), contract(3), contract(4)
ASSETS = {
    name: contract(0x100 + i) for i, name in enumerate(("weth", "wsteth", "usdc", "eurc", "pt", "old pt", "gho", "x"))
}
E8 = 10**8

ADAPTERS: dict[str, tuple[dict[str, Any], int, type]] = {
    "scaled ratio cap": (
        {
            "BASE_TO_USD_AGGREGATOR": ETH,
            "getRatio": 12 * 10**17,
            "RATIO_DECIMALS": 18,
            "getSnapshotRatio": 118 * 10**16,
            "getSnapshotTimestamp": NOW_S - 86_400,
            "getMaxRatioGrowthPerSecond": 3_621,
            "getMaxRatioGrowthPerSecondScaled": 3_621_999_999,
        },
        2_500 * E8 * (118 * 10**16 + 3_621_999_999 * 86_400 // 10**6) // 10**18,
        RatioCap,
    ),
    "unscaled ratio cap": (
        {
            "BASE_TO_USD_AGGREGATOR": ETH,
            "getRatio": 12 * 10**17,
            "RATIO_DECIMALS": 18,
            "getSnapshotRatio": 118 * 10**16,
            "getSnapshotTimestamp": NOW_S - 86_400,
            "getMaxRatioGrowthPerSecond": 3_621_999_999,
        },
        2_500 * E8 * (118 * 10**16 + 3_621_999_999 * 86_400) // 10**18,
        RatioCap,
    ),
    "fixed cap": ({"ASSET_TO_USD_AGGREGATOR": USDE, "getPriceCap": 104 * 10**6}, 99_900_000, FixedCap),
    "pegged cap": (
        {
            "ASSET_TO_USD_AGGREGATOR": USDE,
            "BASE_TO_USD_AGGREGATOR": EUR,
            "getPriceCapRatio": 90 * 10**16,
            "RATIO_DECIMALS": 18,
        },
        108_452_001 * 90 // 100,
        PeggedCap,
    ),
    "pegged cap of eight decimals": (
        {"ASSET_TO_USD_AGGREGATOR": USDE, "BASE_TO_USD_AGGREGATOR": EUR, "getPriceCapRatio": 90 * 10**6},
        108_452_001 * 90 // 100,
        PeggedCap,
    ),
    "principal token": (
        {"ASSET_TO_USD_AGGREGATOR": USDE, "MATURITY": NOW_S + 31_536_000, "discountRatePerYear": 7 * 10**16},
        99_900_000 * 93 // 100,
        LinearDiscount,
    ),
    "principal token of basis points": (
        {"ASSET_TO_USD_AGGREGATOR": USDE, "MATURITY": NOW_S + 31_536_000, "getMaxDiscountPerYear": 700},
        99_900_000 - 99_900_000 * 700 // 10_000,
        LinearDiscountBps,
    ),
    "quotient": (
        {"ASSET_TO_PEG": STETH, "BASE_TO_PEG": ETH, "DECIMALS_MULTIPLIER": 10**18},
        2_498 * E8 * 10**18 // (2_500 * E8),
        Quotient,
    ),
    "scaled": ({"source": ETH, "scale": (False, 100)}, 2_500 * E8 // 100, Scaled),
}


def chain(sources: dict[str, Any], prices: dict[str, int], fallback=ZERO, **contracts: dict[str, Any]) -> Table:
    oracle: dict[str, Any] = {"getFallbackOracle": fallback, "BASE_CURRENCY": ZERO, "BASE_CURRENCY_UNIT": E8}
    oracle |= {f"getSourceOfAsset({ASSETS[name]})": source for name, source in sources.items()}
    oracle |= {f"getAssetPrice({ASSETS[name]})": price for name, price in prices.items()}
    fresh = {ETH: 2_500 * E8, STETH: 2_498 * E8, EUR: 108_452_001, USDE: 99_900_000}
    return Table(
        {ORACLE: oracle}
        | {address: feed(answer, NOW_S - 60) for address, answer in fresh.items()}
        | {contract(int(key.removeprefix("at_"), 16)): answers for key, answers in contracts.items()}
    )


def graph(table: Table, *names: str, heartbeats_s=None) -> PriceGraph:
    layout = table.read(oracle_layout(ORACLE, [ASSETS[name] for name in names]))
    return table.read(oracle_prices(layout, NOW_S, heartbeats_s or {}))[1]


def asset(name: str):
    return asset_node(ASSETS[name])


@pytest.mark.parametrize(("answers", "price", "formula"), ADAPTERS.values(), ids=ADAPTERS.keys())
def test_every_known_adapter_is_recognised_by_its_getters_and_gives_the_oracles_price(
    answers: dict[str, Any], price: int, formula: type
):
    it = graph(chain({"x": contract(9)}, {"x": price}, at_9={"latestAnswer": price, "decimals": 8} | answers), "x")
    made = {node.node: node for node in it.derived}
    assert isinstance(made[feed_node(contract(9))].formula, formula)
    assert it.values[asset("x")] == price
    assert it.present[asset("x")].labels == ()


def test_a_shock_on_the_underlying_feed_goes_through_the_adapter():
    answers, price, _ = ADAPTERS["scaled ratio cap"]
    it = graph(chain({"x": contract(9)}, {"x": price}, at_9={"latestAnswer": price, "decimals": 8} | answers), "x")
    max_ratio = 118 * 10**16 + 3_621_999_999 * 86_400 // 10**6
    assert it.drivers[asset("x")] == (feed_node(ETH), ratio_node(contract(9)))
    assert (
        it.evaluate(Repricing("s", {feed_node(ETH): 1_999_99999999}))[asset("x")]
        == 1_999_99999999 * max_ratio // 10**18
    )
    assert it.evaluate(Repricing("s", {ratio_node(contract(9)): 10**18}))[asset("x")] == 2_500 * E8


def test_an_adapter_on_an_adapter_is_followed_to_the_feed():
    """A staked dollar's ratio cap over a stablecoin's fixed cap, as for sUSDe."""
    ratio, price, _ = ADAPTERS["scaled ratio cap"]
    ratio = ratio | {"BASE_TO_USD_AGGREGATOR": contract(8)}
    capped = ADAPTERS["fixed cap"][0] | {"latestAnswer": 99_900_000, "decimals": 8}
    price = 99_900_000 * (118 * 10**16 + 3_621_999_999 * 86_400 // 10**6) // 10**18
    table = chain({"x": contract(9)}, {"x": price}, at_8=capped, at_9=ratio | {"latestAnswer": price, "decimals": 8})
    assert graph(table, "x").drivers[asset("x")] == (feed_node(USDE), ratio_node(contract(9)))


def test_an_adapter_that_computes_something_else_is_taken_at_its_word_and_called_opaque():
    answers, price, _ = ADAPTERS["fixed cap"]
    it = graph(
        chain({"x": contract(9)}, {"x": price - 1}, at_9={"latestAnswer": price - 1, "decimals": 8} | answers), "x"
    )
    assert it.values[asset("x")] == price - 1
    assert it.drivers[asset("x")] == (feed_node(contract(9)),)
    assert it.present[asset("x")].labels == ("opaque: adapter not reproduced",)


def test_a_source_without_rounds_is_read_as_it_is():
    it = graph(chain({"x": contract(9)}, {"x": 77}, at_9={"latestAnswer": 77, "decimals": 8}), "x")
    price = it.present[asset("x")]
    assert (price.value, price.updated_at_s, price.labels) == (77, None, ("opaque: adapter not reproduced",))


def test_a_hardcoded_price_is_called_so():
    fixed = {"latestAnswer": E8, "decimals": 8, "price": E8, "latestRoundData": (1, E8, NOW_S, NOW_S, 1)}
    price = graph(chain({"gho": contract(9)}, {"gho": E8}, at_9=fixed), "gho").present[asset("gho")]
    assert (price.method, price.labels, price.updated_at_s) == ("hardcoded", ("hardcoded",), None)


def test_every_price_carries_what_a_reader_needs_to_judge_it():
    price = graph(chain({"weth": ETH}, {"weth": 2_500 * E8}), "weth").present[asset("weth")]
    assert (price.value, price.raw_answer, price.decimals, price.round) == (2_500 * E8, 2_500 * E8, 8, 7)
    assert (price.source, price.method, price.updated_at_s, price.labels) == (ORACLE, "market", NOW_S - 60, ())


def test_a_reverting_feed_makes_its_asset_unknown_and_no_other():
    table = chain({"weth": ETH, "x": contract(9)}, {"weth": 2_500 * E8}, at_9={"decimals": 8})
    it = graph(table, "weth", "x")
    assert isinstance(it.values[asset("x")], Unknown)
    assert it.values[asset("weth")] == 2_500 * E8


def test_an_answer_of_zero_without_a_fallback_reverts_and_is_labelled():
    it = graph(chain({"x": contract(9)}, {}, at_9=feed(0, NOW_S)), "x")
    assert isinstance(it.values[asset("x")], Unknown)
    assert it.present[asset("x")].labels == ("implausible: not positive",)


def test_the_fallback_oracle_answers_for_a_feed_that_does_not_and_for_an_asset_without_one():
    fallback = {f"getAssetPrice({ASSETS['x']})": 42, f"getAssetPrice({ASSETS['weth']})": 43}
    table = chain(
        {"x": contract(9), "weth": ZERO}, {"x": 42, "weth": 43}, FALLBACK, at_9=feed(0, NOW_S), at_fb=fallback
    )
    it = graph(table, "x", "weth")
    assert (it.values[asset("x")], it.values[asset("weth")]) == (42, 43)
    assert it.drivers[asset("weth")] == (fallback_node(ASSETS["weth"]),)


def test_an_asset_nobody_prices_is_unknown():
    assert isinstance(graph(chain({"x": ZERO}, {}), "x").values[asset("x")], Unknown)


def test_the_oracles_word_stands_against_the_graphs():
    it = graph(chain({"weth": ETH}, {"weth": 2_499 * E8}), "weth")
    assert it.values[asset("weth")] == 2_499 * E8
    assert it.present[asset("weth")].labels == ("opaque: adapter not reproduced",)


@pytest.mark.parametrize(
    ("answers", "label"),
    [
        (feed(E8, NOW_S - 95_101), "stale"),
        (feed(E8, 0), "implausible: no time"),
        (feed(E8, NOW_S + 1), "implausible: time in the future"),
        (feed(10_700_000, NOW_S, minAnswer=10_700_000, maxAnswer=10**12), "implausible: at the feed's minimum"),
        (feed(10**12, NOW_S, minAnswer=1, maxAnswer=10**12), "implausible: at the feed's maximum"),
    ],
)
def test_a_doubtful_answer_is_labelled_and_still_the_protocols_price(answers: dict[str, Any], label: str):
    it = graph(chain({"x": contract(9)}, {"x": answers["latestAnswer"]}, at_9=answers), "x")
    assert it.values[asset("x")] == answers["latestAnswer"]
    assert it.present[asset("x")].labels == (label,)


def test_the_bounds_of_a_proxied_feed_are_those_of_the_aggregator_behind_it():
    proxy = feed(10_700_000, NOW_S, aggregator=contract(0xA))
    table = chain(
        {"x": contract(9)}, {"x": 10_700_000}, at_9=proxy, at_a={"minAnswer": 10_700_000, "maxAnswer": 10**12}
    )
    assert graph(table, "x").present[asset("x")].labels == ("implausible: at the feed's minimum",)


def test_each_feed_is_stale_by_its_own_heartbeat():
    table = chain({"weth": ETH, "x": STETH}, {"weth": 2_500 * E8, "x": 2_498 * E8})
    for address in (ETH, STETH):
        table.contracts[address] = feed(table.contracts[address]["latestAnswer"], NOW_S - 4_000)
    it = graph(table, "weth", "x", heartbeats_s={ETH: 1_200, STETH: 3_600})
    assert (it.present[asset("weth")].labels, it.present[asset("x")].labels) == (("stale",), ())


def test_a_doubt_about_a_base_feed_is_a_doubt_about_everything_made_from_it():
    answers, price, _ = ADAPTERS["scaled ratio cap"]
    table = chain({"x": contract(9)}, {"x": price}, at_9={"latestAnswer": price, "decimals": 8} | answers)
    table.contracts[ETH] = feed(2_500 * E8, NOW_S - 10**6)
    assert graph(table, "x").present[asset("x")].labels == ("stale",)


def test_a_source_that_was_replaced_is_found_without_asking_again():
    table = chain({"weth": ETH}, {"weth": 2_500 * E8})
    layout = table.read(oracle_layout(ORACLE, [ASSETS["weth"]]))
    table.contracts[ORACLE] |= {
        f"getSourceOfAsset({ASSETS['weth']})": STETH,
        f"getAssetPrice({ASSETS['weth']})": 2_498 * E8,
    }
    layout, it = table.read(oracle_prices(layout, NOW_S))
    assert layout.source_of == (STETH,)
    assert it.drivers[asset("weth")] == (feed_node(STETH),)


def test_once_the_layout_is_known_prices_cost_one_round():
    table = chain({"weth": ETH, "x": STETH}, {"weth": 2_500 * E8, "x": 2_498 * E8})
    layout = table.read(oracle_layout(ORACLE, [ASSETS["weth"], ASSETS["x"]]))
    table.batches = 0
    table.read(oracle_prices(layout, NOW_S))
    assert table.batches == 1


@pytest.mark.parametrize(
    "answers", [{}, {"getFallbackOracle": ZERO, "BASE_CURRENCY": ZERO, "BASE_CURRENCY_UNIT": 3 * 10**7}]
)
def test_a_contract_that_is_no_aave_oracle_is_refused(answers: dict[str, Any]):
    with pytest.raises(UnexpectedAnswer):
        Table({ORACLE: answers}).read(oracle_layout(ORACLE, []))


def test_adapters_that_point_at_each_other_end():
    loop = {"getPriceCap": 5, "latestAnswer": 5, "decimals": 8}
    table = chain(
        {"x": contract(9)},
        {"x": 5},
        at_9=loop | {"ASSET_TO_USD_AGGREGATOR": contract(8)},
        at_8=loop | {"ASSET_TO_USD_AGGREGATOR": contract(9)},
    )
    assert graph(table, "x").values[asset("x")] == 5


def test_an_adapter_whose_parameters_cannot_be_read_is_taken_at_its_word():
    answers, price, _ = ADAPTERS["fixed cap"]
    table = chain({"x": contract(9)}, {"x": price}, at_9={"latestAnswer": price, "decimals": 8} | answers)
    layout = table.read(oracle_layout(ORACLE, [ASSETS["x"]]))
    del table.contracts[contract(9)]["getPriceCap"]
    it = table.read(oracle_prices(layout, NOW_S))[1]
    assert it.drivers[asset("x")] == (feed_node(contract(9)),)
    assert it.present[asset("x")].labels == (Doubt.OPAQUE,)


def test_the_base_currency_is_worth_its_unit():
    table = chain({"weth": ZERO}, {"weth": E8})
    table.contracts[ORACLE]["BASE_CURRENCY"] = ASSETS["weth"]
    price = graph(table, "weth").present[asset("weth")]
    assert (price.value, price.method) == (E8, "hardcoded")
