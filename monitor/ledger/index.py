"""Finds the row of a key: open addressing over a column of keys, many keys at once."""

import numpy as np
from numpy.typing import NDArray

from monitor.errors import LedgerError
from monitor.ledger.hashing import hashed

Keys = NDArray[np.uint8]
Rows = NDArray[np.int64]

_EMPTY, _DROPPED = -1, -2
_SMALLEST = 64
_HALF = np.uint64(32)


class KeyIndex:
    """Rows by key, at most half full; the keys themselves stay in the column that each call names."""

    __slots__ = ("_filled", "_salt", "_table")

    def __init__(self, salt: int) -> None:
        self._salt = salt
        self._table = np.full(_SMALLEST, _EMPTY, np.int32)
        self._filled = 0

    @property
    def nbytes(self) -> int:
        """Memory of the table."""
        return self._table.nbytes

    def find(self, column: Keys, keys: Keys) -> Rows:
        """Return the row of each key, -1 where there is none."""
        found = np.full(len(keys), -1, np.int64)
        seeking, at = np.arange(len(keys)), self._home(keys)
        while len(seeking):
            row = self._table[at]
            held = np.flatnonzero(row >= 0)
            hits = held[_equal(column.take(row[held], axis=0), keys.take(seeking[held], axis=0))]
            found[seeking[hits]] = row[hits]
            row[hits] = _EMPTY
            on = np.flatnonzero(row != _EMPTY)
            seeking, at = seeking[on], self._after(at[on])
        return found

    def add(self, column: Keys, rows: Rows) -> None:
        """Take up rows whose keys are distinct and not here yet."""
        if 2 * (self._filled + len(rows)) > len(self._table):
            standing = self._table[self._table >= 0].astype(np.int64)
            held = len(standing) + len(rows)
            size = max(2 * held + held // 4, _SMALLEST)
            self._table, self._filled = np.full(size, _EMPTY, np.int32), 0
            self._place(column, standing)
        self._place(column, rows)

    def drop(self, column: Keys, rows: Rows) -> None:
        """Forget rows that are here."""
        self._table[self._slots(column, rows)] = _DROPPED

    def move(self, column: Keys, rows: Rows, to: Rows) -> None:
        """Let other rows of the same keys stand in for rows that are here."""
        self._table[self._slots(column, rows)] = to

    def _place(self, column: Keys, rows: Rows) -> None:
        at = self._home(column.take(rows, axis=0))
        while len(rows):
            before = self._table[at]
            free = before < 0
            self._table[at[free]] = rows[free]
            won = free & (self._table[at] == rows)
            self._filled += int((before[won] == _EMPTY).sum())
            rows, at = rows[~won], self._after(at[~won])

    def _slots(self, column: Keys, rows: Rows) -> Rows:
        slots, seeking, at = np.empty(len(rows), np.int64), np.arange(len(rows)), self._home(column.take(rows, axis=0))
        while len(seeking):
            row = self._table[at]
            if (row == _EMPTY).any():
                raise LedgerError(f"expected {len(rows)} rows to be found under their keys, found one that is not")
            here = row == rows[seeking]
            slots[seeking[here]] = at[here]
            seeking, at = seeking[~here], self._after(at[~here])
        return slots

    def _home(self, keys: Keys) -> Rows:
        return ((hashed(keys, self._salt) >> _HALF) * np.uint64(len(self._table)) >> _HALF).astype(np.int64)

    def _after(self, at: Rows) -> Rows:
        following = at + 1
        following[following == len(self._table)] = 0
        return following


def _equal(one: Keys, other: Keys) -> NDArray[np.bool_]:
    width = one.shape[1]
    left, right = (keys.view(np.uint32) if width % 4 == 0 else keys for keys in (one, other))
    same = np.ones(len(one), np.bool_)
    for word in range(left.shape[1]):
        same &= left[:, word] == right[:, word]
    return same
