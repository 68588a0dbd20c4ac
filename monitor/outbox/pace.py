"""How soon the next message may go out on a channel, and to which addresses not yet."""

from collections import deque

from monitor.channels.channel import Limits
from monitor.clock import Clock


class Pace:
    """The recent past of one channel in monotonic time."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._recent_ms: deque[int] = deque(maxlen=limits.messages)
        self._free_ms: dict[str, int] = {}
        self._paused_ms = 0

    def take(self, address: str) -> None:
        """Count one message to an address from now."""
        now_ms = self._clock.monotonic_ms()
        self._recent_ms.append(now_ms)
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
        full = len(self._recent_ms) == self._limits.messages
        ready_ms = self._recent_ms[0] + self._limits.window_ms if full else now_ms
        return max(ready_ms, self._paused_ms, now_ms) - now_ms

    def held(self) -> dict[str, int]:
        """Return the addresses that must wait, and for how many milliseconds."""
        now_ms = self._clock.monotonic_ms()
        self._free_ms = {address: free for address, free in self._free_ms.items() if free > now_ms}
        return {address: free - now_ms for address, free in self._free_ms.items()}
