"""What is remembered about one position between evaluations, and how an incident gets its name."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from monitor.domain.alerts import Level
from monitor.domain.ids import PositionId, Subject
from monitor.domain.moment import At, BlockRef


class Driver(StrEnum):
    """What a level follows."""

    PROTOCOL = "protocol"
    CAUTIOUS = "cautious"
    DISTANCE = "distance"
    JOINT = "joint"
    SIGMAS = "sigmas"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Incident:
    """From leaving safety to reaching it again; `told` counts its messages."""

    id: str
    opened_block: int
    opened_s: int
    worst: Level
    worst_health_wad: int | None
    told: int


@dataclass(frozen=True, slots=True)
class Told:
    """The last message about the level: when, and how much of the way to liquidation was left in each view."""

    at_s: int
    remaining_ppm: int | None
    cautious_ppm: int | None


@dataclass(frozen=True, slots=True)
class Streak:
    """Evaluations in a row that all support a lower level; `level` is the worst of what they support."""

    level: Level
    since_s: int
    block: int
    count: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which health could not be measured; `mended_s` is since when it can be again."""

    id: str
    since_s: int
    told: bool
    mended_s: int | None


@dataclass(frozen=True, slots=True)
class PositionState:
    """A position's memory.

    `level` is None while no evaluation ever measured it. `known` are the facts of the last measured evaluation.
    `incidents` counts those opened so far.
    """

    position: PositionId
    level: Level | None = None
    driver: Driver = Driver.PROTOCOL
    at_block: int = 0
    at_time_s: int = 0
    known: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    incident: Incident | None = None
    incidents: int = 0
    told: Told | None = None
    streak: Streak | None = None
    gap: Gap | None = None

    @property
    def is_unknown(self) -> bool:
        """Whether the last evaluation could not measure the position."""
        return self.level is None or (self.gap is not None and self.gap.mended_s is None)


def incident_id(position: Subject, block: int, number: int, what: str) -> str:
    """Return ten characters that name an incident, the same however often it is worked out."""
    digest = hashlib.sha256(f"{position}|{block}|{number}|{what}".encode()).digest()
    return base64.b32encode(digest[:10]).decode()[:10]


def mark(at: At) -> int:
    """Return the number that tells one moment from the next: a block, a height, or milliseconds."""
    if isinstance(at, BlockRef):
        return at.number
    return at.server_time_ms if at.height is None else at.height


def time_s(at: At) -> int:
    """Return the second the moment speaks of."""
    return at.timestamp_s if isinstance(at, BlockRef) else at.received_s


def not_after(state: PositionState, now_s: int) -> PositionState:
    """Return the state with no memory of a later time, so that a clock set back silences nothing."""
    told, streak, gap = state.told, state.streak, state.gap
    return replace(
        state,
        told=told and replace(told, at_s=min(told.at_s, now_s)),
        streak=streak and replace(streak, since_s=min(streak.since_s, now_s)),
        gap=gap
        and replace(
            gap,
            since_s=min(gap.since_s, now_s),
            mended_s=None if gap.mended_s is None else min(gap.mended_s, now_s),
        ),
    )
