"""A clock that stands still until a test moves it; sleepers wake in the order of their deadlines."""

import asyncio
import heapq
import itertools


class FakeClock:
    """Wall and monotonic time that move only by `advance`, or by sleeping when `runs` is set."""

    def __init__(self, wall_s: int = 1_750_000_000, *, runs: bool = False) -> None:
        self._wall_ms = wall_s * 1000
        self._monotonic_ms = 0
        self._runs = runs
        self._order = itertools.count()
        self._sleepers: list[tuple[int, int, asyncio.Event]] = []

    def wall_s(self) -> int:
        return self._wall_ms // 1000

    def monotonic_ms(self) -> int:
        return self._monotonic_ms

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has moved that far; a running clock moves at once."""
        wake_ms = self._monotonic_ms + round(seconds * 1000)
        if self._runs:
            self._move_to(wake_ms)
            await asyncio.sleep(0)
            return
        event = asyncio.Event()
        heapq.heappush(self._sleepers, (wake_ms, next(self._order), event))
        await event.wait()

    async def advance(self, seconds: float) -> None:
        """Move time, waking each sleeper at its own moment and letting it run."""
        target_ms = self._monotonic_ms + round(seconds * 1000)
        while self._sleepers and self._sleepers[0][0] <= target_ms:
            wake_ms, _, event = heapq.heappop(self._sleepers)
            self._move_to(wake_ms)
            event.set()
            for _ in range(10):
                await asyncio.sleep(0)
        self._move_to(target_ms)
        await asyncio.sleep(0)

    def jump_wall(self, seconds: int) -> None:
        """Set the wall clock off without moving monotonic time, as an operator or a leap does."""
        self._wall_ms += seconds * 1000

    def _move_to(self, monotonic_ms: int) -> None:
        step_ms = max(0, monotonic_ms - self._monotonic_ms)
        self._monotonic_ms += step_ms
        self._wall_ms += step_ms
