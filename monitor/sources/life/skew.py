"""Whether the local clock is right, judged by the times of blocks as they arrive."""

from collections import deque
from dataclasses import dataclass, field
from statistics import median_low

from monitor.clock import Clock
from monitor.domain.moment import BlockRef

HEADS = 5
STEADY_S = 3
LIMIT_S = 30


@dataclass(slots=True)
class Skew:
    """How far the local clock is ahead of the chain. Blocks that make up for a halt are old and say nothing of it."""

    clock: Clock
    ahead_s: int | None = field(default=None, init=False)
    """Seconds that the local clock is ahead of the middle one of the last heads, None before two arrived."""
    _ages_s: deque[int] = field(default_factory=lambda: deque(maxlen=HEADS), init=False)

    def arrived(self, head: BlockRef) -> None:
        """Note a head that has just become the newest of its endpoint."""
        self._ages_s.append(self.clock.wall_s() - head.timestamp_s)
        is_catching_up = max(self._ages_s) - self._ages_s[-1] > STEADY_S
        if len(self._ages_s) >= 2 and not is_catching_up:
            self.ahead_s = median_low(self._ages_s)

    @property
    def is_wrong(self) -> bool:
        """Whether the local clock is more than half a minute off."""
        return self.ahead_s is not None and abs(self.ahead_s) > LIMIT_S
