"""One market in memory: who has what, the way back, and how everyone stands under both views."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.adapter import Followed, Known, Market
from monitor.cycle.step import Target
from monitor.domain.ids import PositionKey
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.ledger.changes import Changes
from monitor.ledger.columns import Rows, union
from monitor.ledger.journal import Journal
from monitor.screen.kernel import Intervals, Kernel
from monitor.screen.select import select
from monitor.screen.slots import Slots


@dataclass(slots=True)
class Book:
    """A market's accounts at the journal's block, and the market at that block.

    Rows of the ledger and of the slots are the same; only `take` and `rewind` change them.
    """

    target: Target
    adapter: Followed[Market]
    market: Market
    journal: Journal
    kernel: Kernel
    slots: Slots

    @classmethod
    def of(cls, target: Target, adapter: Followed[Market], market: Market, journal: Journal, kernel: Kernel) -> "Book":
        """Return the book of a ledger that stands at the market's block."""
        book = cls(target, adapter, market, journal, kernel, Slots.empty(adapter.cells, journal.ledger.extent))
        book._refresh(journal.ledger.live())
        return book

    def take(self, market: Market, changes: Changes) -> None:
        """Move to the block of the changes, at which the market was read."""
        self._refresh(self.journal.apply(changes))
        self.market = market

    def rewind(self, to_hash: str) -> None:
        """Go back to a block that the journal reaches; the market stays as read until the next `take`."""
        self._refresh(self.journal.rewind(to_hash))

    def known(self, keys: Sequence[PositionKey]) -> Known:
        """Return how accounts are looked up among those keys; one that was touched and not read since is not known."""
        ledger = self.journal.ledger
        rows = self.rows_of(keys)
        accounts = ledger.accounts(rows[~ledger.is_stale(rows)])
        return {account.key: account for account in accounts}.get

    def below(self, line_wad: int, cautious: Repricing) -> Rows:
        """Return the rows that may be below a health in either view, or of which nothing is known, in order."""
        found = [self.journal.ledger.stale()]
        for repricing in (PROTOCOL, cautious):
            chosen = select(self.kernel, self._intervals(repricing), [line_wad])
            found += [chosen.rows, chosen.unknown]
        rows = union(*found)
        return rows[self.journal.ledger.is_live(rows)]

    def rows_of(self, keys: Sequence[PositionKey]) -> Rows:
        """Return the rows of those keys that the ledger has, in order."""
        rows = self.journal.ledger.rows(keys)
        return union(rows[rows >= 0])

    def _intervals(self, repricing: Repricing) -> Intervals:
        return self.kernel.screen(self.slots, self.adapter.factors(self.market, repricing))

    def _refresh(self, rows: Rows) -> None:
        ledger = self.journal.ledger
        rows = rows[rows < ledger.extent]
        is_live = ledger.is_live(rows)
        live, gone = rows[is_live], rows[~is_live]
        self.slots.update(live, ledger.accounts(live))
        self.slots.clear(gone[gone < len(self.slots)])
        self.slots.truncate(ledger.extent)
