"""Accounts of one market in columns: keys, a category, and balances as offsets into flat arrays."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.domain.ids import PositionKey

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
    """One account as the contract stores it."""

    key: PositionKey
    category: int
    balances: tuple[Balance, ...]


@dataclass(frozen=True, slots=True)
class Accounts:
    """N accounts with M balances; balances of account i are rows `offsets[i]:offsets[i + 1]`.

    `keys` (N, width) uint8 · `category` (N,) uint16 · `offsets` (N+1,) int64 · `asset` (M,) uint16 · `kind` (M,) uint8
    · `high`, `low` (M,) uint64, together one 128-bit integer. `failed` names accounts whose read failed and why.
    """

    keys: NDArray[np.uint8]
    category: NDArray[np.uint16]
    offsets: NDArray[np.int64]
    asset: NDArray[np.uint16]
    kind: NDArray[np.uint8]
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    failed: tuple[tuple[PositionKey, str], ...] = ()

    def __len__(self) -> int:
        return len(self.category)

    def __iter__(self) -> Iterator[Account]:
        keys, categories = self.keys.tobytes().hex(), self.category.tolist()
        offsets, assets, kinds = self.offsets.tolist(), self.asset.tolist(), self.kind.tolist()
        highs, lows = self.high.tolist(), self.low.tolist()
        digits = 2 * self.keys.shape[1]
        for i, category in enumerate(categories):
            rows = range(offsets[i], offsets[i + 1])
            yield Account(
                PositionKey("0x" + keys[i * digits : (i + 1) * digits]),
                category,
                tuple(Balance(assets[r], kinds[r], highs[r] << _LIMB | lows[r]) for r in rows),
            )

    @classmethod
    def of(
        cls, accounts: Iterable[Account], key_bytes: int = 20, failed: Iterable[tuple[PositionKey, str]] = ()
    ) -> "Accounts":
        """Return the columns of accounts given one by one, for lists short enough to loop over."""
        rows = list(accounts)
        balances = [balance for row in rows for balance in row.balances]
        keys = b"".join(bytes.fromhex(row.key[2:]) for row in rows)
        return cls(
            keys=np.frombuffer(keys, np.uint8).reshape(len(rows), key_bytes),
            category=np.array([row.category for row in rows], np.uint16),
            offsets=np.cumsum([0, *(len(row.balances) for row in rows)], dtype=np.int64),
            asset=np.array([b.asset for b in balances], np.uint16),
            kind=np.array([b.kind for b in balances], np.uint8),
            high=np.array([b.raw >> _LIMB for b in balances], np.uint64),
            low=np.array([b.raw & _LIMB_MASK for b in balances], np.uint64),
            failed=tuple(failed),
        )
