"""Brings a market's book from the block it stands at to a new head: back where the chain forked, then by its logs."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Protocol

from monitor import log
from monitor.adapter import Fold
from monitor.cycle.book import Book
from monitor.cycle.outlook import Source
from monitor.domain.moment import BlockRef
from monitor.errors import BlockMoved, ReorgTooDeep, UnexpectedAnswer
from monitor.ledger.accounts import Accounts
from monitor.ledger.changes import Changes
from monitor.query import Log, LogFilter, Logs, ask_raw

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


async def follow(chain: Blocks, book: Book, head: BlockRef) -> Fold:
    """Bring the book to the head and return what the blocks between did.

    Raises ReorgTooDeep when the chain forked below what the journal reaches, ReadError when a read failed: then the
    book stands at a block it has stood at before, and its accounts are true there.
    """
    base = await _common(chain, book, head)
    if base.hash != book.journal.at.hash:
        _log.info("reorg", deployment=book.target.deployment.name, back_to=base.number, depth=book.journal.at.number)
        book.rewind(base.hash)
    before, adapter = book.market, book.adapter
    logs = await _logs(chain, adapter.interests(before), base, head)
    market = await chain.read(adapter.again(before), head)
    fold = adapter.fold(before, market, book.known(adapter.touched(market, logs)), logs)
    ledger = book.journal.ledger
    keys = tuple(dict.fromkeys((*fold.reread, *ledger.keys(ledger.stale()))))
    reread = await chain.read(adapter.accounts(market, keys), head)
    anew = set(keys)
    put = Accounts.of((*(a for a in fold.put if a.key not in anew), *reread), failed=reread.failed)
    book.take(market, Changes(head, put, onto=base.hash))
    return fold


async def _common(chain: Blocks, book: Book, head: BlockRef) -> BlockRef:
    """Return the newest block of the journal that the head's chain contains."""
    blocks = book.journal.blocks()
    for block in blocks:
        if block.hash in (head.parent_hash, head.hash):
            return block
    for block in blocks:
        if block.number < head.number and await _is_canonical(chain, block):
            return block
    raise ReorgTooDeep(
        f"expected one of the last {len(blocks)} blocks of {book.target.deployment.name} on the chain of block "
        f"{head.number} {head.hash}, found none: its ledger is built anew"
    )


async def _is_canonical(chain: Blocks, block: BlockRef) -> bool:
    try:
        return (await chain.block(block.number)).hash == block.hash
    except BlockMoved:
        return False


async def _logs(chain: Blocks, wanted: LogFilter, base: BlockRef, head: BlockRef) -> Sequence[Log]:
    if head.hash == base.hash:
        return ()
    if head.parent_hash != base.hash:
        spans = chain.logs(wanted, base.number + 1, head.number, head)
        return [entry async for _, logs in spans for entry in logs]
    (answer,) = await chain.read(ask_raw(Logs(wanted, head.number)), head)
    if not isinstance(answer, tuple):
        raise UnexpectedAnswer(f"expected the logs of block {head.number}, found {answer!r:.80}")
    return answer
