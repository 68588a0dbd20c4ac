"""What one endpoint has done so far: counts, latencies, and the chunk sizes it was found to bear."""

from collections import deque
from dataclasses import dataclass, field

FIRST_CHUNK = 400
SMALLEST_CHUNK, LARGEST_CHUNK = 1, 8192
FORGET_CEILING_MS = 600_000
QUICK_MS = 1500


@dataclass(slots=True)
class Meter:
    """Counters since start, and the latest latencies."""

    calls: int = 0
    requests: int = 0
    errors: int = 0
    rate_limited: int = 0
    disagreements: int = 0
    flags: int = 0
    latencies_ms: deque[int] = field(default_factory=lambda: deque(maxlen=100))

    def percentile_ms(self, percent: int) -> int | None:
        """Return a percentile of the latest latencies, None before there is one."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)] if ordered else None


@dataclass(slots=True)
class Chunks:
    """Items per request, learned for each program: grows by half while answers are quick, halves on refusal."""

    sizes: dict[bytes, int] = field(default_factory=dict)
    _ceilings: dict[bytes, tuple[int, int]] = field(default_factory=dict)

    def size(self, program: bytes) -> int:
        """Return how many items the next request may carry."""
        return self.sizes.get(program, FIRST_CHUNK)

    def fitted(self, program: bytes, items: int, took_ms: int, now_ms: int) -> None:
        """Learn from a request that was answered."""
        size = self.size(program)
        if items < size or took_ms > QUICK_MS:
            return
        ceiling, until_ms = self._ceilings.get(program, (LARGEST_CHUNK, 0))
        limit = ceiling if now_ms < until_ms else LARGEST_CHUNK
        self.sizes[program] = max(size, min(size + size // 2 + 1, limit))

    def took_too_long(self, program: bytes, items: int, took_ms: int, now_ms: int) -> None:
        """Learn from a request that did not end well: only a long wait says anything about its size."""
        if took_ms > 2 * QUICK_MS:
            self.refused(program, items, now_ms)

    def refused(self, program: bytes, items: int, now_ms: int) -> None:
        """Learn from a request that asked too much; sizes near it are not tried again for ten minutes."""
        self.sizes[program] = max(min(items, self.size(program)) // 2, SMALLEST_CHUNK)
        self._ceilings[program] = (max(items * 7 // 8, SMALLEST_CHUNK), now_ms + FORGET_CEILING_MS)
