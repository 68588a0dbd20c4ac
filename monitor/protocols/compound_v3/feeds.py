"""The prices a Comet reads: each feed as `getPrice` takes it, with its age and every doubt about it."""

from collections.abc import Sequence
from dataclasses import replace

from monitor.abi import interface
from monitor.domain.ids import Address
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed, Unknown, Value
from monitor.pricing.aggregator import Aggregator, Round, aggregators, price_used, rounds
from monitor.pricing.graph import PriceGraph
from monitor.pricing.heartbeat import heartbeats_s
from monitor.pricing.sanity import DEFAULT_HEARTBEAT_S, Bounds, Doubt
from monitor.protocols.compound_v3.market import BASE, PRICE_DECIMALS, Feed, Layout
from monitor.query import Ask, Failed, ask_each, together

_COMET = interface("compound_v3", "comet")
_FEED = interface("compound_v3", "price_feed")


def feed_node(feed: Address) -> Node:
    """Return the node of what a feed answers; assets that share a feed share the node."""
    return Node(f"feed:{feed}")


def read_feeds(feeds: Sequence[Address]) -> Ask[tuple[dict[Address, Feed], bool]]:
    """Return what of the feeds does not change, and whether the first one says that it answers in dollars."""
    unique = tuple(dict.fromkeys(feeds))
    found, constants, (description,) = yield from together(
        aggregators(unique),
        ask_each([_FEED["constantPrice"].at(feed) for feed in unique]),
        ask_each([_FEED["description"].at(feeds[BASE])]),
    )
    known = {
        feed: Feed(
            aggregator if isinstance(aggregator, Aggregator) else Aggregator(feed, PRICE_DECIMALS, Bounds()),
            is_constant=not isinstance(constant, Failed),
        )
        for feed, aggregator, constant in zip(unique, found, constants, strict=True)
    }
    return known, isinstance(description, str) and description.upper().replace(" ", "").endswith("/USD")


def read_prices(comet: Address, layout: Layout, at: BlockRef) -> Ask[PriceGraph]:
    """Return the price graph: each feed a node, its value what the Comet itself reads (Comet.getPrice).

    A feed that reverts or does not answer above zero is `Unknown`: the contract reverts too (BadPrice).
    """
    feeds = tuple(layout.known_feeds)
    prices, latest = yield from together(
        ask_each([_COMET["getPrice"].at(comet, feed) for feed in feeds]), rounds(feeds)
    )
    heartbeats = heartbeats_s(at.chain)
    return PriceGraph.of(
        _used(layout.known_feeds[feed], _value(price), one, heartbeats.get(feed, DEFAULT_HEARTBEAT_S), at.timestamp_s)
        for feed, price, one in zip(feeds, prices, latest, strict=True)
    )


def _used(feed: Feed, value: Value, latest: Round, heartbeat_s: int, now_s: int) -> PriceUsed:
    node = feed_node(feed.aggregator.address)
    if feed.is_constant:
        source = feed.aggregator.address
        return PriceUsed(node, value, PRICE_DECIMALS, source, "hardcoded", labels=(Doubt.HARDCODED,))
    return replace(price_used(node, feed.aggregator, latest, heartbeat_s, now_s), value=value, decimals=PRICE_DECIMALS)


def _value(price: int | Failed) -> Value:
    return Unknown(f"getPrice: {price.reason}") if isinstance(price, Failed) else price
