"""The price of a branch's collateral: what a liquidation would be made at now, its age and every doubt about it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from monitor.abi import interface
from monitor.domain.ids import Address
from monitor.domain.moment import BlockRef
from monitor.domain.prices import PriceUsed, Unknown, Value
from monitor.pricing.aggregator import Aggregator, Round, aggregators, price_used, rounds
from monitor.pricing.graph import relabelled
from monitor.pricing.heartbeat import heartbeats_s
from monitor.pricing.sanity import Doubt
from monitor.protocols.liquity_v2.market import PRICE_DECIMALS, Layout, Oracle
from monitor.query import Ask, Failed, ask_each, together

_FEED = interface("liquity_v2", "price_feed")
_ORACLES = ("ethUsdOracle", "stEthUsdOracle", "rEthEthOracle")
_LAST_GOOD = 2
"""PriceSource.lastGoodPrice: an oracle failed, and the price stands still for ever."""


def read_oracles(feed: Address) -> Ask[tuple[Oracle, ...]]:
    """Return the aggregators that the feed reads, as far as it tells them."""
    found = yield from ask_each([_FEED[getter].at(feed) for getter in _ORACLES])
    told = [(Address(one[0]), int(one[1])) for one in found if not isinstance(one, Failed)]
    known = yield from aggregators([address for address, _ in told])
    return tuple(
        Oracle(aggregator, threshold_s)
        for aggregator, (_, threshold_s) in zip(known, told, strict=True)
        if isinstance(aggregator, Aggregator)
    )


def read_price(layout: Layout, at: BlockRef) -> Ask[tuple[PriceUsed, int | None]]:
    """Return the price of `fetchPrice`, and where the feed takes it from.

    It stores what it finds, so it is called and asked. A failed oracle makes the price unknown: whoever touches the
    branch next shuts it down. As old as the oldest aggregator behind it.
    """
    feed = layout.price_feed
    (fetched,), (source,), latest = yield from together(
        ask_each([_FEED["fetchPrice"].at(feed)]),
        ask_each([_FEED["priceSource"].at(feed)]),
        rounds([oracle.aggregator.address for oracle in layout.oracles]),
    )
    stands = None if isinstance(source, Failed) else int(source)
    dated = list(_dated(layout, latest, at))
    oldest = min(dated, key=lambda used: used.updated_at_s or 0, default=None)
    method = "hardcoded" if stands == _LAST_GOOD else "market"
    used = PriceUsed(layout.node, _value(fetched), PRICE_DECIMALS, feed, method)
    if stands == _LAST_GOOD:
        return relabelled(used, Doubt.STALE, Doubt.HARDCODED), stands
    if oldest is not None:
        used = replace(used, updated_at_s=oldest.updated_at_s, raw_answer=oldest.raw_answer, round=oldest.round)
    return relabelled(used, *(label for one in dated for label in one.labels)), stands


def _dated(layout: Layout, latest: Sequence[Round], at: BlockRef) -> Iterator[PriceUsed]:
    heartbeats = heartbeats_s(at.chain)
    for oracle, one in zip(layout.oracles, latest, strict=True):
        heartbeat_s = heartbeats.get(oracle.aggregator.address, oracle.threshold_s)
        yield price_used(layout.node, oracle.aggregator, one, heartbeat_s, at.timestamp_s)


def _value(fetched: tuple[int, bool] | Failed) -> Value:
    if isinstance(fetched, Failed):
        return Unknown(f"fetchPrice: {fetched.reason}")
    price, has_failed = fetched
    return Unknown("an oracle of the branch has failed: whoever touches it next shuts it down") if has_failed else price
