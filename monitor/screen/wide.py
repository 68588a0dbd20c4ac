"""Accounts with more legs than there are slots: a run of legs each, in flat arrays that are compacted now and then."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_SMALLEST = 64


@dataclass(slots=True)
class Wide:
    """W accounts, in no order.

    Entry i is row `row[i]`; its legs in `code` and `raw` are `start[i]:middle[i]` for collateral and
    `middle[i]:stop[i]` for debt. The arrays have room beyond `count` entries and `filled` legs.
    """

    count: int
    filled: int
    row: NDArray[np.int64]
    start: NDArray[np.int64]
    middle: NDArray[np.int64]
    stop: NDArray[np.int64]
    code: NDArray[np.uint16]
    raw: NDArray[np.float64]
    _entry: dict[int, int] = field(default_factory=dict)

    @classmethod
    def empty(cls) -> "Wide":
        """Return no accounts."""
        row, start, middle, stop = np.zeros((4, 0), np.int64)
        return cls(0, 0, row, start, middle, stop, np.zeros(0, np.uint16), np.zeros(0))

    def __len__(self) -> int:
        return self.count

    def __contains__(self, row: int) -> bool:
        return row in self._entry

    @property
    def nbytes(self) -> int:
        """Memory of the arrays; the index by row comes on top, for these few accounts only."""
        return sum(a.nbytes for a in (self.row, self.start, self.middle, self.stop, self.code, self.raw))

    def among(self, rows: NDArray[np.int64]) -> list[int]:
        """Return those of the rows that are here."""
        if not self.count:
            return []
        return list(rows[np.isin(rows, self.row[: self.count])].tolist())

    def entries(self, rows: Iterable[int]) -> NDArray[np.int64]:
        """Return the entry of each of these rows, which are here."""
        return np.array([self._entry[row] for row in rows], np.int64)

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
        self._entry[row] = entry
        self.filled, self.count = stop, entry + 1

    def drop(self, row: int) -> None:
        """Forget a row that is here; the last entry takes its place."""
        entry, last = self._entry.pop(row), self.count - 1
        if entry != last:
            for column in (self.row, self.start, self.middle, self.stop):
                column[entry] = column[last]
            self._entry[int(self.row[entry])] = entry
        self.count = last

    def move(self, row: int, to: int) -> None:
        """Let an account that is here stand under another row, which is not."""
        entry = self._entry.pop(row)
        self._entry[to] = entry
        self.row[entry] = to

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
