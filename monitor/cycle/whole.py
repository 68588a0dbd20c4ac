"""A deployment followed as a whole: the books of its markets, opened or built, audited, and judged where they moved."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor import log
from monitor.adapter import Followed, Market
from monitor.cycle.audit import EVERY_BLOCKS, Finding, audit, filled
from monitor.cycle.backfill import Archive, Backfill, Cursor
from monitor.cycle.book import Book
from monitor.cycle.events import Events
from monitor.cycle.follow import Brought
from monitor.cycle.outlook import Outlooks
from monitor.cycle.step import Sight, Target, assess
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.domain.moment import BlockRef
from monitor.domain.row import Evaluation
from monitor.errors import MonitorError, ReadError
from monitor.ledger.accounts import Accounts
from monitor.ledger.changes import Changes
from monitor.ledger.columns import Rows, joined, rows_of, union, without
from monitor.ledger.journal import Journal
from monitor.ledger.ledger import Ledger
from monitor.query import together
from monitor.rules.levels import Levels
from monitor.rules.quiet import distance_counts_below_wad, unremarkable
from monitor.screen.kernel import Kernel
from monitor.sources.logs.gaps import Gaps
from monitor.store import LedgerPart, NotKept, Store
from monitor.units import PPM, WAD

FULL_BELOW_WAD = 11 * WAD // 10
"""Who is below gets liquidation prices, advice and quote whenever judged."""
STALE = "it was touched and could not be read since"
_OUT_OF_REACH = "its block is out of reach"

_log = log.get("cycle")


@dataclass(slots=True)
class Whole:
    """The books of one deployment, by market.

    `unopened` says why others have none, `audits` are the last ones. `salt` keeps strangers from choosing addresses
    that slow look-ups down.
    """

    target: Target
    adapter: Followed[Market]
    start_block: int
    chain: Archive
    store: Store
    outlooks: Outlooks
    kernel: Kernel
    levels: Levels
    target_wad: int
    jitter: Callable[[], float]
    salt: int
    books: dict[MarketKey, Book] = field(default_factory=dict)
    events: dict[MarketKey, Events] = field(default_factory=dict)
    gaps: dict[MarketKey, Gaps] = field(default_factory=lambda: defaultdict(Gaps))
    unopened: dict[MarketKey, ReadError] = field(default_factory=dict)
    audits: dict[MarketKey, Finding] = field(default_factory=dict)
    _listed_block: int | None = None

    async def ready(self, head: BlockRef) -> BlockRef:
        """Open the books that are not open yet, and return the newest block of head and books.

        Building one takes long; it then stands at a newer block than the head it was asked for. Markets that cannot be
        opened are tried again with the next head. Raises ReadError when the markets cannot be listed, or none opened.
        """
        if self._listed_block is None or head.number - self._listed_block >= EVERY_BLOCKS or self.unopened:
            try:
                keys = await self.chain.read(self.adapter.markets(self.target.deployment), head)
            except ReadError as e:
                if not self.books:
                    raise
                _log.warning("markets not listed", deployment=self.target.deployment.name, problem=str(e))
            else:
                await self._open([key for key in keys if key not in self.books])
                self._listed_block = head.number
        return max((head, *(book.journal.at for book in self.books.values())), key=lambda block: block.number)

    async def _open(self, keys: Sequence[MarketKey]) -> None:
        kept = await self.store.known(self.target.deployment.name) if keys else {}
        self.unopened.clear()
        for key in keys:
            try:
                book = await self._opened(key, [p.key for p in kept if p.market == key])
                self.books[key], self.events[key] = book, await Events.stored(self.store, book)
            except ReadError as e:
                self.unopened[key] = e
        if not self.books and self.unopened:
            raise next(iter(self.unopened.values()))

    def take(self, followed: Mapping[Book, Brought | MonitorError]) -> None:
        """Take what following told of the markets; nothing may come between the two."""
        for key, book in self.books.items():
            brought = followed.get(book)
            if isinstance(brought, Brought):
                self.events[key].take(book, brought)
                self.gaps[key].undone(brought.base.number)
                first, last = brought.base.number + 1, book.journal.at.number
                self.gaps[key].took(brought.wanted, first, last, brought.logs)
                if brought.fold.changed:
                    book.disturb()

    async def rebuild(self, key: MarketKey) -> Book:
        """Build a market's book anew from the chain."""
        kept = self.books[key].kept.values()
        self.books[key] = book = await self._built(key, tuple(kept))
        self.events[key].lost()
        book.see(await self.outlooks.of(self.chain, book.market, book.journal.at))
        return book

    async def audited(self, book: Book) -> None:
        """Hold a book against the chain when that is due."""
        last, at, outlook = self.audits.get(book.market.key), book.journal.at, book.outlook
        is_due = last is None or abs(at.number - last.block) >= EVERY_BLOCKS
        if outlook is None or not (is_due or self.gaps[book.market.key].is_due):
            return
        try:
            if self.gaps[book.market.key].is_due:
                await filled(self.chain, book, self.gaps[book.market.key])
            if is_due:
                self.audits[book.market.key] = await audit(self.chain, book, int(self.jitter() * PPM))
        except ReadError as e:
            _log.warning("audit put off", deployment=self.target.deployment.name, problem=str(e))
        if book.outlook is None:
            book.see(outlook)

    async def evaluations(self, book: Book, now_s: int) -> AsyncIterator[Evaluation]:
        """Yield the evaluations of all whom judging may say something new of, the nearest to liquidation first."""
        if book.outlook is None:
            return
        due, watched = book.due(now_s), self.watched(book)
        rows = joined(due, without(watched, due))
        full = frozenset(book.journal.ledger.keys(watched))
        async for evaluation in self.assessed(book, rows, FULL_BELOW_WAD, full):
            yield evaluation

    async def assessed(
        self, book: Book, rows: Rows, near_wad: int, always: frozenset[PositionKey] = frozenset()
    ) -> AsyncIterator[Evaluation]:
        """Yield the exact evaluations of rows of a book; one that could not be read is unmeasurable."""
        if book.outlook is None:
            return
        ledger = book.journal.ledger
        is_stale = ledger.is_stale(rows)
        unread = tuple((key, STALE) for key in ledger.keys(rows[is_stale]))
        accounts = replace(ledger.accounts(rows[~is_stale]), failed=unread)
        owners = {one.key: one.owner or Address(one.key) for one in ledger.accounts(rows[is_stale])}
        sight = Sight(book.target, book.market, book.outlook, accounts, owners)
        near_wad = max(near_wad, distance_counts_below_wad(self.levels))
        async for evaluation in assess(sight, self.target_wad, near_wad, always):
            yield evaluation

    def doubt(self) -> None:
        """Note that nothing is known of any market now."""
        for book in self.books.values():
            book.doubt()

    @property
    def accounts(self) -> int:
        """How many accounts the ledgers hold."""
        return sum(len(book.journal.ledger) for book in self.books.values())

    def parts(self, at: BlockRef) -> tuple[LedgerPart, ...]:
        """Return the ledgers that stand at a block, as part of a commit; another is built anew after a restart."""
        name = self.target.deployment.name
        return tuple(
            LedgerPart(name, key, book.journal) for key, book in self.books.items() if book.journal.at.hash == at.hash
        )

    def watched(self, book: Book) -> Rows:
        """Return the rows of the owners that are watched, in order."""
        return union(rows_of(()), *(book.journal.ledger.owned(owner) for owner in self.target.owners))

    async def _opened(self, key: MarketKey, kept: Sequence[PositionKey]) -> Book:
        """Return the stored book, or one built from the chain where none is kept.

        Where the state of its block cannot be asked for any more, everyone is read again at the next head.
        """
        name = self.target.deployment.name
        journal = await self.store.ledger(name, key, self.salt)
        if isinstance(journal, NotKept):
            _log.info("ledger built anew", deployment=name, why=journal.reason)
            return await self._built(key, kept)
        wanted = self.adapter.market(self.target.deployment, key)
        try:
            return self._book(await self.chain.read(wanted, journal.at), journal, kept)
        except ReadError as e:
            _log.info("everyone read anew", deployment=name, block=journal.at.number, why=str(e))
        market = await self.chain.read(self.adapter.market(self.target.deployment, key), await self.chain.head())
        ledger = journal.ledger
        untold = [(one, _OUT_OF_REACH) for one in ledger.keys(ledger.live())]
        journal.apply(Changes(journal.at, Accounts.of((), ledger.key_bytes, failed=untold)))
        return self._book(market, journal, kept)

    async def _built(self, key: MarketKey, kept: Sequence[PositionKey]) -> Book:
        deployment, owners = self.target.deployment, self.target.owners
        search = Backfill(self.chain, self.adapter, deployment, key, self.start_block)
        head = await self.chain.head()
        market = await self.chain.read(self.adapter.market(deployment, key), head)
        owned = await self.chain.read(together(*(self.adapter.owned(market, owner) for owner in owners)), head)
        found = await search.run(Cursor(self.start_block, tuple(dict.fromkeys(one for keys in owned for one in keys))))
        ledger = Ledger(self.adapter.key_bytes, self.salt, has_owners=self.adapter.has_owners)
        for part in found.accounts:
            ledger.apply(Changes(found.at, part))
        missing = len(found.shortfalls)
        _log.info("ledger built", deployment=deployment.name, accounts=len(ledger), missing_totals=missing)
        return self._book(found.market, Journal(ledger, found.at), kept)

    def _book(self, market: Market, journal: Journal, kept: Sequence[PositionKey]) -> Book:
        usual_wad = unremarkable(self.levels).above_wad or 0
        return Book.of(self.target, self.adapter, market, journal, self.kernel, usual_wad, kept)
