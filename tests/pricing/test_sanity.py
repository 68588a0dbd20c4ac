"""Doubts about single feeds and about two prices side by side."""

import pytest

from monitor.domain.prices import Node, Unknown
from monitor.pricing.sanity import (
    Bounds,
    Doubt,
    distrusted,
    divergence,
    doubts,
    is_jump,
    is_misconfigured,
    is_stale,
)

NOW_S = 1_750_000_000
NODE = Node("asset:x")

FEEDS = [  # description, heartbeat in seconds, oldest age that is not stale
    ("ETH / USD, Ethereum", 3_600, 4_020),
    ("BTC / USD, Ethereum", 3_600, 4_020),
    ("USDC / USD, Ethereum", 86_400, 95_100),
    ("DAI / USD, Ethereum", 3_600, 4_020),
    ("stETH / USD, Ethereum", 3_600, 4_020),
    ("AAVE / USD, Ethereum", 3_600, 4_020),
    ("EUR / USD, Ethereum", 86_400, 95_100),
    ("XAU / USD, Ethereum", 86_400, 95_100),
    ("ETH / USD, Arbitrum", 86_400, 95_100),
    ("ETH / USD, Optimism", 1_200, 1_380),
    ("ETH / USD, Base", 1_200, 1_380),
    ("cbETH / ETH, Base", 86_400, 95_100),
    ("MATIC / USD, Polygon", 27, 89),
    ("ETH / USD, Polygon", 27, 89),
    ("USDC / USD, Polygon", 27, 89),
    ("AVAX / USD, Avalanche", 120, 192),
    ("BNB / USD, BNB Chain", 60, 126),
    ("GNO / USD, Gnosis", 86_400, 95_100),
    ("a feed every second", 1, 61),
    ("a feed every 7 seconds", 7, 67),
]


@pytest.mark.parametrize(("feed", "heartbeat_s", "oldest_s"), FEEDS, ids=[feed for feed, _, _ in FEEDS])
def test_a_feed_is_stale_one_second_after_its_own_limit(feed: str, heartbeat_s: int, oldest_s: int):
    assert not is_stale(NOW_S - oldest_s, heartbeat_s, NOW_S)
    assert is_stale(NOW_S - oldest_s - 1, heartbeat_s, NOW_S)
    fresh = doubts(10**8, NOW_S - oldest_s, Bounds(), heartbeat_s, NOW_S)
    assert (fresh, doubts(10**8, NOW_S - oldest_s - 1, Bounds(), heartbeat_s, NOW_S)) == ((), (Doubt.STALE,))


@pytest.mark.parametrize(
    ("answer", "updated_at_s", "expected"),
    [
        (0, NOW_S, [Doubt.NOT_POSITIVE]),
        (-1, NOW_S, [Doubt.NOT_POSITIVE]),
        (10**8, 0, [Doubt.UNDATED]),
        (10**8, NOW_S + 1, [Doubt.FUTURE]),
        (10**8, NOW_S, []),
        (10_700_000, NOW_S, [Doubt.AT_MINIMUM]),
        (10_699_999, NOW_S, [Doubt.AT_MINIMUM]),
        (10_700_001, NOW_S, []),
        (10**12, NOW_S, [Doubt.AT_MAXIMUM]),
        (10**12 - 1, NOW_S, []),
        (0, 0, [Doubt.UNDATED, Doubt.NOT_POSITIVE]),
        (10_700_000, NOW_S - 10**6, [Doubt.STALE, Doubt.AT_MINIMUM]),
        (Unknown("reverts"), 0, [Doubt.UNDATED]),
        (10**8, None, []),
    ],
)
def test_an_implausible_answer_is_labelled(answer, updated_at_s, expected):
    bounds = Bounds(10_700_000, 10**12)
    found = doubts(answer, updated_at_s, bounds, 3_600, NOW_S)
    if isinstance(answer, int) and answer <= 0:
        expected = [*expected, Doubt.AT_MINIMUM]
    assert list(found) == expected
    assert (distrusted(found) is not None) == bool(expected)


def test_doubts_that_only_inform_do_not_forbid_reading_safety_from_a_price():
    assert distrusted((Doubt.OPAQUE, Doubt.HARDCODED, Doubt.DIVERGENT, Doubt.JUMP)) is None
    assert distrusted((Doubt.OPAQUE, Doubt.STALE)) == "stale"


@pytest.mark.parametrize(
    ("protocol", "market", "limit_bps", "bps", "is_divergent"),
    [
        (100_500, 100_000, 50, 50, True),
        (100_499, 100_000, 50, 50, True),
        (100_490, 100_000, 50, 49, False),
        (97_151, 100_000, 50, -285, True),
        (98_000, 100_000, 200, -200, True),
        (98_001, 100_000, 200, -200, True),
        (98_010, 100_000, 200, -199, False),
        (105_000, 100_000, 500, 500, True),
        (10_700_000, 1_000_000, 500, 97_000, True),
        (100_000, 100_000, 50, 0, False),
    ],
)
def test_how_far_two_prices_are_apart_is_a_fact_rounded_away_from_zero(
    protocol: int, market: int, limit_bps: int, bps: int, is_divergent: bool
):
    fact = divergence(NODE, protocol, market, limit_bps)
    assert fact is not None
    assert (fact.bps, fact.is_divergent) == (bps, is_divergent)


@pytest.mark.parametrize(("protocol", "market"), [(Unknown("x"), 5), (5, Unknown("x")), (0, 5), (5, 0), (-5, 5)])
def test_an_unknown_price_diverges_from_nothing(protocol, market):
    assert divergence(NODE, protocol, market, 50) is None


@pytest.mark.parametrize(
    ("protocol", "market", "is_wrong"),
    [
        (351 * 10**20, 351 * 10**8, True),
        (100, 1, True),
        (99, 1, False),
        (1, 100, True),
        (112, 220_000, True),
        (2, 199, False),
        (Unknown("x"), 1, False),
    ],
)
def test_two_orders_of_magnitude_apart_is_a_wrong_configuration(protocol, market, is_wrong: bool):
    assert is_misconfigured(protocol, market) == is_wrong


def test_a_jump_is_named_from_its_limit_on_and_in_both_directions():
    assert is_jump(100, 110, 1_000)
    assert is_jump(100, 90, 1_000)
    assert not is_jump(1_000, 1_099, 1_000)
    assert not is_jump(Unknown("x"), 5, 1)
    assert not is_jump(5, Unknown("x"), 1)
