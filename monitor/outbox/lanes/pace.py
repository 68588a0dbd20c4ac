"""How soon the next message may go out on a channel, and to which addresses not yet."""

from collections import deque

from monitor.channels.channel import Limits
from monitor.clock import Clock


class Pace:
    """The recent past of one channel in monotonic time.

    A message counts from when it was answered: it can only have arrived before, so the receiver sees no more than that.
    """

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._under_way = 0
        self._answered_ms: deque[int] = deque()
        self._free_ms: dict[str, int] = {}
        self._paused_ms = 0

    def sending(self) -> None:
        """Count a message that goes out now."""
        self._under_way += 1

    def answered(self, address: str) -> None:
        """Count its answer, good or bad."""
        self._under_way -= 1
        self._answered_ms.append(self._clock.monotonic_ms())
        self.hold(address, self._limits.gap_ms)

    def hold(self, address: str, wait_ms: int) -> None:
        """Leave an address alone for so long."""
        if wait_ms > 0:
            self._free_ms[address] = max(self._free_ms.get(address, 0), self._clock.monotonic_ms() + wait_ms)

    def pause(self, wait_ms: int) -> None:
        """Leave the whole channel alone for so long."""
        self._paused_ms = max(self._paused_ms, self._clock.monotonic_ms() + wait_ms)

    def wait_ms(self) -> int:
        """Return how long nothing may be sent at all."""
        now_ms = self._clock.monotonic_ms()
        while self._answered_ms and self._answered_ms[0] + self._limits.window_ms <= now_ms:
            self._answered_ms.popleft()
        wait_ms = max(self._paused_ms - now_ms, 0)
        if self._answered_ms and self._under_way + len(self._answered_ms) >= self._limits.messages:
            return max(wait_ms, self._answered_ms[0] + self._limits.window_ms - now_ms)
        return wait_ms

    def held(self) -> dict[str, int]:
        """Return the addresses that must wait, and for how many milliseconds."""
        now_ms = self._clock.monotonic_ms()
        self._free_ms = {address: free for address, free in self._free_ms.items() if free > now_ms}
        return {address: free - now_ms for address, free in self._free_ms.items()}
