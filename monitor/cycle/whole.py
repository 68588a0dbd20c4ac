"""A deployment followed as a whole: every account of its markets, brought to each head, those that matter judged."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace

from monitor import log
from monitor.adapter import Followed, Market
from monitor.cycle.audit import EVERY_BLOCKS, Finding, audit
from monitor.cycle.backfill import Archive, Backfill, Cursor
from monitor.cycle.book import Book
from monitor.cycle.follow import follow
from monitor.cycle.outlook import Outlooks
from monitor.cycle.step import Sight, Target, assess
from monitor.domain.ids import Address, MarketKey, PositionId, PositionKey
from monitor.domain.moment import BlockRef
from monitor.domain.row import Evaluation
from monitor.errors import ReadError, ReorgTooDeep
from monitor.ledger.changes import Changes
from monitor.ledger.columns import union
from monitor.ledger.journal import Journal
from monitor.ledger.ledger import Ledger
from monitor.screen.kernel import Kernel
from monitor.store import LedgerPart, NotKept, Store
from monitor.units import PPM, WAD

REPORTED_BELOW_WAD = 16 * WAD // 10
"""Above every level's line and its release; who is surely above it in both views is not looked at."""
FULL_BELOW_WAD = 11 * WAD // 10
_STALE = "it was touched and could not be read since"

_log = log.get("cycle")


@dataclass(slots=True)
class Whole:
    """The books of one deployment.

    `reported` are the positions that are stored, `open` those of them whose level or knowledge is not settled at OK;
    whoever commits keeps both. `audits` are the last ones. `salt` keeps strangers
    from choosing addresses that slow look-ups down.
    """

    target: Target
    adapter: Followed[Market]
    start_block: int
    chain: Archive
    store: Store
    outlooks: Outlooks
    kernel: Kernel
    target_wad: int
    jitter: Callable[[], float]
    salt: int
    open: frozenset[PositionId] = frozenset()
    reported: frozenset[PositionId] = frozenset()
    at: BlockRef | None = None
    audits: dict[MarketKey, Finding] = field(default_factory=dict)
    _books: dict[MarketKey, Book] = field(default_factory=dict)

    async def evaluations(self, head: BlockRef) -> AsyncIterator[Evaluation]:
        """Bring every book to the head and yield the evaluations of all positions that are or may be near a level.

        `at` is then where they are true: the head, or a newer block when a search for accounts took that long. Raises
        ReadError when a market cannot be read; its book then stands where it stood.
        """
        if not self._books:
            self.reported = self.open = frozenset(await self.store.known(self.target.deployment.name))
        self.at = head
        for key in await self._keys(head):
            if key not in self._books:
                book = self._books[key] = await self._opened(key)
                self.at = max(self.at, book.journal.at, key=lambda block: block.number)
        for key in tuple(self._books):
            book = await self._brought(key, self.at)
            await self._audited(book, self.at)
            async for evaluation in self._judged(book, self.at):
                yield evaluation

    @property
    def accounts(self) -> int:
        """How many accounts the ledgers hold."""
        return sum(len(book.journal.ledger) for book in self._books.values())

    @property
    def parts(self) -> tuple[LedgerPart, ...]:
        """The ledgers as part of a commit."""
        name = self.target.deployment.name
        return tuple(LedgerPart(name, key, book.journal) for key, book in self._books.items())

    async def _keys(self, head: BlockRef) -> Sequence[MarketKey]:
        return tuple(self._books) or await self.chain.read(self.adapter.markets(self.target.deployment), head)

    async def _brought(self, key: MarketKey, at: BlockRef) -> Book:
        book = self._books[key]
        try:
            await follow(self.chain, book, at)
        except ReorgTooDeep as e:
            _log.warning("rebuild", deployment=self.target.deployment.name, problem=str(e))
            book = self._books[key] = await self._built(key)
            await follow(self.chain, book, at)
        return book

    async def _opened(self, key: MarketKey) -> Book:
        """Return the stored book, or one built from the chain where none is kept or its block is out of reach."""
        name = self.target.deployment.name
        journal = await self.store.ledger(name, key, self.salt)
        if isinstance(journal, NotKept):
            _log.info("ledger built anew", deployment=name, why=journal.reason)
            return await self._built(key)
        try:
            market = await self.chain.read(self.adapter.market(self.target.deployment, key), journal.at)
        except ReadError as e:
            _log.info("ledger built anew", deployment=name, why=str(e))
            return await self._built(key)
        return Book.of(self.target, self.adapter, market, journal, self.kernel)

    async def _built(self, key: MarketKey) -> Book:
        deployment, ledger = self.target.deployment, Ledger(salt=self.salt)
        search = Backfill(self.chain, self.adapter, deployment, key, self.start_block)
        found = await search.run(Cursor(self.start_block, tuple(PositionKey(owner) for owner in self.target.owners)))
        for part in found.accounts:
            ledger.apply(Changes(found.at, part))
        missing = len(found.shortfalls)
        _log.info("ledger built", deployment=deployment.name, accounts=len(ledger), missing_totals=missing)
        return Book.of(self.target, self.adapter, found.market, Journal(ledger, found.at), self.kernel)

    async def _audited(self, book: Book, head: BlockRef) -> None:
        last = self.audits.get(book.market.key)
        if last is None or abs(head.number - last.block) >= EVERY_BLOCKS:
            try:
                self.audits[book.market.key] = await audit(self.chain, book, int(self.jitter() * PPM))
            except ReadError as e:
                _log.warning("audit put off", deployment=self.target.deployment.name, problem=str(e))

    async def _judged(self, book: Book, head: BlockRef) -> AsyncIterator[Evaluation]:
        outlook = await self.outlooks.of(self.chain, book.market, head)
        watched = [PositionKey(owner) for owner in self.target.owners]
        unsettled = [p.key for p in self.open if p.market == book.market.key]
        near = book.below(REPORTED_BELOW_WAD, outlook.repricing)
        rows = union(near, book.rows_of([*watched, *unsettled]))
        ledger = book.journal.ledger
        is_stale = ledger.is_stale(rows)
        unread = tuple((key, _STALE) for key in ledger.keys(rows[is_stale]))
        accounts = replace(ledger.accounts(rows[~is_stale]), failed=unread)
        sight = Sight(book.target, book.market, outlook, accounts, {key: Address(key) for key, _ in unread})
        async for evaluation in assess(sight, self.target_wad, FULL_BELOW_WAD, frozenset(watched)):
            yield evaluation
