"""Levels of danger, the facts of one alert, and who is told."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from monitor.domain.ids import Subject


class Level(IntEnum):
    """How near a position is to liquidation; UNKNOWN and LIQUIDATED stand apart from the order."""

    OK = 0
    WATCH = 1
    WARN = 2
    DANGER = 3
    CRITICAL = 4
    LIQUIDATABLE = 5


class AlertKind(StrEnum):
    """Why a message is sent.

    A liquidation is *seen* while a reorg may still undo it, and LIQUIDATED once its block is settled. A price has
    DIVERGED when the protocol's is far from an independent one; what several positions have in common is STALE.
    """

    WORSENED = "worsened"
    DETERIORATED = "deteriorated"
    REPEATED = "repeated"
    RECOVERED = "recovered"
    UNKNOWN = "unknown"
    KNOWN_AGAIN = "known_again"
    PARAMETER_CHANGED = "parameter_changed"
    LIQUIDATION_SEEN = "liquidation_seen"
    LIQUIDATED = "liquidated"
    DIGEST = "digest"
    DIVERGED = "diverged"
    DIVERGENCE_OVER = "divergence_over"
    STALE = "stale"
    STALE_OVER = "stale_over"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Alert:
    """One fact worth telling; `seq` counts the messages of an incident.

    `facts` are display-ready values keyed by name (big integers as decimal text), recorded so that a message can be
    reproduced. `time_to_liquidation_s` orders the queue, None sorts last. `position` is whom it concerns; about a whole
    chain UNKNOWN says that it stands still, KNOWN_AGAIN that it goes on. About that and about a cause there is no
    level.
    """

    position: Subject
    kind: AlertKind
    incident: str
    seq: int
    level: Level
    previous: Level
    at_block: int
    at_time_s: int
    facts: Mapping[str, str]
    time_to_liquidation_s: int | None = None
    rule: str = "health"

    @property
    def severity(self) -> int:
        """What is sent first: the level, an unknown and a doubt at least as urgent as WARN, good news last."""
        match self.kind:
            case AlertKind.UNKNOWN | AlertKind.DIVERGED | AlertKind.STALE:
                return max(self.level, Level.WARN)
            case AlertKind.RECOVERED | AlertKind.KNOWN_AGAIN | AlertKind.DIVERGENCE_OVER | AlertKind.STALE_OVER:
                return Level.OK
            case AlertKind.DIGEST:
                return Level.OK
            case AlertKind.LIQUIDATION_SEEN | AlertKind.LIQUIDATED:
                return Level.LIQUIDATABLE + 1
            case AlertKind.WORSENED | AlertKind.DETERIORATED | AlertKind.REPEATED:
                return self.level
            case AlertKind.PARAMETER_CHANGED | AlertKind.TEST:
                return self.level

    @property
    def topic(self) -> str:
        """Messages of one topic replace each other while unsent; an event stands for itself.

        A liquidation that is settled before it could be told as seen is told once.
        """
        match self.kind:
            case AlertKind.WORSENED | AlertKind.DETERIORATED | AlertKind.REPEATED | AlertKind.RECOVERED:
                return "level"
            case AlertKind.UNKNOWN | AlertKind.KNOWN_AGAIN | AlertKind.STALE | AlertKind.STALE_OVER:
                return "knowledge"
            case AlertKind.LIQUIDATION_SEEN | AlertKind.LIQUIDATED:
                return f"liquidation:{self.incident}"
            case AlertKind.DIGEST:
                return "digest"
            case AlertKind.DIVERGED | AlertKind.DIVERGENCE_OVER:
                return f"divergence:{self.incident}"
            case AlertKind.PARAMETER_CHANGED | AlertKind.TEST:
                return f"{self.kind.value}:{self.incident}:{self.seq}"

    @property
    def escalates(self) -> bool:
        """Whether it goes on to the next contact when nobody acknowledges it."""
        is_bad = self.topic == "level" and self.kind is not AlertKind.RECOVERED
        return is_bad and self.level >= Level.CRITICAL


@dataclass(frozen=True, slots=True)
class Route:
    """One way to reach someone: a channel's name and an address in it, `telegram` and a chat id."""

    channel: str
    address: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """Someone who is told; the first route is used, the next when it refuses.

    `escalate_s` says after how many seconds without an acknowledgement each further route is used as well. `label` is
    what they call the owner of the position.
    """

    name: str
    routes: tuple[Route, ...]
    escalate_s: tuple[int, ...] = ()
    label: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """An alert and everyone who must get it; none is fine, the alert is recorded all the same.

    `held` are the names of those for whom it waits until they want to hear of such things again.
    """

    alert: Alert
    recipients: tuple[Recipient, ...] = ()
    held: tuple[str, ...] = ()


def dedupe_key(recipient: Recipient, alert: Alert, step: int = 0) -> str:
    """Return the 64 hex digits that name one message to one recipient, the same after any crash.

    `step` counts the further contacts to which the same alert went on.
    """
    parts = (recipient.name, str(alert.position), alert.rule, alert.incident, alert.kind.value, alert.level.name)
    further = (f"step {step}",) if step else ()
    return hashlib.sha256("\x1f".join((*parts, str(alert.seq), *further)).encode()).hexdigest()
