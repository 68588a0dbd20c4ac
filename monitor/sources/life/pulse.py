"""A halted chain told apart from endpoints that fail: what must stand still, for how long, and who must say so."""

from collections.abc import Sequence

from monitor.clock import Clock
from monitor.domain.liveness import Halted, Live, Liveness, Unreachable
from monitor.domain.moment import BlockRef

HALTED_BLOCK_TIMES = 10
HALTED_AFTER_MS = 60_000


def patience_ms(block_time_ms: int) -> int:
    """Return how long a chain may show no block before it counts as halted: ten block times, a minute at least."""
    return max(HALTED_BLOCK_TIMES * block_time_ms, HALTED_AFTER_MS)


class Pulse:
    """Judges by the monotonic clock alone, so that neither a wrong local clock nor old block times stop a chain.

    A chain lives as long as any endpoint shows a block that is newer than all before. Standing still counts up to the
    last answer, not up to now: while nobody answers nothing is known to stand still, and endpoints that come back may
    have to catch up first. Where all who answer are behind a block that others once showed, it is they who stand still.
    """

    def __init__(self, clock: Clock, patience_ms: int, endpoints: int) -> None:
        self._clock = clock
        self._patience_ms = patience_ms
        self._endpoints = endpoints
        self._head: BlockRef | None = None
        self._newest = (0, 0)
        self._moved_ms = self._answered_ms = clock.monotonic_ms()
        self._agreeing = 0
        self._is_behind = False
        self._lost_ms: int | None = self._moved_ms
        self._reason = "not asked yet"
        self._was_halted = False

    def beat(self, head: BlockRef, shown: Sequence[BlockRef], agreeing: int, answered_ms: int) -> None:
        """Note the agreed head, the newest block of each who answers, how many have the agreed one, and when."""
        newest = max((block.timestamp_s, block.number) for block in (head, *shown))
        is_back = self._lost_ms is not None and not self._was_halted
        if is_back or newest > self._newest:
            self._newest, self._moved_ms = max(newest, self._newest), answered_ms
        self._is_behind = newest < self._newest
        self._head, self._agreeing, self._answered_ms, self._lost_ms = head, agreeing, answered_ms, None

    def lost(self, reason: str) -> None:
        """Note that no endpoint names a head."""
        if self._lost_ms is None:
            self._was_halted = isinstance(self.now(), Halted)
            self._lost_ms = self._clock.monotonic_ms()
        self._reason = reason

    def now(self) -> Liveness:
        """Return what the answers so far amount to."""
        if self._head is None or self._lost_ms is not None:
            ago_ms = self._clock.monotonic_ms() - (self._lost_ms or 0)
            return Unreachable(self._head, self._clock.wall_s() - ago_ms // 1000, self._reason)
        if self._answered_ms - self._moved_ms < self._patience_ms:
            return Live(self._head)
        if self._is_behind:
            ago_ms = self._clock.monotonic_ms() - self._moved_ms
            reason = f"expected block {self._newest[1]}, which others showed, found those who answer behind it"
            return Unreachable(self._head, self._clock.wall_s() - ago_ms // 1000, reason)
        return Halted(self._head, self._head.timestamp_s, self._agreeing, self._endpoints)
