"""What is slow to read, kept for a minute: whoever asks meanwhile waits for the same reading."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

from monitor.clock import Clock

Found = TypeVar("Found")
KEPT_MS = 60_000
_RECENT = 16


class Remembered:
    """Readings of the last minute by question, made one at a time, each in a thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._found: OrderedDict[Hashable, tuple[int, object]] = OrderedDict()
        self._turn = asyncio.Lock()

    async def of(self, question: Hashable, read: Callable[[], Found]) -> Found:
        """Return what is read, or was within the last minute; raises what reading raises."""
        async with self._turn:
            now_ms = self._clock.monotonic_ms()
            made_ms, found = self._found.get(question, (None, None))
            if made_ms is None or now_ms - made_ms >= KEPT_MS:
                found = await asyncio.to_thread(read)
                self._found[question] = now_ms, found
                if len(self._found) > _RECENT:
                    self._found.popitem(last=False)
            return cast("Found", found)
