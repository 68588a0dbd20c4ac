"""Accounts read by own code on a chain: what a protocol's lens is asked, and how its words become columns."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from monitor import resources
from monitor.domain.ids import PositionKey
from monitor.errors import ConfigError, DecodeError, UnexpectedAnswer
from monitor.ledger.accounts import Accounts
from monitor.query import Ask, Failed, LensAnswer, LensCall, ask_raw

END, NOTHING, FAILED = 253, 254, 255
"""Kinds of words that carry no balance."""
KEYS_AT_ONCE = 1_000
"""Accounts of three legs for which a lens has room."""

Failure = Callable[[int, int], str]
"""Why a number of an account, given by asset and kind, could not be read."""


@dataclass(frozen=True, slots=True)
class Lens:
    """The lens of a protocol, `abis/<slug>/lens.json`, for accounts whose keys are addresses.

    A word is 64 bits of zero, 64 of a tag, and 128 of a balance. From the right a tag has the kind (8 bits), the asset
    (8), the account's category (`category_bits`), and 1 where an account begins. `kinds` carry a balance.
    """

    slug: str
    kinds: frozenset[int]
    category_bits: int = 0

    def code(self) -> bytes:
        """Return its runtime code; raises ConfigError when the packaged file is not what it should be."""
        return _runtime_code(self.slug)

    def read(
        self, head: bytes, keys: Sequence[PositionKey], failure: Failure
    ) -> Ask[tuple[list[Accounts], list[PositionKey]]]:
        """Return what the lens reads of the keys, in parts, and those that it cannot read."""
        found, refused, unread = list[Accounts](), list[PositionKey](), list(keys)
        while unread:
            asked = [unread[i : i + KEYS_AT_ONCE] for i in range(0, len(unread), KEYS_AT_ONCE)]
            items = [tuple(bytes.fromhex(key[2:]) for key in some) for some in asked]
            answers = yield from ask_raw(*(LensCall(self.code(), head, some) for some in items))
            unread = []
            for some, answer in zip(asked, answers, strict=True):
                if isinstance(answer, Failed):
                    refused += some
                    continue
                if not isinstance(answer, LensAnswer):
                    raise UnexpectedAnswer(f"expected the lens's answer, found {type(answer).__name__}")
                for part in answer.parts:
                    if isinstance(part.output, Failed):
                        refused += some[part.start : part.stop]
                        continue
                    accounts, got_to = self.decoded(part.output, some[part.start : part.stop], failure)
                    found.append(accounts)
                    rest = some[part.start + got_to : part.stop]
                    unread += rest if got_to else ()
                    refused += () if got_to else rest
        return found, refused

    def decoded(self, output: bytes, keys: Sequence[PositionKey], failure: Failure) -> tuple[Accounts, int]:
        """Return the accounts of one part of the lens's answer, and how many of the keys it got to.

        Raises DecodeError when the words are not whole runs, one for each of these keys in order.
        """
        words = self._words(output)
        if not len(words):
            return Accounts.of(()), 0
        tags = words[:, 1]
        kind, asset = _bits(tags, 0, 8).astype(np.uint8), _bits(tags, 8, 8).astype(np.uint16)
        category = _bits(tags, 16, self.category_bits).astype(np.uint16)
        first = tags >> np.uint64(16 + self.category_bits)
        starts = np.flatnonzero(first)
        if words[:, 0].any() or first.max() > 1 or not first[0] or len(starts) > len(keys):
            raise DecodeError(f"expected a run of words for each of {len(keys)} accounts, found {len(starts)} runs")
        if np.isin(kind, (*self.kinds, NOTHING, FAILED), invert=True).any():
            raise DecodeError("expected a known kind of word from the lens, found another")
        keys = keys[: len(starts)]
        run = np.cumsum(first, dtype=np.int64) - 1
        broken = np.flatnonzero(kind == FAILED)
        is_whole = np.ones(len(keys), np.bool_)
        is_whole[run[broken]] = False
        kept = (kind < NOTHING) & is_whole[run]
        reasons = {int(run[w]): failure(int(asset[w]), int(words[w, 3])) for w in broken.tolist()}
        counts = np.bincount(run[kept], minlength=len(keys))[is_whole]
        packed = np.frombuffer(b"".join(bytes.fromhex(key[2:]) for key in keys), np.uint8).reshape(-1, 20)
        accounts = Accounts(
            keys=packed[is_whole],
            category=category[starts][is_whole],
            offsets=np.concatenate((np.zeros(1, np.int64), np.cumsum(counts))),
            asset=asset[kept],
            kind=kind[kept],
            high=words[kept, 2],
            low=words[kept, 3],
            failed=tuple((keys[i], reason) for i, reason in reasons.items()),
        )
        return accounts, len(keys)

    def _words(self, output: bytes) -> NDArray[np.uint64]:
        """Return the words before the last, which must say how many they are: an answer cut short is no answer."""
        if len(output) % 32 or not output:
            raise DecodeError(f"expected words of 32 bytes from the lens, found {len(output)} bytes")
        words = np.frombuffer(output, ">u8").reshape(-1, 4).astype(np.uint64)
        if words[-1].tolist() != [0, 1 << 16 + self.category_bits | END, 0, len(words) - 1]:
            raise DecodeError(f"expected {len(words) - 1} words and their number from the lens, found another ending")
        return words[:-1]


def joined(parts: Sequence[Accounts], keys: Sequence[PositionKey]) -> Accounts:
    """Return the accounts of several parts in the order of the keys; those of failed reads are left out of it."""
    whole = _one_after_the_other(parts) if parts else Accounts.of(())
    failed = {key for key, _ in whole.failed}
    if whole.keys.tobytes().hex() == "".join(key[2:] for key in keys if key not in failed):
        return whole
    found = {account.key: account for account in whole}
    return Accounts.of((found[key] for key in keys if key in found), failed=whole.failed)


def _one_after_the_other(parts: Sequence[Accounts]) -> Accounts:
    if len(parts) == 1:
        return parts[0]
    starts = np.cumsum([0, *(part.offsets[-1] for part in parts[:-1])])
    offsets = [part.offsets[:-1] + start for part, start in zip(parts, starts, strict=True)]
    return Accounts(
        keys=np.concatenate([part.keys for part in parts]),
        category=np.concatenate([part.category for part in parts]),
        offsets=np.concatenate([*offsets, parts[-1].offsets[-1:] + starts[-1]]),
        asset=np.concatenate([part.asset for part in parts]),
        kind=np.concatenate([part.kind for part in parts]),
        high=np.concatenate([part.high for part in parts]),
        low=np.concatenate([part.low for part in parts]),
        failed=tuple(failure for part in parts for failure in part.failed),
    )


def _bits(tags: NDArray[np.uint64], after: int, count: int) -> NDArray[np.uint64]:
    return tags >> np.uint64(after) & np.uint64(2**count - 1)


@cache
def _runtime_code(slug: str) -> bytes:
    path = resources.abis() / slug / "lens.json"
    try:
        return bytes.fromhex(json.loads(path.read_text())["runtime_code"][2:])
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise ConfigError(f"expected the compiled lens in {path.name} of abis/{slug}: {e}") from e
