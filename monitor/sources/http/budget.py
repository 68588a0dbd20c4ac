"""How many requests a server may be sent: so many in any second, the urgent first, and none while it asks for peace."""

import heapq
from collections import deque
from itertools import count

from monitor.clock import Clock
from monitor.errors import UsageError

WINDOW_MS = 1_000


class Budget:
    """A hard cap: in no second, wherever it begins, are more requests sent. Without a rate it only knows pauses."""

    def __init__(self, clock: Clock, requests_per_s: int | None = None) -> None:
        self._clock = clock
        self.requests_per_s = requests_per_s
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
        """Return how many more requests can go within a time, 0 ms for at once; None without a cap.

        Those that already wait count as sent, and nothing goes while the server asks to be left alone.
        """
        if self.requests_per_s is None:
            return None
        begins_ms = self.pause_ms
        if begins_ms > within_ms:
            return 0
        seconds, rest_ms = divmod(within_ms - begins_ms, WINDOW_MS)
        full_until_ms = self._clock.monotonic_ms() + begins_ms + rest_ms - WINDOW_MS
        held = sum(n for at_ms, n in self._sent if at_ms > full_until_ms)
        room = self.requests_per_s * (seconds + 1) - held
        return max(room - sum(waiting for *_, waiting in self._waiting), 0)

    async def take(self, requests: int, urgency: int = 0) -> None:
        """Wait until this many requests may be sent; a lower urgency number goes first.

        Raises UsageError for more at once than a second allows.
        """
        rate = self.requests_per_s
        if rate is None:
            return
        if requests > rate:
            raise UsageError(f"expected at most {rate} requests at once, found {requests}: cut the batch")
        turn = (urgency, next(self._turns), requests)
        heapq.heappush(self._waiting, turn)
        try:
            while wait_ms := self._wait_ms(turn, rate):
                await self._clock.sleep(wait_ms / 1000)
            self._sent.append((self._clock.monotonic_ms(), requests))
        finally:
            self._waiting.remove(turn)
            heapq.heapify(self._waiting)

    def _wait_ms(self, turn: tuple[int, int, int], rate: int) -> int:
        now_ms, first = self._clock.monotonic_ms(), self._waiting[0]
        while self._sent and self._sent[0][0] + WINDOW_MS <= now_ms:
            self._sent.popleft()
        over, wait_ms = sum(n for _, n in self._sent) + first[-1] - rate, 0
        for at_ms, requests in self._sent:
            if over <= 0:
                break
            over, wait_ms = over - requests, at_ms + WINDOW_MS - now_ms
        return wait_ms if turn == first else max(wait_ms, 1)
