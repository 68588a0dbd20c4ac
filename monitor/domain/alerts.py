"""Levels of danger, and the facts of one alert."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from monitor.domain.ids import PositionId


class Level(IntEnum):
    """How near a position is to liquidation; UNKNOWN and LIQUIDATED stand apart from the order."""

    OK = 0
    WATCH = 1
    WARN = 2
    DANGER = 3
    CRITICAL = 4
    LIQUIDATABLE = 5


class AlertKind(StrEnum):
    """Why a message is sent."""

    WORSENED = "worsened"
    DETERIORATED = "deteriorated"
    REPEATED = "repeated"
    RECOVERED = "recovered"
    UNKNOWN = "unknown"
    KNOWN_AGAIN = "known_again"
    LIQUIDATED = "liquidated"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Alert:
    """One fact worth telling; `seq` counts the messages of an incident.

    `facts` are display-ready values keyed by name (big integers as decimal text), recorded so that a message can be
    reproduced. `time_to_liquidation_s` orders the queue, None sorts last.
    """

    position: PositionId
    kind: AlertKind
    incident: str
    seq: int
    level: Level
    previous: Level
    at_block: int
    at_time_s: int
    facts: Mapping[str, str]
    time_to_liquidation_s: int | None = None
