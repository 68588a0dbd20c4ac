"""Which messages to one recipient go out as one, and how long the first of them waits for the others."""

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass

from monitor.clock import Clock
from monitor.domain.alerts import Alert, AlertKind
from monitor.domain.ids import PositionId
from monitor.store.queue import Deliverable, Ripe

URGENT_MS = 750
OTHER_MS = 1500
MOST = 150
"""Positions in one message: so many incidents have room in 4,096 characters, with the worst told in full."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes out as one message, worst first, under one key.

    Once it `is_bound` it is written down who is part of it, so that a crash changes neither that nor the key.
    """

    members: tuple[Deliverable, ...]
    key: str
    is_bound: bool

    @property
    def head(self) -> Deliverable:
        """The worst."""
        return self.members[0]


class Gathering:
    """Since when one lane has known of which messages, in monotonic time: a step of the clock changes no wait.

    What was owed before the lane looked first has waited long enough, or crashes in a row could put it off for ever.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: deque[tuple[int, int]] = deque()
        self._ripe: Ripe | None = None

    def saw(self, newest_id: int) -> None:
        """Take note of the newest message there is."""
        if self._ripe is None:
            self._ripe = Ripe(newest_id, newest_id)
        elif newest_id > (self._seen[-1][0] if self._seen else self._ripe.urgent_id):
            self._seen.append((newest_id, self._clock.monotonic_ms()))

    def ripe(self) -> Ripe | None:
        """Return which messages have waited long enough, None when all have."""
        now_ms, ripe = self._clock.monotonic_ms(), self._ripe
        if ripe is None:
            return None
        urgent_id = max((id_ for id_, at_ms in self._seen if at_ms + URGENT_MS <= now_ms), default=ripe.urgent_id)
        other_id = ripe.other_id
        while self._seen and self._seen[0][1] + OTHER_MS <= now_ms:
            other_id = self._seen.popleft()[0]
        self._ripe = Ripe(max(urgent_id, ripe.urgent_id), other_id)
        return self._ripe

    def wait_ms(self) -> int | None:
        """Return how long until more messages have waited long enough, None when all have."""
        now_ms = self._clock.monotonic_ms()
        left = [at_ms + wait_ms - now_ms for _, at_ms in self._seen for wait_ms in (URGENT_MS, OTHER_MS)]
        return min((wait for wait in left if wait > 0), default=None)


def matter(alert: Alert) -> Hashable:
    """Return what messages have in common that go out as one; None for one that goes alone."""
    if not isinstance(alert.position, PositionId):
        return None
    match alert.kind:
        case AlertKind.WORSENED | AlertKind.DETERIORATED | AlertKind.REPEATED | AlertKind.RECOVERED:
            return "level"
        case AlertKind.UNKNOWN:
            return "unknown", alert.facts.get("unknown")
        case AlertKind.KNOWN_AGAIN:
            return "known again"
        case _:
            return None
