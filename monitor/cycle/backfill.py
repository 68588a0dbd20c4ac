"""Finds every account of a market from its logs, reads them all at one block, and holds them against its totals."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from monitor import log
from monitor.adapter import Followed, Market
from monitor.cycle.follow import Blocks
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.domain.moment import BlockRef
from monitor.errors import BlockMoved, NoEndpoint, ReadError
from monitor.ledger.accounts import Accounts
from monitor.ledger.sums import Sums, moved, sums
from monitor.query import LogFilter

KEYS_PER_READ = 20_000
REORG_BLOCKS = 128
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


Progress = Callable[[Any], None]
Keep = Callable[[int, Sequence[PositionKey]], Awaitable[None]]
"""Stores where to go on, and the keys found since the last time."""


async def _forget(_next_block: int, _keys: Sequence[PositionKey]) -> None:
    """Store nothing."""


@dataclass(frozen=True, slots=True)
class Backfill:
    """The search for one market's accounts, from `start_block` on. `keep` is called whenever it got further."""

    chain: Archive
    adapter: Followed[Any]
    deployment: Deployment
    key: MarketKey
    start_block: int
    keep: Keep = _forget
    progress: Progress = lambda _: None

    async def plan(self, cursor: Cursor) -> Plan:
        """Return what the search from the cursor to the head is expected to take."""
        at = await self.chain.head()
        first = max(cursor.next_block, self.start_block)
        if first > at.number:
            return Plan(first, at.number, 0, 0)
        wanted = self.adapter.discovery(self.deployment, self.key)
        estimate = await self.chain.estimate(wanted, first, at.number, at)
        return Plan(first, at.number, estimate.requests, estimate.seconds)

    async def run(self, cursor: Cursor) -> Found:
        """Search from the cursor to the head, read everyone, and search all of it again when somebody is missing.

        Raises ReadError when a read fails; what was kept of the cursor is then where to go on.
        """
        at, cursor = await self.search(cursor)
        found = await self.read(cursor, at)
        if found.shortfalls and not found.failed and self.start_block <= at.number:
            _log.warning("accounts missing", deployment=self.deployment.name, shortfalls=len(found.shortfalls))
            at, cursor = await self.search(replace(cursor, next_block=self.start_block))
            found = await self.read(cursor, at)
        return found

    async def search(self, cursor: Cursor) -> tuple[BlockRef, Cursor]:
        """Return the cursor at a head that is still near, with every key found on the way there.

        When the head was replaced meanwhile, the blocks that can have been replaced with it are searched again.
        """
        at, following, keys = await self.chain.head(), cursor.next_block, dict.fromkeys(cursor.keys)
        while True:
            try:
                async for through, named in self._ranges(following, at):
                    new = [key for key in named if key not in keys]
                    keys.update(dict.fromkeys(new))
                    following = through + 1
                    await self.keep(following, new)
            except BlockMoved:
                following = max(following - REORG_BLOCKS, self.start_block)
                await self.keep(following, ())
            head = await self.chain.head()
            if following > at.number and head.number - at.number <= NEAR_BLOCKS:
                return at, Cursor(following, tuple(keys))
            at = head

    async def read(self, cursor: Cursor, at: BlockRef) -> Found:
        """Return the market and the accounts of all keys at the block, and what is missing for its totals."""
        market = await self.chain.read(self.adapter.market(self.deployment, self.key), at)
        parts: list[Accounts] = []
        for start in range(0, len(cursor.keys), KEYS_PER_READ):
            share = cursor.keys[start : start + KEYS_PER_READ]
            parts.append(await self.chain.read(self.adapter.accounts(market, share), at))
        totals = await self.chain.read(self.adapter.totals(market), at)
        added: Sums = {}
        for part in parts:
            moved(added, sums(part), 1)
        short = (
            Shortfall(asset, kind, expected, added.get((asset, kind), 0))
            for (asset, kind), expected in totals.items()
            if added.get((asset, kind), 0) != expected
        )
        return Found(market, at, tuple(parts), cursor, tuple(short))

    async def _ranges(self, first: int, at: BlockRef) -> AsyncIterator[tuple[int, Sequence[PositionKey]]]:
        wanted = self.adapter.discovery(self.deployment, self.key)
        first = max(first, self.start_block)
        async for blocks, logs in self.chain.logs(wanted, first, at.number, at, self.progress):
            yield blocks[-1], self.adapter.discovered(logs)


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
