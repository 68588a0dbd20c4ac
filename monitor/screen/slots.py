"""The accounts of a market as the kernel reads them: a few padded slots per row, and a place for wider accounts."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.errors import UsageError
from monitor.screen.factors import Cells
from monitor.screen.wide import Wide

COLLATERAL_SLOTS, DEBT_SLOTS = 4, 3
MOST_LEGS = 1_000
_LIMB = 2.0**64
_LARGEST_CODE = 2**16 - 1
_AT_ONCE = 100_000

Rows = NDArray[np.int64]
Codes = NDArray[np.uint16]
Floats = NDArray[np.float64]


class Columns(Protocol):
    """Accounts in columns, balances of account i in rows `offsets[i]:offsets[i + 1]`; a raw balance is two limbs."""

    @property
    def category(self) -> NDArray[np.uint16]: ...
    @property
    def offsets(self) -> NDArray[np.int64]: ...
    @property
    def asset(self) -> NDArray[np.uint16]: ...
    @property
    def kind(self) -> NDArray[np.uint8]: ...
    @property
    def high(self) -> NDArray[np.uint64]: ...
    @property
    def low(self) -> NDArray[np.uint64]: ...


@dataclass(slots=True)
class Slots:
    """N accounts; row i is row i of whoever keeps the accounts, and changes only when told.

    `category` (capacity,) uint16 · `collateral_code` (4, capacity), `debt_code` (3, capacity) uint16, codes of `cells`,
    0 for an empty slot · `collateral_raw`, `debt_raw` float64. Rows from `count` on are empty. An account that does not
    fit has empty slots and all its legs in `wide`. A row that was cleared is an account with nothing.
    """

    cells: Cells
    count: int
    category: Codes
    collateral_code: Codes
    collateral_raw: Floats
    debt_code: Codes
    debt_raw: Floats
    wide: Wide
    collateral_codes: int = 1
    debt_codes: int = 1
    """How many codes of each side a table has to answer for."""

    @classmethod
    def empty(cls, cells: Cells, capacity: int = 0) -> "Slots":
        """Return no accounts, and room for some."""
        return cls(
            cells=cells,
            count=0,
            category=np.zeros(capacity, np.uint16),
            collateral_code=np.zeros((COLLATERAL_SLOTS, capacity), np.uint16),
            collateral_raw=np.zeros((COLLATERAL_SLOTS, capacity)),
            debt_code=np.zeros((DEBT_SLOTS, capacity), np.uint16),
            debt_raw=np.zeros((DEBT_SLOTS, capacity)),
            wide=Wide.empty(capacity),
        )

    @classmethod
    def of(cls, cells: Cells, accounts: Columns) -> "Slots":
        """Return the accounts, row i for account i."""
        count = len(accounts.category)
        slots = cls.empty(cells, count)
        for start in range(0, count, _AT_ONCE):
            stop = min(start + _AT_ONCE, count)
            slots.update(np.arange(start, stop), _part(accounts, start, stop))
        return slots

    def __len__(self) -> int:
        return self.count

    @property
    def nbytes(self) -> int:
        """Memory of all columns."""
        return sum(column.nbytes for column in self.columns) + self.wide.nbytes

    @property
    def columns(self) -> tuple[Codes, Codes, Floats, Codes, Floats]:
        """The columns that every loop reads."""
        return self.category, self.collateral_code, self.collateral_raw, self.debt_code, self.debt_raw

    def update(self, rows: Rows, accounts: Columns) -> None:
        """Put account i in row `rows[i]`; rows from the end on are new, and those left out between them are empty.

        Raises UsageError when a row is negative or stands twice, or an account has more legs than the bounds cover.
        """
        if len(rows) != len(accounts.category) or len(np.unique(rows)) != len(rows) or rows.min(initial=0) < 0:
            raise UsageError(f"expected a row of its own for each of {len(accounts.category)} accounts, found {rows}")
        if not len(rows):
            return
        held, owed = _legs(self.cells.collateral, accounts), _legs(self.cells.debt, accounts)
        most = int((held.counts + owed.counts).max())
        if most > MOST_LEGS:
            raise UsageError(f"expected at most {MOST_LEGS} legs, found an account with {most}")
        self._grow(int(rows.max()) + 1)
        self.clear(rows)
        self.category[rows] = accounts.category
        self.collateral_codes = max(self.collateral_codes, held.codes)
        self.debt_codes = max(self.debt_codes, owed.codes)
        is_wide = (held.counts > COLLATERAL_SLOTS) | (owed.counts > DEBT_SLOTS)
        for legs, codes, raws in (
            (held, self.collateral_code, self.collateral_raw),
            (owed, self.debt_code, self.debt_raw),
        ):
            fits = ~is_wide[legs.account]
            at = legs.place[fits], rows[legs.account[fits]]
            codes[at], raws[at] = legs.code[fits], legs.raw[fits]
        for account in np.flatnonzero(is_wide).tolist():
            self.wide.put(int(rows[account]), *held.of(account), *owed.of(account))

    def clear(self, rows: Rows) -> None:
        """Empty the rows, which keep their places."""
        self.category[rows] = 0
        for codes in (self.collateral_code, self.debt_code):
            codes[:, rows] = 0
        for raws in (self.collateral_raw, self.debt_raw):
            raws[:, rows] = 0.0
        for row in self.wide.among(rows).tolist():
            self.wide.drop(row)

    def move(self, rows: Rows, to: Rows) -> None:
        """Put what stands in `rows` in the rows `to`, as a ledger does that fills gaps from its end; `rows` empty."""
        for column in self.columns:
            column[..., to] = column[..., rows]
        for row in self.wide.among(to).tolist():
            self.wide.drop(row)
        targets = dict(zip(rows.tolist(), to.tolist(), strict=True))
        for row in self.wide.among(rows).tolist():
            self.wide.move(row, targets[row])
        self.clear(rows)

    def truncate(self, count: int) -> None:
        """Forget the rows from `count` on."""
        self.clear(np.arange(count, self.count))
        self.count = min(count, self.count)

    def _grow(self, count: int) -> None:
        capacity = len(self.category)
        if count > capacity:
            more = count if not capacity else max(count, capacity + capacity // 8)
            bigger = Slots.empty(self.cells, more)
            for name in ("category", "collateral_code", "collateral_raw", "debt_code", "debt_raw"):
                column = getattr(bigger, name)
                column[..., :capacity] = getattr(self, name)
                setattr(self, name, column)
            self.wide.cover(more)
        self.count = max(count, self.count)


class _Part(NamedTuple):
    """Some accounts out of many."""

    category: NDArray[np.uint16]
    offsets: NDArray[np.int64]
    asset: NDArray[np.uint16]
    kind: NDArray[np.uint8]
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]


def _part(accounts: Columns, start: int, stop: int) -> _Part:
    return _Part(
        accounts.category[start:stop],
        accounts.offsets[start : stop + 1],
        accounts.asset,
        accounts.kind,
        accounts.high,
        accounts.low,
    )


class _Legs(NamedTuple):
    """The legs of one side: whose, its place among those of the account, code, raw balance.

    `counts` and `starts` are per account; `codes` is how many codes the table has to answer for.
    """

    account: Rows
    place: Rows
    code: Codes
    raw: Floats
    counts: Rows
    starts: Rows
    codes: int

    def of(self, account: int) -> tuple[Codes, Floats]:
        """Return codes and raw balances of one account."""
        start = int(self.starts[account])
        legs = slice(start, start + int(self.counts[account]))
        return self.code[legs], self.raw[legs]


def _legs(kinds: tuple[int, ...], accounts: Columns) -> _Legs:
    lengths = np.diff(accounts.offsets)
    balances = slice(int(accounts.offsets[0]), int(accounts.offsets[-1]))
    places = np.full(256, -1, np.int64)
    places[list(kinds)] = np.arange(len(kinds))
    place = places[accounts.kind[balances]]
    own = np.flatnonzero(place >= 0)
    code = 1 + accounts.asset[balances][own].astype(np.int64) * len(kinds) + place[own]
    codes = int(code.max(initial=0)) + 1
    if codes > _LARGEST_CODE:
        raise UsageError(f"expected at most {_LARGEST_CODE // len(kinds)} assets, found one numbered beyond")
    account = np.repeat(np.arange(len(lengths)), lengths)[own]
    counts = np.bincount(account, minlength=len(lengths))
    starts = np.cumsum(counts) - counts
    high, low = accounts.high[balances][own], accounts.low[balances][own]
    return _Legs(
        account=account,
        place=np.arange(len(account)) - starts[account],
        code=code.astype(np.uint16),
        raw=high.astype(np.float64) * _LIMB + low.astype(np.float64),
        counts=counts,
        starts=starts,
        codes=codes,
    )
