"""One market in memory: who has what, the way back, and how everyone stands under both views."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.adapter import Followed, Known, Market
from monitor.cycle.step import Target
from monitor.domain.ids import PositionKey
from monitor.domain.prices import PROTOCOL
from monitor.ledger.changes import Changes
from monitor.ledger.columns import Rows, rows_of, union
from monitor.ledger.journal import Journal
from monitor.pricing.repricing import Outlook
from monitor.screen.bands import Bands
from monitor.screen.kernel import Intervals, Kernel
from monitor.screen.select import nearest_first
from monitor.screen.slots import Slots


@dataclass(slots=True, eq=False)
class Book:
    """A market's accounts at the journal's block, the market at that block, and both healths of everyone there.

    Rows of the ledger, slots, intervals and bands are the same; only `take` and `rewind` change the accounts. After
    them `see` brings the intervals up to date; until then there is no `outlook`. `version` is another one whenever
    anything is, `kept` are the rows whose position is remembered elsewhere, `lost` the
    keys of those that are gone from the ledger since `lost` was last emptied.
    """

    target: Target
    adapter: Followed[Market]
    market: Market
    journal: Journal
    kernel: Kernel
    slots: Slots
    bands: Bands
    outlook: Outlook | None = None
    protocol: Intervals = field(default_factory=lambda: Intervals.room(0))
    cautious: Intervals = field(default_factory=lambda: Intervals.room(0))
    version: int = 0
    kept: dict[int, PositionKey] = field(default_factory=dict)
    lost: list[PositionKey] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        target: Target,
        adapter: Followed[Market],
        market: Market,
        journal: Journal,
        kernel: Kernel,
        usual_wad: int,
        kept: Sequence[PositionKey] = (),
    ) -> "Book":
        """Return the book of a ledger that stands at the market's block; nothing is said of those above `usual_wad`.

        What is remembered of the `kept` positions is looked at with the next block.
        """
        slots = Slots.empty(adapter.cells, journal.ledger.extent)
        book = cls(target, adapter, market, journal, kernel, slots, Bands.empty(usual_wad))
        book._refresh(journal.ledger.live())
        rows = journal.ledger.rows(kept)
        book.kept = {row: key for row, key in zip(rows.tolist(), kept, strict=True) if row >= 0}
        book.lost = [key for row, key in zip(rows.tolist(), kept, strict=True) if row < 0]
        book.doubt()
        return book

    def take(self, market: Market, changes: Changes) -> None:
        """Move to the block of the changes, at which the market was read."""
        self._refresh(self.journal.apply(changes))
        self.market, self.outlook = market, None

    def rewind(self, to_hash: str) -> None:
        """Go back to a block that the journal reaches; the market stays as read until the next `take`."""
        self._refresh(self.journal.rewind(to_hash))
        self.outlook = None

    def see(self, outlook: Outlook) -> None:
        """Screen everyone under the protocol's prices and the cautious ones; only what differs is done twice."""
        self.outlook, self.version = outlook, self.version + 1
        factors = self.adapter.factors(self.market, PROTOCOL)
        wary = self.adapter.factors(self.market, outlook.repricing)
        self.protocol = self.kernel.screen(self.slots, factors, self.protocol)
        changed = wary.changed_assets(factors)
        if changed is not None and not len(changed):
            self.cautious = self.protocol
        else:
            own = self.cautious if self.cautious is not self.protocol else None
            self.cautious = self.kernel.screen(self.slots, wary, own)

    def due(self, now_s: int) -> Rows:
        """Return the rows to judge now, the nearest to liquidation first: those outside their bands, or unread."""
        ledger = self.journal.ledger
        rows = union(ledger.stale(), self.bands.left(self.views, now_s))
        rows = rows[ledger.is_live(rows)]
        return rows[nearest_first(self.views, rows)]

    def nearest_first(self, keys: Sequence[PositionKey]) -> tuple[PositionKey, ...]:
        """Return the keys, those that were nearest to liquidation first and those not seen before last."""
        order = nearest_first(self.views, self.journal.ledger.rows(keys))
        return tuple(keys[place] for place in order.tolist())

    @property
    def views(self) -> tuple[Intervals, Intervals]:
        """The healths of everyone under the protocol's prices and under the cautious ones."""
        return self.protocol, self.cautious

    def doubt(self) -> None:
        """Note that nothing is known of now, and have everyone judged anew of whom something is remembered."""
        self.outlook = None
        self.disturb()

    def disturb(self) -> None:
        """Have everyone judged anew of whom something is remembered: the market is not what it was."""
        self.bands.disturb(rows_of(self.kept))

    def known(self, keys: Sequence[PositionKey]) -> Known:
        """Return how accounts are looked up among those keys; one that was touched and not read since is not known."""
        ledger = self.journal.ledger
        rows = self.rows_of(keys)
        accounts = ledger.accounts(rows[~ledger.is_stale(rows)])
        return {account.key: account for account in accounts}.get

    def rows_of(self, keys: Sequence[PositionKey]) -> Rows:
        """Return the rows of those keys that the ledger has, in order."""
        rows = self.journal.ledger.rows(keys)
        return union(rows[rows >= 0])

    def _refresh(self, rows: Rows) -> None:
        ledger = self.journal.ledger
        self._follow_kept(rows)
        rows = rows[rows < ledger.extent]
        is_live = ledger.is_live(rows)
        live, gone = rows[is_live], rows[~is_live]
        self.slots.update(live, ledger.accounts(live))
        self.slots.clear(gone[gone < len(self.slots)])
        self.slots.truncate(ledger.extent)
        self.bands.cover(ledger.extent)

    def _follow_kept(self, rows: Rows) -> None:
        """Have touched positions judged anew, and let go of those whose row is empty or another's now."""
        ledger = self.journal.ledger
        touched = rows_of(row for row in rows.tolist() if row in self.kept)
        there = touched[touched < ledger.extent]
        there = there[ledger.is_live(there)]
        same = {row for row, key in zip(there.tolist(), ledger.keys(there), strict=True) if self.kept[row] == key}
        gone = [row for row in touched.tolist() if row not in same]
        self.lost += [self.kept.pop(row) for row in gone]
        self.bands.forget(rows_of(gone))
        self.bands.disturb(rows_of(same))
