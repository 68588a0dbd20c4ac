"""Accounts with more legs than there are slots: a run of legs each, in flat arrays that are compacted now and then."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SMALLEST, _ABSENT = 64, -1


@dataclass(slots=True)
class Wide:
    """W accounts, in no order.

    Entry i is row `row[i]`; its legs in `code` and `raw` are `start[i]:middle[i]` for collateral and
    `middle[i]:stop[i]` for debt. The arrays have room beyond `count` entries and `filled` legs. `entry` (rows,) is the
    entry of every row, -1 for one that is not here.
    """

    count: int
    filled: int
    row: NDArray[np.int64]
    start: NDArray[np.int64]
    middle: NDArray[np.int64]
    stop: NDArray[np.int64]
    code: NDArray[np.uint16]
    raw: NDArray[np.float64]
    entry: NDArray[np.int32]

    @classmethod
    def empty(cls, rows: int) -> "Wide":
        """Return no accounts, out of so many rows."""
        row, start, middle, stop = np.zeros((4, 0), np.int64)
        return cls(
            0, 0, row, start, middle, stop, np.zeros(0, np.uint16), np.zeros(0), np.full(rows, _ABSENT, np.int32)
        )

    def __len__(self) -> int:
        return self.count

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        return sum(a.nbytes for a in (self.row, self.start, self.middle, self.stop, self.code, self.raw, self.entry))

    def among(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those of the rows that are here, each once."""
        return np.unique(rows[self.entry[rows] != _ABSENT]) if self.count else rows[:0]

    def cover(self, rows: int) -> None:
        """Make room for accounts of so many rows."""
        more = np.full(rows - len(self.entry), _ABSENT, np.int32)
        self.entry = np.concatenate((self.entry, more))

    def put(
        self,
        row: int,
        held: NDArray[np.uint16],
        held_raw: NDArray[np.float64],
        owed: NDArray[np.uint16],
        owed_raw: NDArray[np.float64],
    ) -> None:
        """Take up a row that is not here."""
        legs = len(held) + len(owed)
        self._make_room(legs)
        start, entry = self.filled, self.count
        middle, stop = start + len(held), start + legs
        self.code[start:middle], self.code[middle:stop] = held, owed
        self.raw[start:middle], self.raw[middle:stop] = held_raw, owed_raw
        self.row[entry], self.start[entry], self.middle[entry], self.stop[entry] = row, start, middle, stop
        self.entry[row] = entry
        self.filled, self.count = stop, entry + 1

    def drop(self, row: int) -> None:
        """Forget a row that is here; the last entry takes its place."""
        entry, last = int(self.entry[row]), self.count - 1
        self.entry[row] = _ABSENT
        if entry != last:
            for column in (self.row, self.start, self.middle, self.stop):
                column[entry] = column[last]
            self.entry[self.row[entry]] = entry
        self.count = last

    def move(self, row: int, to: int) -> None:
        """Let an account that is here stand under another row, which is not."""
        entry = self.entry[row]
        self.entry[row], self.entry[to], self.row[entry] = _ABSENT, entry, to

    def _make_room(self, legs: int) -> None:
        if self.count == len(self.row):
            more = max(_SMALLEST, self.count)
            for name in ("row", "start", "middle", "stop"):
                setattr(self, name, np.concatenate((getattr(self, name), np.zeros(more, np.int64))))
        if self.filled + legs <= len(self.code):
            return
        lengths = self.stop[: self.count] - self.start[: self.count]
        live = int(lengths.sum())
        room = 2 * (live + legs) + _SMALLEST
        code, raw = np.zeros(room, np.uint16), np.zeros(room)
        ends = np.cumsum(lengths)
        kept = np.repeat(self.start[: self.count] - (ends - lengths), lengths) + np.arange(live)
        code[:live], raw[:live] = self.code[kept], self.raw[kept]
        held = self.middle[: self.count] - self.start[: self.count]
        self.start[: self.count] = ends - lengths
        self.middle[: self.count] = ends - lengths + held
        self.stop[: self.count] = ends
        self.code, self.raw, self.filled = code, raw, live
