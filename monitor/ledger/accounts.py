"""Accounts of one market in columns: keys, a category, and balances as offsets into flat arrays."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.domain.ids import Address, PositionKey
from monitor.errors import LedgerError

OWNER_BYTES = 20
_LIMB = 64
_LIMB_MASK = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Balance:
    """One stored number of an account: which asset of the market, which kind (the adapter's code), and the integer."""

    asset: int
    kind: int
    raw: int


@dataclass(frozen=True, slots=True)
class Account:
    """One account as the contract stores it; without an owner of its own the key is the owner."""

    key: PositionKey
    category: int
    balances: tuple[Balance, ...]
    owner: Address | None = None


@dataclass(frozen=True, slots=True)
class Accounts:
    """N accounts with M balances; balances of account i are rows `offsets[i]:offsets[i + 1]`.

    `keys` (N, width) uint8 · `category` (N,) uint16 · `offsets` (N+1,) int64 · `asset` (M,) uint16 · `kind` (M,) uint8
    · `high`, `low` (M,) uint64, together one 128-bit integer. `failed` names accounts whose read failed and why.
    `owners` (N, 20) uint8, None where the key is the owner.
    """

    keys: NDArray[np.uint8]
    category: NDArray[np.uint16]
    offsets: NDArray[np.int64]
    asset: NDArray[np.uint16]
    kind: NDArray[np.uint8]
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    failed: tuple[tuple[PositionKey, str], ...] = ()
    owners: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self.category)

    def __iter__(self) -> Iterator[Account]:
        keys, categories = key_texts(self.keys), self.category.tolist()
        owners = [None] * len(self) if self.owners is None else [Address(text) for text in key_texts(self.owners)]
        offsets, assets, kinds = self.offsets.tolist(), self.asset.tolist(), self.kind.tolist()
        highs, lows = self.high.tolist(), self.low.tolist()
        for i, category in enumerate(categories):
            rows = range(offsets[i], offsets[i + 1])
            balances = tuple(Balance(assets[r], kinds[r], highs[r] << _LIMB | lows[r]) for r in rows)
            yield Account(PositionKey(keys[i]), category, balances, owners[i])

    @classmethod
    def of(
        cls, accounts: Iterable[Account], key_bytes: int = 20, failed: Iterable[tuple[PositionKey, str]] = ()
    ) -> "Accounts":
        """Return the columns of accounts given one by one, for lists short enough to loop over."""
        rows = list(accounts)
        balances = [balance for row in rows for balance in row.balances]
        owners = [row.owner for row in rows if row.owner is not None]
        if len(owners) not in {0, len(rows)}:
            raise LedgerError(f"expected an owner for all of {len(rows)} accounts or for none, found {len(owners)}")
        return cls(
            keys=key_rows([row.key for row in rows], key_bytes),
            category=np.array([row.category for row in rows], np.uint16),
            offsets=np.cumsum([0, *(len(row.balances) for row in rows)], dtype=np.int64),
            asset=np.array([b.asset for b in balances], np.uint16),
            kind=np.array([b.kind for b in balances], np.uint8),
            high=np.array([b.raw >> _LIMB for b in balances], np.uint64),
            low=np.array([b.raw & _LIMB_MASK for b in balances], np.uint64),
            failed=tuple(failed),
            owners=key_rows(owners, OWNER_BYTES) if owners else None,
        )


def share(accounts: Accounts, start: int, stop: int) -> Accounts:
    """Return some accounts in a row; whose read failed is not among them."""
    offsets = accounts.offsets[start : stop + 1]
    legs = slice(int(offsets[0]), int(offsets[-1]))
    return Accounts(
        keys=accounts.keys[start:stop],
        category=accounts.category[start:stop],
        offsets=offsets - offsets[0],
        asset=accounts.asset[legs],
        kind=accounts.kind[legs],
        high=accounts.high[legs],
        low=accounts.low[legs],
        owners=None if accounts.owners is None else accounts.owners[start:stop],
    )


def key_rows(keys: Sequence[str], width: int) -> NDArray[np.uint8]:
    """Return keys of `0x` and hex digits as rows of `width` bytes.

    Raises LedgerError when one is no such key.
    """
    digits = "".join(key[2:] for key in keys)
    try:
        packed = np.frombuffer(bytes.fromhex(digits), np.uint8)
    except ValueError:
        packed = np.empty(0, np.uint8)
    odd = (key for key in keys if len(key) != 2 + 2 * width or key[:2] != "0x")
    wrong = next(odd, None if len(packed) == len(keys) * width else "other characters")
    if wrong is not None:
        raise LedgerError(f"expected keys of 0x and {2 * width} hex digits, found {wrong[:80]!r}")
    return packed.reshape(len(keys), width)


def key_texts(rows: NDArray[np.uint8]) -> list[str]:
    """Return rows of bytes as `0x` and lower-case hex digits."""
    digits, width = rows.tobytes().hex(), 2 * rows.shape[1]
    return ["0x" + digits[i : i + width] for i in range(0, len(digits), width)] if width else []
