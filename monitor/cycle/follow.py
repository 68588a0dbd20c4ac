"""Brings the books of a chain from the blocks they stand at to a new head: back where it forked, then by its logs."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from monitor import log
from monitor.adapter import Fold, Market
from monitor.courtesy import apart
from monitor.cycle.book import Book
from monitor.cycle.outlook import Outlooks, Source
from monitor.domain.ids import PositionKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed
from monitor.errors import BlockMoved, MonitorError, ReadError, ReorgTooDeep, UnexpectedAnswer
from monitor.ledger.accounts import Accounts
from monitor.ledger.changes import Changes
from monitor.query import Answer, Ask, Log, LogFilter, Logs, ask_raw, attempt, few_of, together

_log = log.get("cycle")


class Blocks(Source, Protocol):
    """A chain whose blocks and logs can be asked for."""

    async def block(self, which: int | str) -> BlockRef:
        """Return a block of the canonical chain by number; raises BlockMoved when there is none."""
        ...

    def logs(
        self, wanted: LogFilter, first: int, last: int, at: BlockRef, progress: Callable[[Any], None] = ...
    ) -> AsyncIterator[tuple[range, tuple[Log, ...]]]:
        """Yield the logs of a range of blocks of the chain that ends in `at`."""
        ...


@dataclass(frozen=True, slots=True)
class Brought:
    """What the blocks after `base` did to a book, whose market was `before`; `logs` are those that its filter wants."""

    base: BlockRef
    before: Market
    wanted: LogFilter
    logs: tuple[Log, ...]
    fold: Fold


async def follow(
    chain: Blocks, books: Sequence[Book], head: BlockRef, outlooks: Outlooks
) -> Mapping[Book, Brought | MonitorError]:
    """Bring every book to the head in shared reads and return what became of each.

    A book with a ReorgTooDeep, where the chain forked below what its journal reaches, has to be built anew. One with a
    ReadError stands at a block it has stood at before, and its accounts are true there.
    """
    results: dict[Book, Brought | MonitorError] = {}
    groups: dict[str, tuple[BlockRef, list[Book]]] = {}
    canonical = _Canonical(chain)
    for book in books:
        try:
            base = await _common(canonical, book, head)
        except (ReadError, ReorgTooDeep) as e:
            results[book] = e
            continue
        if base.hash != book.journal.at.hash:
            name, left = book.target.deployment.name, book.journal.at.number
            _log.info("reorg", deployment=name, back_to=base.number, left=left)
            book.rewind(base.hash)
        groups.setdefault(base.hash, (base, []))[1].append(book)
    for base, group in groups.values():
        try:
            results |= await _brought(chain, group, base, head, outlooks)
        except ReadError as e:
            results |= dict.fromkeys(group, e)
    return results


async def _brought(
    chain: Blocks, books: Sequence[Book], base: BlockRef, head: BlockRef, outlooks: Outlooks
) -> Mapping[Book, Brought | MonitorError]:
    filters = [book.adapter.interests(book.market) for book in books]
    wanted = few_of(filters)
    logs = await _past_logs(chain, wanted, base, head)
    asked = ask_raw(*(Logs(one, head.number) for one in wanted)) if logs is None else _nothing()
    markets = (attempt(book.adapter.again(book.market)) for book in books)
    feeds = (outlooks.feeds(book.market, head) for book in books)
    (answers, *found) = await chain.read(together(asked, *markets, *feeds), head)
    logs = _logs_of(answers, head) if logs is None else logs
    coins = await outlooks.coins([book.market for book in books], head)
    seen, independent = found[: len(books)], [{**own, **coins} for own in found[len(books) :]]
    results: dict[Book, Brought | MonitorError] = {
        book: market for book, market in zip(books, seen, strict=True) if isinstance(market, ReadError)
    }
    # Tens of thousands of events in one block take a second, in which others want to be answered.
    steps = await apart(_steps, books, filters, seen, logs, independent)
    reads = [attempt(book.adapter.accounts(step.market, step.keys)) for book, step in steps.items()]
    reread = await chain.read(together(*reads), head) if any(step.keys for step in steps.values()) else ()
    for book, put in (await apart(_puts, steps, reread or [Accounts.of(())] * len(steps))).items():
        if isinstance(put, ReadError):
            results[book] = put
            continue
        step = steps[book]
        before = book.market
        book.take(step.market, Changes(head, put, onto=base.hash))
        book.see(outlooks.outlook(step.market, step.independent))
        results[book] = Brought(base, before, step.wanted, step.logs, step.fold)
    return results


@dataclass(frozen=True, slots=True)
class _Step:
    """A book's market at the head, and the accounts to read there, nearest to liquidation first."""

    market: Market
    wanted: LogFilter
    logs: tuple[Log, ...]
    fold: Fold
    keys: tuple[PositionKey, ...]
    independent: Mapping[Node, PriceUsed]


def _steps(
    books: Sequence[Book],
    filters: Sequence[LogFilter],
    markets: Sequence[Market | ReadError],
    logs: Sequence[Log],
    independent: Sequence[Mapping[Node, PriceUsed]],
) -> Mapping[Book, _Step]:
    """Return what the logs, as they come, say of every book whose market could be read."""
    logs = sorted(dict.fromkeys(logs), key=lambda entry: (entry.block_number, entry.index))
    rows = zip(books, filters, markets, independent, strict=True)
    return {
        book: _folded(book, market, wanted, logs, prices)
        for book, wanted, market, prices in rows
        if not isinstance(market, ReadError)
    }


def _folded(
    book: Book, market: Market, wanted: LogFilter, logs: Sequence[Log], independent: Mapping[Node, PriceUsed]
) -> _Step:
    adapter, ledger, own = book.adapter, book.journal.ledger, tuple(entry for entry in logs if wanted.fits(entry))
    fold = adapter.fold(book.market, market, book.known(adapter.touched(book.market, own)), own)
    everyone = ledger.keys(ledger.live()) if fold.everyone else ()
    keys = tuple(dict.fromkeys((*fold.reread, *ledger.keys(ledger.stale()), *everyone)))
    return _Step(market, wanted, own, fold, book.nearest_first(keys), independent)


def _puts(steps: Mapping[Book, _Step], reread: Sequence[Accounts | ReadError]) -> Mapping[Book, Accounts | ReadError]:
    """Return of every book the accounts as folded, but for those that were read again."""
    puts: dict[Book, Accounts | ReadError] = {}
    for (book, step), accounts in zip(steps.items(), reread, strict=True):
        puts[book] = accounts
        if not isinstance(accounts, ReadError):
            anew = set(step.keys)
            kept = (account for account in step.fold.put if account.key not in anew)
            puts[book] = Accounts.of((*kept, *accounts), book.adapter.key_bytes, accounts.failed)
    return puts


class _Canonical:
    """Which blocks the chain contains, each asked for once."""

    def __init__(self, chain: Blocks) -> None:
        self._chain = chain
        self._known: dict[str, bool] = {}

    async def has(self, block: BlockRef) -> bool:
        """Whether the block is on the chain now."""
        if block.hash not in self._known:
            try:
                self._known[block.hash] = (await self._chain.block(block.number)).hash == block.hash
            except BlockMoved:
                self._known[block.hash] = False
        return self._known[block.hash]


async def _common(canonical: _Canonical, book: Book, head: BlockRef) -> BlockRef:
    """Return the newest block of the journal that the head's chain contains."""
    blocks = book.journal.blocks()
    for block in blocks:
        if block.hash in (head.parent_hash, head.hash):
            return block
    for block in blocks:
        if block.number < head.number and await canonical.has(block):
            return block
    raise ReorgTooDeep(
        f"expected one of the last {len(blocks)} blocks of {book.target.deployment.name} on the chain of block "
        f"{head.number} {head.hash}, found none: its ledger is built anew"
    )


async def _past_logs(
    chain: Blocks, wanted: Sequence[LogFilter], base: BlockRef, head: BlockRef
) -> Sequence[Log] | None:
    """Return the logs after the base, None where they are those of the head alone and can be read with the rest."""
    if head.hash == base.hash:
        return ()
    if head.parent_hash == base.hash:
        return None
    first, found = base.number + 1, list[Log]()
    for one in wanted:
        found += [entry async for _, logs in chain.logs(one, first, head.number, head) for entry in logs]
    return found


def _nothing() -> Ask[tuple[Answer, ...]]:
    """Ask nothing."""
    yield from ()
    return ()


def _logs_of(answers: tuple[Answer, ...], head: BlockRef) -> Sequence[Log]:
    found = list[Log]()
    for answer in answers:
        if not isinstance(answer, tuple):
            raise UnexpectedAnswer(f"expected the logs of block {head.number}, found {answer!r:.80}")
        found += answer
    return found
