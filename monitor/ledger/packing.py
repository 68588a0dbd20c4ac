"""Blocks, keys and accounts as bytes and back: little-endian columns behind their lengths, with a checksum."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from monitor.domain.ids import ChainId
from monitor.domain.moment import BlockRef
from monitor.errors import LedgerCorrupt
from monitor.ledger.accounts import OWNER_BYTES, Accounts
from monitor.ledger.columns import ends

_MARK = b"hfm1"
_SUM_BYTES = 16


class Packer:
    """Puts one thing after the other; `kind` is the letter by which the reader knows what it is."""

    def __init__(self, kind: str) -> None:
        self._parts = [_MARK, kind.encode()]

    def number(self, value: int) -> None:
        """Put a number below 2^64."""
        self._parts.append(value.to_bytes(8, "little"))

    def text(self, value: str) -> None:
        """Put a text."""
        encoded = value.encode()
        self.number(len(encoded))
        self._parts.append(encoded)

    def block(self, at: BlockRef) -> None:
        """Put the name of a block."""
        for value in (at.chain, at.hash, at.parent_hash):
            self.text(value)
        self.number(at.number)
        self.number(at.timestamp_s)

    def keys(self, keys: NDArray[np.uint8]) -> None:
        """Put keys (N, width)."""
        self.number(len(keys))
        self.number(keys.shape[1])
        self._column(keys, "u1")

    def accounts(self, accounts: Accounts, stale: NDArray[np.bool_]) -> None:
        """Put accounts and which of them are stale; what failed is not part of them."""
        self.keys(accounts.keys)
        self.number(accounts.owners is not None)
        if accounts.owners is not None:
            self._column(accounts.owners, "u1")
        self._column(stale, "?")
        self._column(accounts.category, "<u2")
        self._column(np.diff(accounts.offsets), "<u2")
        self._column(accounts.asset, "<u2")
        self._column(accounts.kind, "u1")
        self._column(accounts.low, "<u8")
        self._column(accounts.high, "<u8")

    def done(self) -> bytes:
        """Return all of it, with its checksum."""
        body = b"".join(self._parts)
        return body + _checksum(body)

    def _column(self, values: NDArray[Any], dtype: DTypeLike) -> None:
        self._parts.append(np.ascontiguousarray(values, dtype).tobytes())


class Unpacker:
    """Takes one thing after the other, in the order in which they were put.

    Every method raises LedgerCorrupt when the bytes are not what was put.
    """

    def __init__(self, data: bytes, kinds: str) -> None:
        body = memoryview(data)[:-_SUM_BYTES]
        if _checksum(body) != data[-_SUM_BYTES:]:
            raise LedgerCorrupt(f"expected {len(data)} stored bytes to agree with their checksum: they do not")
        self.kind = bytes(body[4:5]).decode(errors="replace")
        if body[:4] != _MARK or self.kind not in list(kinds):
            raise LedgerCorrupt(f"expected stored bytes of kind {kinds}, found {bytes(body[:5])!r}")
        self._body = body
        self._at = 5

    def number(self) -> int:
        """Take a number."""
        return int.from_bytes(self._take(8), "little")

    def text(self) -> str:
        """Take a text."""
        return bytes(self._take(self.number())).decode(errors="replace")

    def block(self) -> BlockRef:
        """Take the name of a block."""
        chain, its_hash, parent_hash = self.text(), self.text(), self.text()
        return BlockRef(ChainId(chain), self.number(), its_hash, parent_hash, self.number())

    def keys(self) -> NDArray[np.uint8]:
        """Take keys (N, width)."""
        count, width = self.number(), self.number()
        return self._column(count * width, "u1").reshape(count, width)

    def accounts(self) -> tuple[Accounts, NDArray[np.bool_]]:
        """Take accounts and which of them are stale."""
        keys = self.keys()
        count = len(keys)
        owners = self._column(count * OWNER_BYTES, "u1").reshape(count, OWNER_BYTES) if self.number() else None
        stale, category = self._column(count, "?"), self._column(count, "<u2")
        offsets = ends(self._column(count, "<u2").astype(np.int64))
        legs = int(offsets[-1])
        asset, kind = self._column(legs, "<u2"), self._column(legs, "u1")
        low, high = self._column(legs, "<u8"), self._column(legs, "<u8")
        return Accounts(keys, category, offsets, asset, kind, high, low, owners=owners), stale

    def done(self) -> None:
        """Make sure that nothing is left."""
        if self._at != len(self._body):
            raise LedgerCorrupt(f"expected no more stored bytes, found {len(self._body) - self._at}")

    def _column(self, count: int, dtype: DTypeLike) -> NDArray[Any]:
        kind = np.dtype(dtype)
        return np.frombuffer(self._take(count * kind.itemsize), kind)

    def _take(self, count: int) -> memoryview:
        taken = self._body[self._at : self._at + count]
        if len(taken) != count:
            raise LedgerCorrupt(f"expected {count} more stored bytes, found {len(taken)}")
        self._at += count
        return taken


def _checksum(body: bytes | memoryview) -> bytes:
    return hashlib.blake2b(body, digest_size=_SUM_BYTES).digest()
