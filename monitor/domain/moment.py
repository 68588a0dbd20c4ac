"""When something was true: a block of a chain, or a named moment of a venue without blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from monitor.domain.ids import ChainId


@dataclass(frozen=True, slots=True)
class BlockRef:
    """One block; the hash is its identity, the number only a hint."""

    chain: ChainId
    number: int
    hash: str
    parent_hash: str
    timestamp_s: int


@dataclass(frozen=True, slots=True)
class VenueMoment:
    """One answer of a venue whose API has no blocks.

    `height` counts the venue's own steps where it tells them; `server_time_ms` is its clock, `received_s` ours.
    """

    venue: str
    height: int | None
    server_time_ms: int
    received_s: int


At = BlockRef | VenueMoment


def time_ms(at: At) -> int:
    """Return when it was, by the clock of the source itself, in milliseconds since 1970."""
    return at.timestamp_s * 1000 if isinstance(at, BlockRef) else at.server_time_ms


def when(at: At) -> str:
    """Return how a moment is named to people: `block 21` or `12:30:05 UTC`."""
    if isinstance(at, BlockRef):
        return f"block {at.number}"
    return f"{datetime.fromtimestamp(at.server_time_ms // 1000, UTC):%H:%M:%S} UTC"


def skew_s(moments: Sequence[At]) -> int:
    """Return how many seconds the moments of joined sources lie apart at most, rounded up; 0 for one alone."""
    times = [time_ms(at) for at in moments]
    return -((min(times) - max(times)) // 1000) if times else 0
