"""Finds the rows of an owner: the index leads to one of them, and each leads to the next and the one before."""

import numpy as np
from numpy.typing import NDArray

from monitor.ledger.columns import Rows, grown
from monitor.ledger.index import KeyIndex

_NONE = -1


class OwnerIndex:
    """Rows by owner; a row whose owner is all zero bytes has none."""

    __slots__ = ("_before", "_first", "_next")

    def __init__(self, salt: int) -> None:
        self._first = KeyIndex(salt)
        self._next: NDArray[np.int32] = np.zeros(0, np.int32)
        self._before: NDArray[np.int32] = np.zeros(0, np.int32)

    @property
    def nbytes(self) -> int:
        """Memory of the index."""
        return self._first.nbytes + self._next.nbytes + self._before.nbytes

    def rows(self, column: NDArray[np.uint8], owner: NDArray[np.uint8]) -> Rows:
        """Return the rows of one owner (1, 20), in no order."""
        row = int(self._first.find(column, owner)[0])
        found = []
        while row != _NONE:
            found.append(row)
            row = int(self._next[row])
        return np.array(found, np.int64)

    def add(self, column: NDArray[np.uint8], rows: Rows) -> None:
        """Take up rows that are not here yet."""
        rows = rows[column[rows].any(axis=1)]
        if not len(rows):
            return
        known = max(int(rows.max()) + 1, len(self._next))
        self._next = grown(self._next, len(self._next), known)
        self._before = grown(self._before, len(self._before), known)
        rows = rows[np.lexsort(column[rows].view(np.uint32).T)]
        owners = column[rows]
        same = (owners[1:] == owners[:-1]).all(axis=1)
        leads = np.concatenate(([True], ~same))
        self._next[rows], self._before[rows] = _NONE, _NONE
        self._next[rows[:-1][same]], self._before[rows[1:][same]] = rows[1:][same], rows[:-1][same]
        firsts, lasts = rows[leads], rows[np.append(~same, True)]
        standing = self._first.find(column, column[firsts])
        stood = standing >= 0
        self._next[lasts[stood]], self._before[standing[stood]] = standing[stood], lasts[stood]
        self._first.move(column, standing[stood], firsts[stood])
        self._first.add(column, firsts[~stood])

    def drop(self, column: NDArray[np.uint8], rows: Rows) -> None:
        """Forget rows that are here, while the column still names their owners."""
        for row in rows[column[rows].any(axis=1)].tolist():
            before, after = int(self._before[row]), int(self._next[row])
            if after != _NONE:
                self._before[after] = before
            if before != _NONE:
                self._next[before] = after
            elif after != _NONE:
                self._first.move(column, np.array([row]), np.array([after]))
            else:
                self._first.drop(column, np.array([row]))
