"""All accounts of one market in columns, found by key and owner, with their digest and sums kept up to date."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.domain.ids import Address, PositionKey
from monitor.errors import LedgerError
from monitor.ledger.accounts import OWNER_BYTES, Account, Accounts, key_rows, key_texts
from monitor.ledger.changes import Changes, Undo
from monitor.ledger.columns import Rows, distinct, grown
from monitor.ledger.hashing import Digest, digest, has_doubles
from monitor.ledger.index import KeyIndex
from monitor.ledger.legs import Legs
from monitor.ledger.owners import OwnerIndex
from monitor.ledger.sums import Sums, moved, sums

_LIVE, _STALE = 1, 2
_MOST_BALANCES = 2**16 - 1


class Ledger:
    """Accounts by row. A key keeps its row while its account lives; the row of one that is gone goes to another key.

    With `has_owners` each account names its owner, else its key is the owner. `salt` is any number that strangers who
    choose keys cannot know; it changes nothing but speed under attack. Rows and keys go in and come out many at once.
    """

    __slots__ = ("_category", "_count", "_digest", "_extent", "_flags", "_free", "_index", "_keys", "_legs", "_owned",
                 "_owners", "_start", "_sums", "key_bytes")  # fmt: skip

    def __init__(self, key_bytes: int = 20, salt: int = 0, *, has_owners: bool = False) -> None:
        self.key_bytes = key_bytes
        self._keys: NDArray[np.uint8] = np.zeros((0, key_bytes), np.uint8)
        self._owners: NDArray[np.uint8] | None = np.zeros((0, OWNER_BYTES), np.uint8) if has_owners else None
        self._category: NDArray[np.uint16] = np.zeros(0, np.uint16)
        self._count: NDArray[np.uint16] = np.zeros(0, np.uint16)
        self._start: NDArray[np.uint32] = np.zeros(0, np.uint32)
        self._flags: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._legs = Legs()
        self._index = KeyIndex(salt)
        self._owned = OwnerIndex(salt)
        self._free: list[int] = []
        self._extent = 0
        self._digest = Digest()
        self._sums: Sums = {}

    def __len__(self) -> int:
        return self._extent - len(self._free)

    @property
    def extent(self) -> int:
        """One more than the highest row ever used: what a column with an element for each row must hold."""
        return self._extent

    @property
    def has_owners(self) -> bool:
        """Whether accounts name an owner other than their key."""
        return self._owners is not None

    @property
    def digest(self) -> Digest:
        """The sum over all that is stored; ledgers with equal accounts have equal digests, whatever their history."""
        return self._digest

    @property
    def sums(self) -> Sums:
        """The exact sum of the balances of each asset and kind."""
        return dict(self._sums)

    @property
    def nbytes(self) -> int:
        """Memory of all columns and indices."""
        columns = (self._keys, self._category, self._count, self._start, self._flags, self._owners)
        own = sum(column.nbytes for column in columns if column is not None)
        return own + self._legs.nbytes + self._index.nbytes + self._owned.nbytes

    def rows(self, keys: Sequence[PositionKey]) -> Rows:
        """Return the row of each key, -1 where there is none; raises LedgerError for what is no key."""
        return self.rows_of(key_rows(keys, self.key_bytes))

    def rows_of(self, keys: NDArray[np.uint8]) -> Rows:
        """Return the row of each key given as bytes (N, width), -1 where there is none."""
        return self._index.find(self._keys, keys)

    def owned(self, owner: Address) -> Rows:
        """Return the rows of an owner's accounts, in order."""
        if self._owners is None:
            found = self.rows([PositionKey(owner)])
            return found[found >= 0]
        return np.sort(self._owned.rows(self._owners, key_rows([owner], OWNER_BYTES)))

    def live(self) -> Rows:
        """Return every row that holds an account, in order."""
        return np.flatnonzero(self._flags[: self._extent])

    def stale(self) -> Rows:
        """Return the rows whose account was touched and could not be read since, in order."""
        return np.flatnonzero(self._flags[: self._extent] & _STALE)

    def is_live(self, rows: Rows) -> NDArray[np.bool_]:
        """Return which rows hold an account."""
        return self._flags[rows] > 0

    def is_stale(self, rows: Rows) -> NDArray[np.bool_]:
        """Return which rows hold an account that was touched and could not be read since."""
        return self._flags[rows] & _STALE > 0

    def keys(self, rows: Rows) -> list[PositionKey]:
        """Return the keys of rows that hold an account."""
        return [PositionKey(text) for text in key_texts(self._keys.take(rows, axis=0))]

    def account(self, row: int) -> Account:
        """Return the account in a row."""
        return next(iter(self.accounts(np.array([row]))))

    def accounts(self, rows: Rows | None = None) -> Accounts:
        """Return copies of the accounts in the rows, of all when None, in order.

        Raises LedgerError when a row holds none.
        """
        wanted = self.live() if rows is None else rows
        if len(wanted) and (wanted.min() < 0 or wanted.max() >= self._extent or not self.is_live(wanted).all()):
            raise LedgerError(f"expected rows that hold an account, found one that does not among {len(wanted)}")
        counts = self._count.take(wanted).astype(np.int64)
        offsets, legs = self._legs.taken(self._start.take(wanted).astype(np.int64), counts)
        return Accounts(
            keys=self._keys.take(wanted, axis=0),
            category=self._category.take(wanted),
            offsets=offsets,
            asset=self._legs.asset.take(legs),
            kind=self._legs.kind.take(legs),
            high=self._legs.high.take(legs),
            low=self._legs.low.take(legs),
            owners=None if self._owners is None else self._owners.take(wanted, axis=0),
        )

    def apply(self, changes: Changes) -> Undo:
        """Take the changes and return what undoes them.

        Raises LedgerError, with nothing taken, when a key is named twice or the columns do not fit this ledger.
        """
        put = changes.put
        failed = key_rows([key for key, _ in put.failed], self.key_bytes)
        return self._turn(put, np.zeros(len(put), np.bool_), failed, key_rows(changes.gone, self.key_bytes))

    def undo(self, undo: Undo) -> Rows:
        """Take back the newest change that is not yet taken back; return the rows whose content that touched."""
        none = np.zeros((0, self.key_bytes), np.uint8)
        return self._turn(undo.before, undo.stale, none, undo.added).rows

    def load(self, accounts: Accounts, stale: NDArray[np.bool_]) -> None:
        """Take accounts from an image, with their marks; raises LedgerError as `apply` does."""
        none = np.zeros((0, self.key_bytes), np.uint8)
        self._turn(accounts, stale, none, none)

    def _turn(
        self, put: Accounts, stale: NDArray[np.bool_], failed: NDArray[np.uint8], gone: NDArray[np.uint8]
    ) -> Undo:
        self._check(put)
        keys = np.concatenate([put.keys, failed, gone]) if len(put) else np.concatenate([failed, gone])
        if has_doubles(keys):
            raise LedgerError(f"expected each key once, found one named twice among {len(keys)}")
        if not len(keys):
            return Undo(Accounts.of((), self.key_bytes), stale, keys, np.empty(0, np.int64))
        rows, staying = self.rows_of(keys), len(put) + len(failed)
        before, now = rows[rows >= 0], rows[:staying]
        accounts, marks = self.accounts(before), self.is_stale(before)
        self._count_out(before, accounts)
        self._remove(rows[staying:][rows[staying:] >= 0])
        new = now < 0
        added = keys[:staying][new]
        now[new] = self._open(added)
        self._write(put, stale, now[: len(put)])
        self._flags[now[len(put) :]] |= _STALE
        self._tidy()
        self._count_in(now)
        return Undo(accounts, marks, added, distinct(np.concatenate([before, now])))

    def _check(self, put: Accounts) -> None:
        if len(put) and put.keys.shape[1] != self.key_bytes:
            raise LedgerError(f"expected keys of {self.key_bytes} bytes, found {put.keys.shape[1]}")
        if len(put) and (put.owners is None) == self.has_owners:
            raise LedgerError(f"expected accounts {'with' if self.has_owners else 'without'} owners, found others")
        if len(put) and np.diff(put.offsets).max() > _MOST_BALANCES:
            raise LedgerError(f"expected at most {_MOST_BALANCES} balances per account, found more")

    def _count_out(self, rows: Rows, accounts: Accounts) -> None:
        if len(rows):
            self._digest -= digest(accounts, self.is_stale(rows))
            moved(self._sums, sums(accounts), -1)

    def _count_in(self, rows: Rows) -> None:
        if len(rows):
            accounts = self.accounts(rows)
            self._digest += digest(accounts, self.is_stale(rows))
            moved(self._sums, sums(accounts), 1)

    def _open(self, keys: NDArray[np.uint8]) -> Rows:
        """Give each new key a row, an empty account for now."""
        if not len(keys):
            return np.empty(0, np.int64)
        reused = min(len(keys), len(self._free))
        again = [self._free.pop() for _ in range(reused)]
        fresh = np.arange(self._extent, self._extent + len(keys) - reused)
        rows = np.concatenate([np.array(again, np.int64), fresh])
        needed = self._extent + len(fresh)
        self._keys, self._category = (grown(c, self._extent, needed) for c in (self._keys, self._category))
        self._count, self._start = (grown(c, self._extent, needed) for c in (self._count, self._start))
        self._flags = grown(self._flags, self._extent, needed)
        if self._owners is not None:
            self._owners = grown(self._owners, self._extent, needed)
            self._owners[rows] = 0
        self._extent = needed
        self._keys[rows], self._flags[rows] = keys, _LIVE
        self._category[rows], self._count[rows], self._start[rows] = 0, 0, 0
        self._index.add(self._keys, rows)
        return rows

    def _write(self, put: Accounts, stale: NDArray[np.bool_], rows: Rows) -> None:
        had = self._count[rows].astype(np.int64)
        self._start[rows] = self._legs.put(self._start[rows].astype(np.int64), had, put)
        self._count[rows], self._category[rows] = np.diff(put.offsets), put.category
        self._flags[rows] = _LIVE + stale * _STALE
        if self._owners is not None and put.owners is not None:
            other = (self._owners[rows] != put.owners).any(axis=1)
            self._owned.drop(self._owners, rows[other])
            self._owners[rows] = put.owners
            self._owned.add(self._owners, rows[other])

    def _remove(self, rows: Rows) -> None:
        if not len(rows):
            return
        if self._owners is not None:
            self._owned.drop(self._owners, rows)
        self._index.drop(self._keys, rows)
        self._legs.leave(self._count[rows].astype(np.int64))
        self._flags[rows], self._count[rows] = 0, 0
        self._free += rows[::-1].tolist()

    def _tidy(self) -> None:
        if self._legs.is_wasteful:
            live = self.live()
            counts = self._count[live].astype(np.int64)
            self._start[live] = self._legs.compact(self._start[live].astype(np.int64), counts)
