"""Checkpoints: a file that carries a market's positions to another machine, as keys or with all balances at a block.

One JSON value per line: an object that says what it is, one array per position (`[key]` when only the key is known,
`[key, category, [[asset, kind, "raw"], …]]`, and the owner behind it where keys are not owners), and an object with
the number of positions and the SHA-256 of all lines before.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import numpy as np
import orjson
from numpy.typing import NDArray

from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionKey, Slug, address
from monitor.domain.moment import BlockRef
from monitor.errors import LedgerError, UsageError
from monitor.ledger.accounts import Account, Accounts, Balance, key_rows, key_texts
from monitor.ledger.hashing import has_doubles
from monitor.ledger.ledger import Ledger
from monitor.store.engine import Reach

_FORMAT = "hfm-checkpoint"
_VERSION = 1
_PER_PART = 20_000
_LONGEST_LINE = 2**20
_LONGEST_KEY = 256
_DIGITS = re.compile(r"[0-9]{1,39}")


@dataclass(frozen=True, slots=True)
class Origin:
    """What a checkpoint is of: every position of a market that existed at a block."""

    chain: ChainId
    protocol: Slug
    deployment: DeploymentName
    market: MarketKey
    at: BlockRef
    key_bytes: int = 20


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a file holds. In each part `failed` are the positions of which only the key is known."""

    origin: Origin
    parts: tuple[Accounts, ...]

    @property
    def keys(self) -> tuple[PositionKey, ...]:
        """Every key, for who trusts no balance and reads them all."""
        found: list[PositionKey] = []
        for part in self.parts:
            found += map(PositionKey, key_texts(part.keys))
            found += (key for key, _ in part.failed)
        return tuple(found)


def whole(ledger: Ledger) -> Iterator[Accounts]:
    """Yield all accounts of a ledger; those it could not read lately as keys only."""
    rows = ledger.live()
    for start in range(0, len(rows), _PER_PART):
        some = rows[start : start + _PER_PART]
        is_stale = ledger.is_stale(some)
        yield ledger.accounts(some[~is_stale])
        yield known_by_key(ledger.keys(some[is_stale]), ledger.key_bytes)


def known_by_key(keys: Iterable[PositionKey], key_bytes: int = 20) -> Accounts:
    """Return positions of which only the key is known."""
    return Accounts.of((), key_bytes, ((key, "only its key is known") for key in keys))


def write_checkpoint(path: Path, origin: Origin, parts: Iterable[Accounts], reach: Reach = lambda _: None) -> int:
    """Write a checkpoint, whole or not at all, and return how many positions it has.

    Raises UsageError when the file cannot be written.
    """
    try:
        with TemporaryDirectory(prefix=".hfm-", dir=path.parent) as folder:
            part = Path(folder, "part")
            with part.open("wb") as file:
                count = _written(file, origin, parts, reach)
                reach("checkpoint: sealed")
                file.flush()
                os.fsync(file.fileno())
            reach("checkpoint: on disk")
            part.replace(path)
            reach("checkpoint: in place")
    except OSError as e:
        raise UsageError(f"cannot write {str(path)!r}: {e.strerror or e}. Choose another file") from e
    return count


def read_checkpoint(path: Path, reach: Reach = lambda _: None) -> Checkpoint:
    """Return what the file holds, proven by its checksum.

    Raises UsageError naming the line that is not as it should be.
    """
    try:
        with path.open("rb") as file:
            return _read(_Lines(file, path.name), reach)
    except OSError as e:
        raise UsageError(f"cannot read {str(path)!r}: {e.strerror or e}") from e


def _written(file: BinaryIO, origin: Origin, parts: Iterable[Accounts], reach: Reach) -> int:
    checksum, count = hashlib.sha256(), 0

    def put(lines: Iterable[object]) -> None:
        data = b"".join(orjson.dumps(line) + b"\n" for line in lines)
        checksum.update(data)
        file.write(data)

    put([{"format": _FORMAT, "version": _VERSION, **asdict(origin)}])
    reach("checkpoint: begun")
    for part in parts:
        put(map(_line, part))
        put([key] for key, _ in part.failed)
        count += len(part) + len(part.failed)
        reach("checkpoint: part written")
    put([{"positions": count, "sha256": checksum.hexdigest()}])
    return count


def _line(account: Account) -> list[object]:
    balances = [[b.asset, b.kind, str(b.raw)] for b in account.balances]
    return [account.key, account.category, balances, *([account.owner] if account.owner else [])]


def _read(lines: "_Lines", reach: Reach) -> Checkpoint:
    origin = _origin(lines)
    parts, keys, value = list[Accounts](), list[NDArray[np.uint8]](), lines.following()
    while isinstance(value, list):
        some = list[Account | PositionKey]()
        while isinstance(value, list) and len(some) < _PER_PART:
            some.append(_position(lines, value))
            value = lines.following()
        try:
            part = _part(some, origin.key_bytes)
            keys.append(np.concatenate([part.keys, key_rows([key for key, _ in part.failed], origin.key_bytes)]))
        except LedgerError as e:
            raise lines.wrong("positions of one shape before this", e) from e
        parts.append(part)
        reach("checkpoint: part read")
    count = sum(map(len, keys))
    if value != {"positions": count, "sha256": lines.checksum_before}:
        raise lines.wrong(f"the end of {count} positions with checksum {lines.checksum_before}", value)
    if not lines.is_at_end:
        raise lines.wrong("nothing after the end", "more")
    if keys and has_doubles(np.concatenate(keys)):
        raise lines.wrong("each position once", "one named twice")
    reach("checkpoint: proven")
    return Checkpoint(origin, tuple(parts))


def _part(positions: Sequence[Account | PositionKey], key_bytes: int) -> Accounts:
    bare = known_by_key((p for p in positions if not isinstance(p, Account)), key_bytes)
    return Accounts.of((p for p in positions if isinstance(p, Account)), key_bytes, bare.failed)


def _origin(lines: "_Lines") -> Origin:
    match lines.following():
        case {"format": str(name), "version": int(version)} if (name, version) != (_FORMAT, _VERSION):
            raise lines.wrong(f"{_FORMAT} version {_VERSION}", f"{name} version {version}")
        case {
            "format": str(),
            "version": int(),
            "chain": str(chain),
            "protocol": str(protocol),
            "deployment": str(deployment),
            "market": str(market),
            "key_bytes": int(key_bytes),
            "at": {
                "chain": str(at_chain),
                "number": int(number),
                "hash": str(its_hash),
                "parent_hash": str(parent_hash),
                "timestamp_s": int(timestamp_s),
            },
        } if at_chain == chain and 0 < key_bytes <= _LONGEST_KEY and number >= 0 and timestamp_s >= 0:
            at = BlockRef(ChainId(chain), number, its_hash, parent_hash, timestamp_s)
            names = ChainId(chain), Slug(protocol), DeploymentName(deployment), MarketKey(market)
            return Origin(*names, at, key_bytes)
        case other:
            raise lines.wrong("what the checkpoint is of", other)


def _position(lines: "_Lines", value: list[Any]) -> Account | PositionKey:
    match value:
        case [str(key)]:
            return PositionKey(key)
        case [str(key), int(category), list(balances), *owner] if 0 <= category < 2**16:
            found = tuple(_balance(lines, balance) for balance in balances)
            match owner:
                case []:
                    return Account(PositionKey(key), category, found)
                case [str(name)]:
                    return Account(PositionKey(key), category, found, _owner(lines, name))
                case _:
                    pass
        case _:
            pass
    raise lines.wrong("a position", value)


def _owner(lines: "_Lines", text: str) -> Address:
    try:
        return address(text)
    except UsageError as e:
        raise lines.wrong("an owner", e) from e


def _balance(lines: "_Lines", value: object) -> Balance:
    match value:
        case [int(asset), int(kind), str(raw)] if 0 <= asset < 2**16 and 0 <= kind < 2**8 and _DIGITS.fullmatch(raw):
            amount = int(raw)
            if amount < 2**128:
                return Balance(asset, kind, amount)
    raise lines.wrong("a balance below 2^128", value)


class _Lines:
    """The lines of a file, parsed, and the checksum of those before the one at hand."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._number = 0
        self._line = b""
        self._checksum = hashlib.sha256()

    @property
    def checksum_before(self) -> str:
        """The SHA-256 of all lines before this one."""
        return self._checksum.hexdigest()

    @property
    def is_at_end(self) -> bool:
        """Whether nothing follows."""
        return not self._file.read(1)

    def following(self) -> object:
        """Return the value of the next line."""
        self._checksum.update(self._line)
        self._line, self._number = self._file.readline(_LONGEST_LINE), self._number + 1
        if not self._line.endswith(b"\n"):
            raise self.wrong("a whole line", "the file's end" if len(self._line) < _LONGEST_LINE else "no end of it")
        try:
            value: object = orjson.loads(self._line)
        except orjson.JSONDecodeError as e:
            raise self.wrong("JSON", e) from e
        return value

    def wrong(self, expected: str, found: object) -> UsageError:
        """Return the error that says where the file is not as it should be."""
        return UsageError(f"{self._name}, line {self._number}: expected {expected}, found {str(found)[:120]!r}")
