"""One search of history for the accounts of many markets: each log goes to the markets whose own filter it fits."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Any, Protocol

from monitor.adapter import Enumerated, Followed, Market
from monitor.cycle.markets.listing import History
from monitor.cycle.outlook import A, Reads
from monitor.domain.deployment import Deployment
from monitor.domain.ids import MarketKey, PositionKey
from monitor.domain.moment import BlockRef
from monitor.query import Log, LogFilter, any_of

Progress = Callable[[Any], None]
Named = Mapping[MarketKey, Sequence[PositionKey]]
"""By market, the accounts that logs name."""


class Searched(History, Protocol):
    """A chain whose logs can be searched, and that says how far the search is."""

    def logs(
        self, wanted: LogFilter, first: int, last: int, at: BlockRef, progress: Progress = ...
    ) -> AsyncIterator[tuple[range, tuple[Log, ...]]]:
        """Yield the logs of a range of blocks of the chain that ends in `at`."""
        ...


class Sorting:
    """Filters by what they ask for, so that a log finds those it fits without trying all."""

    def __init__(self, filters: Mapping[MarketKey, LogFilter]) -> None:
        self._place = min((len(one.topics) for one in filters.values()), default=0) - 1
        self._filters: dict[tuple[str | None, str | None], list[tuple[MarketKey, LogFilter]]] = {}
        for key, one in filters.items():
            topics = one.topics[self._place] if self._place >= 0 else None
            for asked in product(one.addresses or (None,), topics or (None,)):
                self._filters.setdefault(asked, []).append((key, one))

    def of(self, logs: Iterable[Log]) -> dict[MarketKey, list[Log]]:
        """Return the logs of each filter, in their order; one without logs is left out."""
        found = dict[MarketKey, list[Log]]()
        for log in logs:
            topic = log.topics[self._place] if 0 <= self._place < len(log.topics) else None
            for asked in product((log.address, None), dict.fromkeys((topic, None))):
                for key, one in self._filters.get(asked, ()):
                    if one.fits(log):
                        found.setdefault(key, []).append(log)
        return found


def wanted_by(adapter: Followed[Any], deployment: Deployment, keys: Iterable[MarketKey]) -> LogFilter:
    """Return one filter of the logs that name accounts of any of the markets."""
    return any_of([adapter.discovery(deployment, key) for key in keys])


async def named(
    chain: Searched,
    adapter: Followed[Any],
    deployment: Deployment,
    keys: Sequence[MarketKey],
    first: int,
    at: BlockRef,
    progress: Progress = lambda _: None,
) -> AsyncIterator[tuple[int, Named]]:
    """Yield, each time the search got further, the last block it covers and whom its logs name since the time before.

    Raises ReadError as the chain's logs do.
    """
    if not keys or first > at.number:
        return
    sorting = Sorting({key: adapter.discovery(deployment, key) for key in keys})
    wanted = wanted_by(adapter, deployment, keys)
    async for blocks, logs in chain.logs(wanted, first, at.number, at, progress):
        yield blocks[-1], {key: adapter.discovered(own) for key, own in sorting.of(logs).items()}


async def enumerated(source: Reads[A], adapter: Enumerated, market: Market, at: A) -> list[PositionKey]:
    """Return everyone whom the protocol itself lists in a market, each once; raises ReadError."""
    found, after = dict[PositionKey, None](), None
    while True:
        page = await source.read(adapter.positions(market, after), at)
        found.update(dict.fromkeys(page.keys))
        if page.after is None or page.after == after:
            return list(found)
        after = page.after
