"""Sixty-four well-mixed bits of every key or account, and the digest by which two ledgers are compared."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.ledger.accounts import Accounts

Words = NDArray[np.uint64]

_LANE = 2**64
_SHIFTS = np.uint64(30), np.uint64(27), np.uint64(31)
_FACTORS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_OWNER_SALT = 0x9E3779B97F4A7C15
_HEAD_SALT, _LANE_SALT = np.uint64(0xD1B54A32D192ED03), np.uint64(0x8CB92BA72F3D8DD7)


@dataclass(frozen=True, slots=True)
class Digest:
    """Two 64-bit sums over all accounts, the same in whatever order accounts and their balances stand."""

    high: int = 0
    low: int = 0

    def __add__(self, other: "Digest") -> "Digest":
        return Digest((self.high + other.high) % _LANE, (self.low + other.low) % _LANE)

    def __sub__(self, other: "Digest") -> "Digest":
        return Digest((self.high - other.high) % _LANE, (self.low - other.low) % _LANE)

    def __str__(self) -> str:
        return f"{self.high:016x}{self.low:016x}"


def mixed(words: Words) -> Words:
    """Return the words scrambled one by one (SplitMix64's finaliser); the array given is used up."""
    words ^= words >> _SHIFTS[0]
    words *= _FACTORS[0]
    words ^= words >> _SHIFTS[1]
    words *= _FACTORS[1]
    words ^= words >> _SHIFTS[2]
    return words


def hashed(keys: NDArray[np.uint8], salt: int) -> Words:
    """Return 64 bits for each row of bytes; with a salt nobody knows, nobody can make rows collide."""
    count, width = keys.shape
    padded = np.zeros((count, -(-width // 8) * 8), np.uint8)
    padded[:, :width] = keys
    words = padded.view("<u8")
    found = np.full(count, salt, np.uint64)
    for column in range(words.shape[1]):
        found = mixed(found ^ words[:, column])
    return found


def has_doubles(keys: NDArray[np.uint8]) -> bool:
    """Return whether a row of bytes stands there twice."""
    if len(keys) < 2:
        return False
    words = np.sort(hashed(keys, 0))
    return bool((words[1:] == words[:-1]).any())


def digest(accounts: Accounts, stale: NDArray[np.bool_]) -> Digest:
    """Return the sum over all stored words of the accounts: key, owner, category, whether it is stale, balances."""
    key = hashed(accounts.keys, 0)
    marks = accounts.category.astype(np.uint64) << np.uint64(1) | stale.astype(np.uint64)
    head = mixed(key ^ marks ^ _HEAD_SALT)
    if accounts.owners is not None:
        head = mixed(head ^ hashed(accounts.owners, _OWNER_SALT))
    place = accounts.asset.astype(np.uint64) << np.uint64(8) | accounts.kind.astype(np.uint64)
    legs = mixed(np.repeat(key, np.diff(accounts.offsets)) ^ place)
    legs = mixed(mixed(legs ^ accounts.low) ^ accounts.high)
    return _sum(head) + _sum(legs)


def _sum(words: Words) -> Digest:
    high = int(words.sum(dtype=np.uint64))
    return Digest(high, int(mixed(words ^ _LANE_SALT).sum(dtype=np.uint64)))
