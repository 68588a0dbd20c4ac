"""When a connection that should bring news has been quiet for so long that it is taken for dead."""

from monitor.clock import Clock

BLOCK_TIMES = 3
SHORTEST_MS, LONGEST_MS = 10_000, 300_000


def limit_ms(block_time_ms: int) -> int:
    """Return how long no news is no bad news: three block times, ten seconds at least."""
    return max(BLOCK_TIMES * block_time_ms, SHORTEST_MS)


class Silence:
    """Counts from the last news; each renewal in a row that brings none is given twice as long, five minutes at most.

    So a chain that stands still, or a node that accepts subscriptions and never serves them, costs a few connections.
    """

    def __init__(self, clock: Clock, limit_ms: int) -> None:
        self._clock = clock
        self._limit_ms = limit_ms
        self._since_ms = clock.monotonic_ms()
        self._in_vain = 0
        self.renewals = 0

    @property
    def lasts_ms(self) -> int:
        """Since when there was no news, or since when a connection is there to bring it."""
        return self._clock.monotonic_ms() - self._since_ms

    @property
    def is_too_long(self) -> bool:
        """Whether the connection should be renewed."""
        return self.lasts_ms >= max(min(self._limit_ms << self._in_vain, LONGEST_MS), self._limit_ms)

    def opened(self) -> None:
        """Count from here: a new connection is there."""
        self._since_ms = self._clock.monotonic_ms()

    def broken(self) -> None:
        """Count from here: there was news."""
        self._since_ms, self._in_vain = self._clock.monotonic_ms(), 0

    def given_up(self) -> None:
        """Count the connection as dead and its successor from here."""
        self._since_ms = self._clock.monotonic_ms()
        self._in_vain = min(self._in_vain + 1, 16)
        self.renewals += 1
