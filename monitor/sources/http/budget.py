"""How much a server may be asked: so much in any stretch of time, the urgent first, nothing while it wants peace."""

import heapq
from collections import deque
from itertools import count

from monitor.clock import Clock
from monitor.errors import UsageError

SECOND_MS = 1_000
MINUTE_MS = 60_000


class Budget:
    """A hard cap: in no window, wherever it begins, is more sent. Without one it only knows pauses.

    What is counted is requests, or what a server says that each of them weighs.
    """

    def __init__(self, clock: Clock, most: int | None = None, window_ms: int = SECOND_MS) -> None:
        self._clock = clock
        self._window_ms = window_ms
        self.most = most
        self._sent: deque[tuple[int, int]] = deque()
        self._ready_ms = clock.monotonic_ms()
        self._waiting: list[tuple[int, int, int]] = []
        self._turns = count()

    @property
    def pause_ms(self) -> int:
        """How long the server still asks to be left alone."""
        return max(self._ready_ms - self._clock.monotonic_ms(), 0)

    def pause(self, for_ms: int) -> None:
        """Send nothing for a while; a pause never shortens one that runs."""
        self._ready_ms = max(self._ready_ms, self._clock.monotonic_ms() + for_ms)

    def left(self, within_ms: int = 0) -> int | None:
        """Return how much more can go within a time, 0 ms for at once; None without a cap.

        Those that already wait count as sent, and nothing goes while the server asks to be left alone.
        """
        if self.most is None:
            return None
        begins_ms = self.pause_ms
        if begins_ms > within_ms:
            return 0
        windows, rest_ms = divmod(within_ms - begins_ms, self._window_ms)
        full_until_ms = self._clock.monotonic_ms() + begins_ms + rest_ms - self._window_ms
        held = sum(n for at_ms, n in self._sent if at_ms > full_until_ms)
        room = self.most * (windows + 1) - held
        return max(room - sum(waiting for *_, waiting in self._waiting), 0)

    def share(self, of_ms: int) -> int | None:
        """Return how much a time may use so that as much is left for every time like it; None without a cap."""
        return None if self.most is None else self.most * of_ms // self._window_ms

    async def take(self, weight: int, urgency: int = 0) -> None:
        """Wait until this much may be sent; a lower urgency number goes first.

        Raises UsageError for more at once than a window allows.
        """
        most = self.most
        if most is None:
            return
        if weight > most:
            raise UsageError(f"expected at most {most} at once, found {weight}: cut the batch")
        turn = (urgency, next(self._turns), weight)
        heapq.heappush(self._waiting, turn)
        try:
            while wait_ms := self._wait_ms(turn, most):
                await self._clock.sleep(wait_ms / 1000)
            self._sent.append((self._clock.monotonic_ms(), weight))
        finally:
            self._waiting.remove(turn)
            heapq.heapify(self._waiting)

    def _wait_ms(self, turn: tuple[int, int, int], most: int) -> int:
        now_ms, first = self._clock.monotonic_ms(), self._waiting[0]
        while self._sent and self._sent[0][0] + self._window_ms <= now_ms:
            self._sent.popleft()
        over, wait_ms = sum(n for _, n in self._sent) + first[-1] - most, 0
        for at_ms, weight in self._sent:
            if over <= 0:
                break
            over, wait_ms = over - weight, at_ms + self._window_ms - now_ms
        return wait_ms if turn == first else max(wait_ms, 1)
