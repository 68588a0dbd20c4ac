"""What a venue lets one address ask in a minute, kept on its side, and the most that anybody did ask."""

from collections import deque

from monitor.clock import Clock

MINUTE_MS = 60_000


class Limit:
    """Weights over a sliding minute; what is beyond `most` is refused and counted, and does not count as asked."""

    def __init__(self, clock: Clock, most: int | None) -> None:
        self._clock = clock
        self.most = most
        self.refused = 0
        self.heaviest = 0
        self.total = 0
        self._taken: deque[tuple[int, int]] = deque()
        self._held = 0

    def retry_after_s(self, weight: int) -> int | None:
        """Take a weight; return None when it is granted, else in how many seconds something may be asked again."""
        now_ms = self._clock.monotonic_ms()
        while self._taken and self._taken[0][0] + MINUTE_MS <= now_ms:
            self._held -= self._taken.popleft()[1]
        if self.most is not None and self._held + weight > self.most:
            self.refused += 1
            return max(-(-(self._taken[0][0] + MINUTE_MS - now_ms) // 1000), 1)
        self._taken.append((now_ms, weight))
        self._held += weight
        self.total += weight
        self.heaviest = max(self.heaviest, self._held)
        return None
