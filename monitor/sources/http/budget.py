"""How many requests a server may be sent: a token bucket, the urgent ahead of the routine, and pauses it asked for."""

import heapq
from itertools import count

from monitor.clock import Clock


class Budget:
    """A bucket that holds one second's worth of requests. Without a rate it only knows pauses."""

    def __init__(self, clock: Clock, requests_per_s: int | None = None) -> None:
        self._clock = clock
        self._rate = requests_per_s
        self._milli = (requests_per_s or 0) * 1000
        self._filled_ms = clock.monotonic_ms()
        self._ready_ms = self._filled_ms
        self._waiting: list[tuple[int, int]] = []
        self._turns = count()

    @property
    def pause_ms(self) -> int:
        """How long the server still asks to be left alone."""
        return max(self._ready_ms - self._clock.monotonic_ms(), 0)

    def pause(self, for_ms: int) -> None:
        """Send nothing for a while; a pause never shortens one that runs."""
        self._ready_ms = max(self._ready_ms, self._clock.monotonic_ms() + for_ms)

    async def take(self, requests: int, urgency: int = 0) -> None:
        """Wait until this many requests may be sent; a lower urgency number goes first."""
        if self._rate is None:
            return
        turn = (urgency, next(self._turns))
        heapq.heappush(self._waiting, turn)
        try:
            while wait_ms := self._wait_ms(turn, requests, self._rate):
                await self._clock.sleep(wait_ms / 1000)
            self._milli -= requests * 1000
        finally:
            self._waiting.remove(turn)
            heapq.heapify(self._waiting)

    def _wait_ms(self, turn: tuple[int, int], requests: int, rate: int) -> int:
        now_ms = self._clock.monotonic_ms()
        self._milli = min(self._milli + (now_ms - self._filled_ms) * rate, rate * 1000)
        self._filled_ms = now_ms
        needed = min(requests, rate) * 1000
        if self._waiting[0] == turn and self._milli >= needed:
            return 0
        return max(-(-(needed - self._milli) // rate), 1)
