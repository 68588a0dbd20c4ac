"""Independent prices from aggregators and from an HTTP feed."""

import json

import pytest

from monitor.domain.prices import Node, PriceUsed, Unknown
from monitor.errors import UsageError
from monitor.pricing.reference import ReferenceCoin, ReferenceFeed, aggregator_prices, http_prices, in_base
from monitor.query import Failed
from tests.pricing.table import Table, contract, feed

NOW_S = 1_750_000_000
NODE, OTHER = Node("asset:weth"), Node("asset:usdc")
WETH, USDC = "ethereum:0x" + "aa" * 20, "ethereum:0x" + "bb" * 20
COINS = [ReferenceCoin(NODE, WETH, 300), ReferenceCoin(OTHER, USDC, 300)]


def over_http(answer, coins=tuple(COINS), now_s: int = NOW_S):
    return Table({}, venue=lambda path: answer).read(http_prices(list(coins), "prices", now_s))


def body(**coins) -> str:
    return json.dumps({"coins": {WETH if name == "weth" else USDC: coin for name, coin in coins.items()}})


def test_an_aggregator_gives_a_price_with_everything_about_it():
    table = Table({contract(1): feed(2_500 * 10**8, NOW_S - 10, 9)})
    (price,) = table.read(aggregator_prices([ReferenceFeed(NODE, contract(1), 3_600)], NOW_S)).values()
    assert (price.node, price.value, price.decimals, price.source) == (NODE, 2_500 * 10**8, 8, contract(1))
    assert (price.updated_at_s, price.raw_answer, price.round, price.labels) == (NOW_S - 10, 2_500 * 10**8, 9, ())


def test_an_aggregator_that_is_late_or_missing_is_labelled_or_unknown():
    table = Table({contract(1): feed(5, NOW_S - 4_021)})
    feeds = [ReferenceFeed(NODE, contract(1), 3_600), ReferenceFeed(OTHER, contract(2), 3_600)]
    found = table.read(aggregator_prices(feeds, NOW_S))
    assert found[NODE].labels == ("stale",)
    assert isinstance(found[OTHER].value, Unknown)
    assert table.read(aggregator_prices([], NOW_S)) == {}


def test_an_http_price_is_exact():
    found = over_http(
        body(weth={"price": 2512.43, "timestamp": NOW_S - 5}, usdc={"price": "0.9998", "timestamp": NOW_S})
    )
    assert (found[NODE].value, found[NODE].decimals) == (2_512_430_000_000_000_000_000, 18)
    assert (found[OTHER].value, found[OTHER].updated_at_s, found[OTHER].source) == (
        999_800_000_000_000_000,
        NOW_S,
        "prices",
    )


def test_what_goes_into_the_path_are_addresses_and_each_once():
    asked = []

    def venue(path: str) -> str:
        asked.append(path)
        return '{"coins":{}}'

    twice = [*COINS, ReferenceCoin(Node("asset:weth2"), WETH, 300)]
    found = Table({}, venue=venue).read(http_prices(twice, "prices", NOW_S))
    assert asked == [f"/prices/current/{WETH},{USDC}"]
    assert all(isinstance(price.value, Unknown) for price in found.values())


@pytest.mark.parametrize(
    "coin", ["ethereum:WETH", "DAI&tsyms=ETH#", "../admin", "ethereum:0x" + "AA" * 20, "ethereum:0x" + "aa" * 20 + "?x"]
)
def test_a_symbol_never_becomes_part_of_an_address(coin: str):
    with pytest.raises(UsageError, match="expected coins"):
        over_http("{}", [ReferenceCoin(NODE, coin, 300)])


@pytest.mark.parametrize("answer", [Failed("503"), "", "{", '{"coins":{"x":{"price":NaN,"timestamp":1}}}', b"{}"])
def test_a_feed_that_does_not_answer_properly_makes_all_its_prices_unknown(answer):
    assert all(isinstance(price.value, Unknown) for price in over_http(answer).values())


@pytest.mark.parametrize(
    ("coin", "labels"),
    [
        ({"price": 1, "timestamp": NOW_S - 390}, ()),
        ({"price": 1, "timestamp": NOW_S - 391}, ("stale",)),
        ({"price": 1, "timestamp": 0}, ("implausible: no time",)),
        ({"price": 1, "timestamp": NOW_S + 60}, ()),
        ({"price": 1, "timestamp": NOW_S + 61}, ("implausible: time in the future",)),
        ({"price": 0, "timestamp": NOW_S}, ("implausible: not positive",)),
        ({"price": -1.5, "timestamp": NOW_S}, ("implausible: not positive",)),
        ({"price": 1, "timestamp": NOW_S, "confidence": 0.89}, ("uncertain",)),
        ({"price": 1, "timestamp": NOW_S, "confidence": 0.99, "decimals": 18, "symbol": "<b>"}, ()),
    ],
)
def test_an_http_price_is_labelled_like_any_other(coin, labels):
    assert over_http(body(weth=coin))[NODE].labels == labels


def test_nothing_is_asked_where_nothing_is_configured():
    table = Table({})
    assert table.read(http_prices([], "prices", NOW_S)) == {}
    assert table.batches == 0


def used(value, decimals: int, updated_at_s: int = NOW_S, labels: tuple[str, ...] = ()) -> PriceUsed:
    return PriceUsed(NODE, value, decimals, "feed", "market", updated_at_s, labels=labels)


def test_a_dollar_price_in_a_token_is_the_ratio_of_both_with_the_doubts_of_both():
    found = in_base(used(60_000 * 10**8, 8, NOW_S - 5, ("stale",)), used(2_500 * 10**18, 18, NOW_S - 9, ("late",)))
    assert found.value == 24 * 10**found.decimals
    assert (found.updated_at_s, found.labels, found.node) == (NOW_S - 9, ("stale", "late"), NODE)
    third = in_base(used(1, 0), used(3, 0))
    assert third.value == 10**third.decimals // 3


@pytest.mark.parametrize("base", [Unknown("the feed is gone"), 0, -1])
def test_without_a_price_of_the_base_there_is_none_in_it(base):
    found = in_base(used(60_000 * 10**8, 8), used(base, 8))
    assert isinstance(found.value, Unknown)
    assert isinstance(in_base(used(Unknown("none"), 8), used(1, 0)).value, Unknown)
