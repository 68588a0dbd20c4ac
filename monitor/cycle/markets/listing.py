"""Which markets a deployment has: what was listed once is kept, and afterwards only new blocks are searched."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from monitor.adapter import Adapter, Market, NamesMarkets
from monitor.cycle.markets.reads import each
from monitor.cycle.outlook import A, Reads, Source
from monitor.domain.deployment import Deployment
from monitor.domain.ids import MarketKey
from monitor.domain.moment import At, BlockRef
from monitor.errors import ReadError
from monitor.query import Log, LogFilter

EVERY_BLOCKS = 100
_VENUE_STEP_MS = 12_000
REORG_BLOCKS = 128


@runtime_checkable
class History(Source, Protocol):
    """A chain whose logs can be searched."""

    def logs(
        self, wanted: LogFilter, first: int, last: int, at: BlockRef
    ) -> AsyncIterator[tuple[range, tuple[Log, ...]]]:
        """Yield the logs of a range of blocks of the chain that ends in `at`."""
        ...


@dataclass(slots=True)
class Listing:
    """The markets of one deployment. `created` tells the block of the log that names a market, where logs do."""

    adapter: Adapter[Any]
    deployment: Deployment
    created: dict[MarketKey, int] = field(default_factory=dict)
    _next_block: int = 0
    _listed_step: int | None = None
    _keys: dict[MarketKey, None] = field(default_factory=dict)
    _before: dict[MarketKey, Market] = field(default_factory=dict)

    async def keys(self, chain: Reads[A], at: A) -> tuple[MarketKey, ...]:
        """Return the markets at a moment, listed anew when that was long ago; raises ReadError.

        One that was listed once stays, so that it is also told when nobody owes there any more.
        """
        if self._listed_step is None or abs(_step(at) - self._listed_step) >= EVERY_BLOCKS:
            self.keep(await self._list(chain, at))
            self._listed_step = _step(at)
        return self.known

    @property
    def known(self) -> tuple[MarketKey, ...]:
        """The markets as far as they are known."""
        return self.deployment.markets or tuple(self._keys)

    def keep(self, keys: Iterable[MarketKey]) -> None:
        """Have markets listed from now on, whatever is found, unless the deployment names the only ones wanted."""
        self._keys.update(dict.fromkeys(keys))

    def outdate(self) -> None:
        """Have the markets listed anew when they are asked for next."""
        self._listed_step = None

    def heard(self, logs: Sequence[Log]) -> None:
        """Have the markets listed anew where logs say that somebody borrowed in one that is not listed yet."""
        if isinstance(self.adapter, NamesMarkets) and not self._keys.keys() >= set(self.adapter.lent(logs)):
            self.outdate()

    def first_block(self, key: MarketKey, start_block: int) -> int:
        """Return the block from which logs can name accounts of a market, if they can from `start_block`."""
        return max(start_block, self.created.get(key, start_block))

    async def read(self, source: Reads[A], keys: Sequence[MarketKey], at: A) -> dict[MarketKey, Market | ReadError]:
        """Return the markets at a moment, one that cannot be read as its error; those read before are brought there.

        Raises ReadError when the source does not answer.
        """
        before = [self._before.pop(key, None) for key in keys]
        asks = [
            self.adapter.market(self.deployment, key) if one is None else self.adapter.again(one)
            for key, one in zip(keys, before, strict=True)
        ]
        found: dict[MarketKey, Market | ReadError] = dict(zip(keys, await each(source, asks, at), strict=True))
        self._before.update({key: one for key, one in found.items() if not isinstance(one, ReadError)})
        return found

    async def _list(self, chain: Reads[A], at: A) -> tuple[MarketKey, ...]:
        adapter, deployment = self.adapter, self.deployment
        if deployment.markets or not isinstance(adapter, NamesMarkets):
            return await chain.read(adapter.markets(deployment), at)
        if not isinstance(chain, History) or not isinstance(at, BlockRef):
            raise ReadError(f"expected a chain, whose logs name the markets of {deployment.name}, found a venue")
        first = max(self._next_block - REORG_BLOCKS, deployment.first_block)
        if first <= at.number:
            async for blocks, logs in chain.logs(adapter.listing(deployment), first, at.number, at):
                for entry in logs:
                    self.created.update(dict.fromkeys(adapter.listed([entry]), entry.block_number))
                self._next_block = max(self._next_block, blocks[-1] + 1)
        there = [key for key, block in self.created.items() if block <= at.number]
        return await chain.read(adapter.used(deployment, there), at)


def _step(at: At) -> int:
    """Return the number of a block; of a venue without blocks, how many times 12 s it has been there."""
    return at.number if isinstance(at, BlockRef) else at.server_time_ms // _VENUE_STEP_MS
