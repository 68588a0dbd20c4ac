"""A deployment followed as a whole: the books of its markets, opened or built, audited, and judged where they moved."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor import log
from monitor.adapter import Followed, Market
from monitor.cycle.audit import EVERY_BLOCKS, Finding, audit, filled
from monitor.cycle.backfill import Archive
from monitor.cycle.book import Book
from monitor.cycle.events import Events
from monitor.cycle.follow import Brought
from monitor.cycle.markets.listing import Listing
from monitor.cycle.markets.opening import Opening
from monitor.cycle.outlook import Outlooks
from monitor.cycle.step import Sight, Target, assess
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.domain.moment import BlockRef
from monitor.domain.row import Evaluation
from monitor.errors import MonitorError, ReadError
from monitor.ledger.columns import Rows, joined, rows_of, union, without
from monitor.query import LogFilter
from monitor.rules.causes.stale import stale_inputs
from monitor.rules.levels import Levels
from monitor.rules.quiet import measures_count_below_wad, unremarkable
from monitor.screen.kernel import Kernel
from monitor.sources.logs.gaps import Gaps
from monitor.store import AuditPart, LedgerPart, Store
from monitor.units import PPM, WAD

FULL_BELOW_WAD = 11 * WAD // 10
"""Who is below gets liquidation prices, advice and quote whenever judged."""
STALE = "it was touched and could not be read since"

_log = log.get("cycle")


@dataclass(slots=True)
class Whole:
    """The books of one deployment, by market.

    `unopened` says why others have none, `audits` are the last ones; `gaps` are kept with the first of the markets that
    want the same logs. `salt` keeps strangers from choosing addresses
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
    listing: Listing = field(init=False)
    opening: Opening = field(init=False)
    _led: dict[MarketKey, list[Book]] = field(default_factory=dict)
    _audits_left: int = 0
    _tries: int = 0
    _tried_block: int = 0
    _measured_below_wad: int = field(init=False)

    def __post_init__(self) -> None:
        usual_wad = unremarkable(self.levels, self.adapter.kind).above_wad or 0
        self._measured_below_wad = measures_count_below_wad(self.levels)
        self.listing = Listing(self.adapter, self.target.deployment)
        self.opening = Opening(
            self.target, self.adapter, self.chain, self.store, self.listing,
            self.start_block, self.kernel, usual_wad, self.salt,
        )  # fmt: skip

    async def ready(self, head: BlockRef) -> BlockRef:
        """Open the books that are not open yet, and return the newest block of head and books.

        Building one takes long; it then stands at a newer block than the head it was asked for. Markets that cannot be
        opened are tried again with the next head, then less and less often. Raises ReadError when the markets cannot
        be listed, or none opened.
        """
        name = self.target.deployment.name
        if not self.books:
            self.listing.keep(position.market for position in await self.store.known(name))
        try:
            keys = await self.listing.keys(self.chain, head)
        except ReadError as e:
            if not self.books:
                raise
            _log.warning("markets not listed", deployment=name, problem=str(e))
            keys = ()
        shut = [key for key in keys if key not in self.books]
        is_due = abs(head.number - self._tried_block) >= min(2**self._tries // 2, EVERY_BLOCKS)
        if shut and (is_due or not self.unopened.keys() >= set(shut)):
            await self._open(shut)
            self._tried_block = head.number
        if not self.books and self.unopened:
            raise next(iter(self.unopened.values()))
        return max((head, *(book.journal.at for book in self.books.values())), key=lambda block: block.number)

    async def _open(self, keys: Sequence[MarketKey]) -> None:
        kept = defaultdict[MarketKey, list[PositionKey]](list)
        for position in await self.store.known(self.target.deployment.name):
            kept[position.market].append(position.key)
        try:
            opened = await self.opening.opened(keys, kept)
        except ReadError as e:
            self.unopened, self._tries = dict.fromkeys(keys, e), 0
            return
        for key, book in opened.items():
            if isinstance(book, Book):
                self.books[key], self.events[key] = book, await Events.stored(self.store, book)
        self.unopened = {key: why for key, why in opened.items() if isinstance(why, ReadError)}
        self._tries = self._tries + 1 if self.unopened else 0

    def take(self, followed: Mapping[Book, Brought | MonitorError]) -> None:
        """Take what following told of the markets; nothing may come between the two.

        Markets of which a log tells that somebody borrowed there for the first time are opened with the next head.
        """
        self._led.clear()
        leaders = dict[LogFilter, MarketKey]()
        for key, book in self.books.items():
            brought = followed.get(book)
            if isinstance(brought, Brought):
                self.events[key].take(book, brought)
                leader = leaders.setdefault(brought.wanted, key)
                self._led.setdefault(leader, []).append(book)
                if leader == key:
                    self._took(key, book, brought)
                if brought.fold.changed or stale_inputs(brought.before.graph) != stale_inputs(book.market.graph):
                    book.disturb()
        self._audits_left = -(-len(self.books) // EVERY_BLOCKS)

    def _took(self, leader: MarketKey, book: Book, brought: Brought) -> None:
        """Note the logs of all markets that want the same ones."""
        self.gaps[leader].undone(brought.base.number)
        first, last = brought.base.number + 1, book.journal.at.number
        self.gaps[leader].took(brought.wanted, first, last, brought.logs)
        self.listing.heard(brought.logs)

    async def rebuild(self, keys: Sequence[MarketKey]) -> Mapping[MarketKey, Book | ReadError]:
        """Build books anew from the chain, in one search; one that cannot be stays as it is, and is told as its error.

        Raises ReadError when the chain does not answer.
        """
        kept = {key: tuple(self.books[key].kept.values()) for key in keys}
        built = await self.opening.built(keys, kept)
        books = [book for book in built.values() if isinstance(book, Book)]
        if books:
            at = books[0].journal.at
            outlooks = await self.outlooks.each(self.chain, [book.market for book in books], at)
            for book, outlook in zip(books, outlooks, strict=True):
                book.see(outlook)
                self.books[book.market.key] = book
                self.events[book.market.key].lost()
        return built

    async def audited(self, book: Book) -> None:
        """Hold a book against the chain when that is due, a few of many books with each block."""
        key, at = book.market.key, book.journal.at
        last, gaps, led = self.audits.get(key), self.gaps[key], self._led.get(key, [])
        is_due = self._audits_left > 0 and (last is None or abs(at.number - last.block) >= EVERY_BLOCKS)
        if book.outlook is None or not (is_due or gaps.is_due):
            return
        outlooks = [(one, one.outlook) for one in (book, *led)]
        try:
            if gaps.is_due:
                await filled(self.chain, [one for one in led if one.journal.at.hash == at.hash], gaps)
            if is_due:
                self._audits_left -= 1
                self.audits[key] = await audit(self.chain, book, int(self.jitter() * PPM))
        except ReadError as e:
            _log.warning("audit put off", deployment=self.target.deployment.name, problem=str(e))
        for one, outlook in outlooks:
            if one.outlook is None and outlook is not None:
                one.see(outlook)

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
        sight = self.sight(book, rows)
        if sight is None:
            return
        near_wad = max(near_wad, self._measured_below_wad)
        async for evaluation in assess(sight, self.target_wad, near_wad, always):
            yield evaluation

    def sight(self, book: Book, rows: Rows) -> Sight | None:
        """Return rows of a book as one read of its market, None while nothing is known of now."""
        if book.outlook is None:
            return None
        ledger = book.journal.ledger
        is_stale = ledger.is_stale(rows)
        unread = tuple((key, STALE) for key in ledger.keys(rows[is_stale]))
        accounts = replace(ledger.accounts(rows[~is_stale]), failed=unread)
        owners = {one.key: one.owner or Address(one.key) for one in ledger.accounts(rows[is_stale])}
        return Sight(book.target, book.market, book.outlook, accounts, owners, self.outlooks.risk)

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

    def audits_at(self, at: BlockRef) -> tuple[AuditPart, ...]:
        """Return what audits found at a block, as part of a commit."""
        name = self.target.deployment.name
        return tuple(
            AuditPart(name, key, at, found.sampled, len(found.differing), len(found.apart), found.match_ppm)
            for key, found in self.audits.items()
            if found.block == at.number
        )

    def watched(self, book: Book) -> Rows:
        """Return the rows of the owners that are watched, in order."""
        return union(rows_of(()), *(book.journal.ledger.owned(owner) for owner in self.target.owners))
