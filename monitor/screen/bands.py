"""How far the healths of each row may move, and until when, before its exact evaluation could say anything new."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.screen.factors import Table
from monitor.screen.kernel import Intervals
from monitor.screen.slots import Rows
from monitor.units import WAD

_FOREVER = 2**62
Ends = tuple[int | None, int | None, bool]
"""Above which health, below which, None for no bound; whether it must have none instead."""


@dataclass(slots=True)
class Bands:
    """Two open intervals a row, one a view, and a time in seconds; rows that nothing was said of have the same ones.

    `above`, `below` (2, capacity), NaN where there is no bound · `blind` (2, capacity), whether a row of that view has
    to be without an interval · `until_s` (capacity,).
    """

    usual_wad: int
    above: Table
    below: Table
    blind: NDArray[np.bool_]
    until_s: NDArray[np.int64]

    @classmethod
    def empty(cls, usual_wad: int) -> "Bands":
        """Return bands in which every row is above `usual_wad` for ever."""
        return cls(usual_wad, np.zeros((2, 0)), np.zeros((2, 0)), np.zeros((2, 0), np.bool_), np.zeros(0, np.int64))

    @property
    def nbytes(self) -> int:
        """Memory of all columns."""
        return self.above.nbytes + self.below.nbytes + self.blind.nbytes + self.until_s.nbytes

    def cover(self, count: int) -> None:
        """Answer for so many rows; new ones have the usual bands."""
        had = len(self.until_s)
        if count <= had:
            return
        size = max(count, had + had // 8)
        old, self.above, self.below = (self.above, self.below), np.empty((2, size)), np.empty((2, size))
        self.above[:, :had], self.below[:, :had] = old
        self.blind = np.concatenate((self.blind, np.zeros((2, size - had), np.bool_)), axis=1)
        self.until_s = np.concatenate((self.until_s, np.zeros(size - had, np.int64)))
        self.forget(np.arange(had, size))

    def forget(self, rows: Rows) -> None:
        """Give rows the usual bands."""
        self.above[:, rows], self.below[:, rows] = self.usual_wad / WAD, np.nan
        self.blind[:, rows], self.until_s[rows] = False, _FOREVER

    def disturb(self, rows: Rows) -> None:
        """Let the time of the rows be over."""
        self.until_s[rows] = 0

    def keep(self, rows: Rows, views: Sequence[Sequence[Ends]], until_s: Sequence[int | None]) -> None:
        """Give each row its own bands: `views[0]` for the protocol's prices, `views[1]` for the cautious ones."""
        for view, ends in enumerate(views):
            self.above[view, rows] = [np.nan if above is None else above / WAD for above, _, _ in ends]
            self.below[view, rows] = [np.nan if below is None else below / WAD for _, below, _ in ends]
            self.blind[view, rows] = [is_blind for _, _, is_blind in ends]
        self.until_s[rows] = [_FOREVER if until is None else until for until in until_s]

    def left(self, views: Sequence[Intervals], now_s: int) -> Rows:
        """Return the rows that may be outside their bands at this time, in order."""
        count = len(views[0])
        out = self.until_s[:count] <= now_s
        for view, ends in enumerate(views):
            out |= ends.low <= self.above[view, :count]
            out |= ends.high >= self.below[view, :count]
            out |= np.isnan(ends.low) != self.blind[view, :count]
        return np.flatnonzero(out)
