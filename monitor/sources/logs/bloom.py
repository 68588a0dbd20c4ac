"""The Bloom filter in every block's header: what it lacks, no log of the block has (Ethereum yellow paper, 4.3.1)."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from eth_utils.crypto import keccak

from monitor.query import Log, LogFilter

SIZE_BITS = 2048


@lru_cache(maxsize=16_384)
def _bits(item: str) -> int:
    digest = keccak(hexstr=item)
    return sum({1 << (int.from_bytes(digest[i : i + 2]) % SIZE_BITS) for i in (0, 2, 4)})


def bloom_of(header: Any) -> int | None:
    """Return a header's filter as an integer; None where the node states none, or an empty one for a block in use."""
    text = header.get("logsBloom") if isinstance(header, dict) else None
    if not isinstance(text, str) or len(text) != 2 + SIZE_BITS // 4:
        return None
    try:
        return int(text, 16) or (None if int(header.get("gasUsed", "0x1"), 16) else 0)
    except ValueError:
        return None


def bloom_from(logs: Iterable[Log]) -> int:
    """Return the filter of a block that has exactly these logs."""
    bloom = 0
    for log in logs:
        for item in (log.address, *log.topics):
            bloom |= _bits(item)
    return bloom


def may_hold(bloom: int, wanted: LogFilter) -> bool:
    """Whether a block with this filter may have a log that is asked for; False is a proof that it has none."""

    def has(item: str) -> bool:
        return bloom & (bits := _bits(item)) == bits

    if wanted.addresses and not any(map(has, wanted.addresses)):
        return False
    return all(not any_of or any(map(has, any_of)) for any_of in wanted.topics)


def is_telling(bloom: int) -> bool:
    """Whether so few bits are set that a chance hit is rare: below a quarter, one in 64."""
    return bloom.bit_count() * 4 < SIZE_BITS
