"""Finds every account of markets from their logs, reads them at one block, and holds them against the totals."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from monitor import log
from monitor.adapter import Enumerated, Followed, Market
from monitor.cycle.follow import Blocks
from monitor.cycle.markets.listing import REORG_BLOCKS
from monitor.cycle.markets.naming import Named, Progress, enumerated, named, wanted_by
from monitor.cycle.markets.reads import each, shares
from monitor.cycle.markets.totals import apart
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.domain.moment import BlockRef
from monitor.errors import BlockMoved, NoEndpoint, ReadError
from monitor.ledger.accounts import Accounts
from monitor.ledger.sums import Sums, moved, sums
from monitor.query import LogFilter

NEAR_BLOCKS = 32
"""How old a head may have become before its state is not asked for any more: far fewer than full nodes keep."""

_log = log.get("cycle")


class Estimate(Protocol):
    """What reading a range of logs is expected to take."""

    @property
    def requests(self) -> int: ...
    @property
    def seconds(self) -> int: ...


class Archive(Blocks, Protocol):
    """A chain whose whole past may be asked for."""

    async def head(self) -> BlockRef:
        """Return the newest verified block."""
        ...

    async def estimate(self, wanted: LogFilter, first: int, last: int, at: BlockRef) -> Estimate:
        """Return what reading these logs is expected to take."""
        ...

    async def has_code(self, address: Address, at: BlockRef) -> bool:
        """Return whether there is a contract; raises NoEndpoint where no endpoint keeps the state of the block."""
        ...


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a market has been searched: whoever a log before `next_block` names is among the keys."""

    next_block: int
    keys: tuple[PositionKey, ...] = ()


Cursors = Mapping[MarketKey, Cursor]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a search has before it."""

    first: int
    last: int
    requests: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Balances of one asset and kind that do not add up to what the contract says: some account is missing."""

    asset: int
    kind: int
    expected_raw: int
    found_raw: int


@dataclass(frozen=True, slots=True)
class Found:
    """A market with all its accounts at its block; without shortfalls nobody who owes is missing."""

    market: Market
    at: BlockRef
    accounts: tuple[Accounts, ...]
    cursor: Cursor
    shortfalls: tuple[Shortfall, ...]

    @property
    def failed(self) -> tuple[PositionKey, ...]:
        """The accounts that could not be read; what they owe is missing for the totals too."""
        return tuple(key for part in self.accounts for key, _ in part.failed)


Keep = Callable[[int, Named], Awaitable[None]]
"""Stores where to go on, and the keys found since the last time."""


async def _forget(_next_block: int, _keys: Named) -> None:
    """Store nothing."""


@dataclass(frozen=True, slots=True)
class Backfill:
    """One search for the accounts of markets of a deployment, each from its block of `starts` on.

    `keep` is called whenever it got further. All methods take the cursors of the same markets.
    """

    chain: Archive
    adapter: Followed[Any]
    deployment: Deployment
    starts: Mapping[MarketKey, int]
    keep: Keep = _forget
    progress: Progress = lambda _: None

    async def plan(self, cursors: Cursors) -> Plan:
        """Return what the search from the cursors to the head is expected to take."""
        at, first = await self.chain.head(), self._first(cursors)
        if first > at.number or not cursors:
            return Plan(first, at.number, 0, 0)
        if isinstance(self.adapter, Enumerated):
            return Plan(at.number, at.number, len(cursors), len(cursors))
        wanted = wanted_by(self.adapter, self.deployment, cursors)
        estimate = await self.chain.estimate(wanted, first, at.number, at)
        return Plan(first, at.number, estimate.requests, estimate.seconds)

    async def run(self, cursors: Cursors) -> Mapping[MarketKey, Found | ReadError]:
        """Search from the cursors to the head, read everyone, and search all of it again where somebody is missing.

        All markets stand at one block; one that cannot be read is its error. Raises ReadError when the chain does not
        answer; what was kept of the cursors is then where to go on.
        """
        at, cursors = await self.search(cursors)
        found = await self.read(cursors, at)
        lacking = [key for key, one in found.items() if isinstance(one, Found) and one.shortfalls and not one.failed]
        if lacking and min(self.starts[key] for key in lacking) <= at.number:
            _log.warning("accounts missing", deployment=self.deployment.name, markets=len(lacking))
            again = {key: replace(cursors[key], next_block=self.starts[key]) for key in lacking}
            at, cursors = await self.search({**cursors, **again})
            found = await self.read(cursors, at)
        return found

    async def search(self, cursors: Cursors) -> tuple[BlockRef, Cursors]:
        """Return the cursors at a head that is still near, with every key found on the way there.

        Where the protocol lists its positions itself, only the blocks since it did are searched. When the head was
        replaced meanwhile, the blocks that can have been replaced with it are searched again.
        """
        chain, adapter, deployment = self.chain, self.adapter, self.deployment
        at = await chain.head()
        cursors = await self._listed(adapter, cursors, at) if isinstance(adapter, Enumerated) else cursors
        following = self._first(cursors)
        keys = {market: dict.fromkeys(cursor.keys) for market, cursor in cursors.items()}
        while True:
            try:
                async for through, found in named(
                    chain, adapter, deployment, tuple(keys), following, at, self.progress
                ):
                    new = {market: [k for k in some if k not in keys[market]] for market, some in found.items()}
                    for market, some in new.items():
                        keys[market].update(dict.fromkeys(some))
                    following = through + 1
                    await self.keep(following, new)
            except BlockMoved:
                following = max(following - REORG_BLOCKS, min(self.starts.values()))
                await self.keep(following, {})
            head = await chain.head()
            if (following > at.number or not keys) and head.number - at.number <= NEAR_BLOCKS:
                return at, {market: Cursor(following, tuple(some)) for market, some in keys.items()}
            at = head

    async def read(self, cursors: Cursors, at: BlockRef) -> Mapping[MarketKey, Found | ReadError]:
        """Return the markets and the accounts of all keys at the block, and what is missing for their totals."""
        asks = [self.adapter.market(self.deployment, key) for key in cursors]
        done, markets = dict[MarketKey, Found | ReadError](), dict[MarketKey, Market]()
        for key, market in zip(cursors, await each(self.chain, asks, at), strict=True):
            if isinstance(market, ReadError):
                done[key] = market
            else:
                markets[key] = market
        parts: dict[MarketKey, list[Accounts]] = {key: [] for key in markets}
        for share in shares((key, cursors[key].keys) for key in markets if cursors[key].keys):
            reads = [self.adapter.accounts(markets[key], some) for key, some in share]
            for (key, _), part in zip(share, await each(self.chain, reads, at), strict=True):
                if isinstance(part, ReadError):
                    done[key] = part
                else:
                    parts[key].append(part)
        totals = await each(self.chain, [self.adapter.totals(market) for market in markets.values()], at)
        for (key, market), total in zip(markets.items(), totals, strict=True):
            if isinstance(total, ReadError):
                done[key] = total
            elif key not in done:
                done[key] = self._found(market, at, parts[key], cursors[key], total)
        return {key: done[key] for key in cursors}

    async def _listed(self, adapter: Enumerated, cursors: Cursors, at: BlockRef) -> Cursors:
        """Return the cursors after a block at which the protocol itself names everyone."""
        listed = dict[MarketKey, Cursor]()
        for key, cursor in cursors.items():
            market = await self.chain.read(self.adapter.market(self.deployment, key), at)
            everyone = await enumerated(self.chain, adapter, market, at)
            listed[key] = Cursor(at.number + 1, tuple(dict.fromkeys((*cursor.keys, *everyone))))
        return listed

    def _found(
        self,
        market: Market,
        at: BlockRef,
        parts: Sequence[Accounts],
        cursor: Cursor,
        totals: Mapping[tuple[int, int], int],
    ) -> Found:
        added: Sums = {}
        for part in parts:
            moved(added, sums(part), 1)
        missing = apart(self.adapter, market, added, totals, sum(map(len, parts)))
        short = (Shortfall(*place, expected, added.get(place, 0)) for place, expected in missing.items())
        return Found(market, at, tuple(parts), cursor, tuple(short))

    def _first(self, cursors: Cursors) -> int:
        return min((max(cursor.next_block, self.starts[key]) for key, cursor in cursors.items()), default=0)


async def first_block(chain: Archive, root: Address, head: BlockRef) -> int:
    """Return the first block at which a contract stands, by halving.

    Raises ReadError when it does not stand at the head, or no endpoint keeps the past.
    """
    if not await chain.has_code(root, head):
        raise ReadError(f"expected a contract at {root} in block {head.number} of {head.chain}, found none")
    without, standing = -1, head.number
    try:
        while standing - without > 1:
            middle = (without + standing) // 2
            if await chain.has_code(root, await chain.block(middle)):
                standing = middle
            else:
                without = middle
    except NoEndpoint as e:
        raise ReadError(
            f"expected an endpoint that keeps the past of {head.chain}, to find where {root} begins: "
            f"state start_block of the deployment, or add an archive endpoint ({e})"
        ) from e
    return standing
