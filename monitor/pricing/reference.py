"""Independent prices: aggregators the protocol does not read, and an HTTP feed; in the shape of the protocol's own."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.domain.ids import Address
from monitor.domain.prices import Node, PriceUsed, Unknown, Value
from monitor.errors import MalformedJson, UsageError
from monitor.pricing.aggregator import Aggregator, aggregators, price_used, rounds
from monitor.pricing.sanity import Bounds, Doubt, doubts
from monitor.pricing.wire import Coin, coins, scaled_down
from monitor.query import Ask, Failed, VenueCall, ask_raw
from monitor.units import mul_div_down

_HTTP_DECIMALS = 18
_RATIO_DECIMALS = 60
_CLOCK_SKEW_S = 60
_MIN_CONFIDENCE_PPM = 900_000
_COIN = re.compile(r"[a-z0-9_-]{1,40}:0x[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class ReferenceFeed:
    """A Chainlink-style aggregator in USD for one node of a market."""

    node: Node
    feed: Address
    heartbeat_s: int


@dataclass(frozen=True, slots=True)
class ReferenceCoin:
    """A coin of the HTTP feed, `<chain name>:<token address>`, for one node of a market."""

    node: Node
    coin: str
    max_age_s: int


def aggregator_prices(feeds: Sequence[ReferenceFeed], now_s: int) -> Ask[Mapping[Node, PriceUsed]]:
    """Return the feeds' prices by node; one that fails is `Unknown`."""
    if not feeds:
        return {}
    addresses = [feed.feed for feed in feeds]
    known = yield from aggregators(addresses)
    latest = yield from rounds(addresses)
    return {
        feed.node: (
            price_used(feed.node, aggregator, one, feed.heartbeat_s, now_s)
            if isinstance(aggregator, Aggregator)
            else PriceUsed(feed.node, Unknown(f"decimals: {aggregator.reason}"), 0, feed.feed, "market")
        )
        for feed, aggregator, one in zip(feeds, known, latest, strict=True)
    }


def http_prices(references: Sequence[ReferenceCoin], venue: str, now_s: int) -> Ask[Mapping[Node, PriceUsed]]:
    """Return the prices of an HTTP feed by node, with 18 decimals; all `Unknown` where its answer is not its shape.

    `venue` is how the feed is called. Raises UsageError for a coin that is not `<chain name>:<address>`: what goes into
    a path never comes from a token's own texts.
    """
    wrong = [one.coin for one in references if not _COIN.fullmatch(one.coin)]
    if wrong:
        raise UsageError(f"expected coins such as ethereum:0x…, found {wrong[0][:60]!r}")
    if not references:
        return {}
    path = "/prices/current/" + ",".join(dict.fromkeys(one.coin for one in references))
    (answer,) = yield from ask_raw(VenueCall(path))
    if not isinstance(answer, str):
        reason = answer.reason if isinstance(answer, Failed) else f"{venue}: expected a text"
        return {one.node: _unknown(one, venue, reason) for one in references}
    try:
        found = coins(answer)
    except MalformedJson as e:
        return {one.node: _unknown(one, venue, str(e)) for one in references}
    return {one.node: _price(one, found.get(one.coin), venue, now_s) for one in references}


def in_base(price: PriceUsed, base: PriceUsed) -> PriceUsed:
    """Return a dollar price as a price in the token that a market counts in, given that token's dollar price.

    It has every doubt of both, and the older time. The ratio is cut off after 60 decimals, far beyond any node's.
    """
    times = [used.updated_at_s for used in (price, base) if used.updated_at_s is not None]
    labels = tuple(dict.fromkeys((*price.labels, *base.labels)))
    if not isinstance(price.value, int):
        value: Value = price.value
    elif not isinstance(base.value, int) or base.value <= 0:
        value = Unknown(f"no price of what the market counts in: {getattr(base.value, 'reason', base.value)}")
    else:
        scale = 10 ** (_RATIO_DECIMALS + base.decimals)
        value = mul_div_down(price.value, scale, base.value * 10**price.decimals)
    updated_at_s = min(times, default=None)
    return replace(price, value=value, decimals=_RATIO_DECIMALS, updated_at_s=updated_at_s, labels=labels)


def _price(one: ReferenceCoin, coin: Coin | None, venue: str, now_s: int) -> PriceUsed:
    if coin is None:
        return _unknown(one, venue, f"{venue} has no price")
    value = scaled_down(coin.price, _HTTP_DECIMALS)
    is_ahead = now_s < coin.timestamp <= now_s + _CLOCK_SKEW_S
    labels = doubts(value, coin.timestamp, Bounds(), one.max_age_s, coin.timestamp if is_ahead else now_s)
    if coin.confidence is not None and scaled_down(coin.confidence, 6) < _MIN_CONFIDENCE_PPM:
        labels = (*labels, Doubt.UNCERTAIN)
    return PriceUsed(one.node, value, _HTTP_DECIMALS, venue, "market", coin.timestamp, value, None, labels)


def _unknown(one: ReferenceCoin, venue: str, reason: str) -> PriceUsed:
    return PriceUsed(one.node, Unknown(reason), _HTTP_DECIMALS, venue, "market")
