"""The balances of all accounts in four flat columns, where each account has one run."""

import numpy as np
from numpy.typing import NDArray

from monitor.ledger.accounts import Accounts
from monitor.ledger.columns import Rows, ends, grown, spread


class Legs:
    """Runs are overwritten where they stand, or put at the end when they grew; what is left behind is waste."""

    __slots__ = ("asset", "high", "kind", "low", "used", "wasted")

    def __init__(self) -> None:
        self.asset: NDArray[np.uint16] = np.zeros(0, np.uint16)
        self.kind: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self.high: NDArray[np.uint64] = np.zeros(0, np.uint64)
        self.low: NDArray[np.uint64] = np.zeros(0, np.uint64)
        self.used = 0
        self.wasted = 0

    @property
    def nbytes(self) -> int:
        """Memory of the columns."""
        return self.asset.nbytes + self.kind.nbytes + self.high.nbytes + self.low.nbytes

    @property
    def is_wasteful(self) -> bool:
        """Whether more than a quarter of the columns is waste."""
        return 4 * self.wasted > self.used

    def put(self, starts: Rows, had: Rows, accounts: Accounts) -> Rows:
        """Write each account's balances over its run of `had` balances at `starts`; return where its run begins now."""
        has = np.diff(accounts.offsets)
        starts, moves = starts.copy(), has > had
        at_end = ends(has[moves])
        starts[moves] = self.used + at_end[:-1]
        self.wasted += int(had[moves].sum() + (had - has)[~moves].sum())
        self._make_room(int(at_end[-1]))
        to = spread(starts, accounts.offsets)
        self.asset[to], self.kind[to] = accounts.asset, accounts.kind
        self.high[to], self.low[to] = accounts.high, accounts.low
        return starts

    def leave(self, counts: Rows) -> None:
        """Give up runs of these lengths."""
        self.wasted += int(counts.sum())

    def taken(self, starts: Rows, counts: Rows) -> tuple[Rows, Rows]:
        """Return the offsets of runs put one after the other, and the index of each of their balances."""
        offsets = ends(counts)
        return offsets, spread(starts, offsets)

    def compact(self, starts: Rows, counts: Rows) -> Rows:
        """Put the runs that are still wanted one after the other; return where each begins now."""
        offsets, kept = self.taken(starts, counts)
        self.asset, self.kind = self.asset.take(kept), self.kind.take(kept)
        self.high, self.low = self.high.take(kept), self.low.take(kept)
        self.used, self.wasted = len(kept), 0
        return offsets[:-1]

    def _make_room(self, more: int) -> None:
        needed = self.used + more
        self.asset, self.kind = grown(self.asset, self.used, needed), grown(self.kind, self.used, needed)
        self.high, self.low = grown(self.high, self.used, needed), grown(self.low, self.used, needed)
        self.used = needed
