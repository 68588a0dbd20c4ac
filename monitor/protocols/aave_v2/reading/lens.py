"""The compiled lens: what it is given, and how its words become columns."""

import json
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from monitor import resources
from monitor.domain.ids import PositionKey
from monitor.errors import ConfigError, DecodeError
from monitor.ledger.accounts import Accounts
from monitor.protocols.aave_v2.market import Market
from monitor.protocols.aave_v2.totals import COLLATERAL, SCALED_DEBT, STABLE_PRINCIPAL, STABLE_RATE, STABLE_SINCE

END, NOTHING, FAILED = 253, 254, 255
"""Kinds of words that carry no balance (lens.vy)."""
READS = {
    COLLATERAL: "scaledBalanceOf of the aToken",
    STABLE_RATE: "getUserStableRate of the stable debt token",
    STABLE_SINCE: "getUserLastUpdated of the stable debt token",
    STABLE_PRINCIPAL: "principalBalanceOf of the stable debt token",
    SCALED_DEBT: "scaledBalanceOf of the variable debt token",
}


@cache
def runtime_code() -> bytes:
    """Return the lens's runtime code; raises ConfigError when the packaged file is not what it should be."""
    path = resources.abis() / "aave_v2" / "lens.json"
    try:
        return bytes.fromhex(json.loads(path.read_text())["runtime_code"][2:])
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise ConfigError(f"expected the compiled lens in {path.name} of abis/aave_v2: {e}") from e


def head(market: Market) -> bytes:
    """Return what the lens must know of the pool: its address and the tokens of each reserve slot."""
    slots = max(market.reserves, default=-1) + 1
    parts = [bytes.fromhex(market.pool[2:]), bytes((slots,))]
    for number in range(slots):
        reserve = market.reserves.get(number)
        if reserve is None:
            parts.append(bytes(60))
            continue
        tokens = (reserve.a_token, reserve.variable_debt_token, reserve.stable_debt_token)
        parts.append(b"".join(bytes.fromhex(token[2:]) for token in tokens))
    return b"".join(parts)


def decoded(output: bytes, keys: Sequence[PositionKey], market: Market) -> tuple[Accounts, int]:
    """Return the accounts of one part of the lens's answer, and how many of the keys it got to.

    Raises DecodeError when the words are not whole runs, one for each of these keys in order.
    """
    words = _words(output)
    if not len(words):
        return Accounts.of(()), 0
    tags = words[:, 1]
    kind, asset = (tags & np.uint64(255)).astype(np.uint8), (tags >> np.uint64(8) & np.uint64(255)).astype(np.uint16)
    first = tags >> np.uint64(16)
    starts = np.flatnonzero(first)
    if words[:, 0].any() or first.max() > 1 or not first[0] or len(starts) > len(keys):
        raise DecodeError(f"expected a run of words for each of {len(keys)} accounts, found {len(starts)} runs")
    if np.isin(kind, (*READS, NOTHING, FAILED), invert=True).any():
        raise DecodeError("expected a known kind of word from the lens, found another")
    keys = keys[: len(starts)]
    run = np.cumsum(first, dtype=np.int64) - 1
    broken = np.flatnonzero(kind == FAILED)
    is_whole = np.ones(len(keys), np.bool_)
    is_whole[run[broken]] = False
    kept = (kind < NOTHING) & is_whole[run]
    reasons = {int(run[w]): failure(market, int(asset[w]), int(words[w, 3])) for w in broken.tolist()}
    counts = np.bincount(run[kept], minlength=len(keys))[is_whole]
    packed = np.frombuffer(b"".join(bytes.fromhex(key[2:]) for key in keys), np.uint8).reshape(-1, 20)
    accounts = Accounts(
        keys=packed[is_whole],
        category=np.zeros(int(is_whole.sum()), np.uint16),
        offsets=np.concatenate((np.zeros(1, np.int64), np.cumsum(counts))),
        asset=asset[kept],
        kind=kind[kept],
        high=words[kept, 2],
        low=words[kept, 3],
        failed=tuple((keys[i], reason) for i, reason in reasons.items()),
    )
    return accounts, len(keys)


def _words(output: bytes) -> NDArray[np.uint64]:
    """Return the words before the last, which must say how many they are: an answer cut short is no answer."""
    if len(output) % 32 or not output:
        raise DecodeError(f"expected words of 32 bytes from the lens, found {len(output)} bytes")
    words = np.frombuffer(output, ">u8").reshape(-1, 4).astype(np.uint64)
    end = [0, 1 << 16 | END, 0, len(words) - 1]
    if words[-1].tolist() != end:
        raise DecodeError(f"expected {len(words) - 1} words and their number from the lens, found another ending")
    return words[:-1]


def joined(parts: Sequence[Accounts]) -> Accounts:
    """Return the accounts of several parts, one after the other."""
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


def failure(market: Market, reserve_id: int, kind: int) -> str:
    """Return why an account could not be read."""
    reserve = market.reserves.get(reserve_id)
    token = reserve.token.address if reserve else f"slot {reserve_id}"
    return f"{READS.get(kind, 'a read')} of {token} fails or exceeds 128 bits"
