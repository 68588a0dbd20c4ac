"""When something was true: a block of a chain, or a named moment of a venue without blocks."""

from dataclasses import dataclass

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
    """One answer of a venue whose API has no blocks."""

    venue: str
    height: int | None
    server_time_ms: int
    received_s: int


At = BlockRef | VenueMoment
