"""The stream: alerts as they are committed, replayed from the store, and an end that is told to whoever lags."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import dropwhile

from monitor import log
from monitor.api.stream.event import Event, Wanted, behind, heartbeat
from monitor.clock import Clock
from monitor.errors import StoreError
from monitor.store import Views

HEARTBEAT_MS = 15_000
KEPT = 16_384
"""Events in memory; a listener who is further behind is cut off."""
_AT_ONCE = 100
_POLL_S = 1
_PAGE = 1000

Send = Callable[[bytes], Awaitable[None]]
"""Gives bytes to a listener; raises TimeoutError when they are not taken."""


class Feed:
    """The end of the store's alerts, read once for all listeners; `run` it, and `wake` it after a commit."""

    def __init__(self, views: Views, clock: Clock) -> None:
        self._views, self._clock = views, clock
        self._recent: deque[Event] = deque(maxlen=KEPT)
        self._first = self._last = -1
        self._turn = asyncio.Lock()
        self._is_stale, self._is_over = True, False
        self._read_ms = 0
        self._listeners: set[asyncio.Event] = set()

    def wake(self) -> None:
        """Look now: something was committed."""
        self._is_stale = True
        for listener in self._listeners:
            listener.set()

    def close(self) -> None:
        """End all streams."""
        self._is_over = True
        self.wake()

    async def last(self) -> int:
        """Return the id of the newest alert; raises StoreError."""
        await self._catch_up()
        return self._last

    async def run(self) -> None:
        """Look once a second, for what others commit and for heartbeats, until cancelled."""
        while True:
            await self._clock.sleep(_POLL_S)
            for listener in self._listeners:
                listener.set()

    async def listen(self, send: Send, wanted: Wanted, after: int, life_s: float) -> None:
        """Send the wanted alerts after an id, and all to come, until so many seconds are over."""
        signal = asyncio.Event()
        self._listeners.add(signal)
        try:
            await self._tell(send, wanted, after, signal, round(life_s * 1000))
        finally:
            self._listeners.discard(signal)

    async def _tell(self, send: Send, wanted: Wanted, place: int, signal: asyncio.Event, life_ms: int) -> None:
        started_ms = spoke_ms = self._clock.monotonic_ms()
        was_live, told = False, place
        try:
            await send(b": welcome\nid: %d\nretry: 1000\n\n" % place)
            while not self._is_over and self._clock.monotonic_ms() - started_ms < life_ms:
                signal.clear()
                events, is_live = await self._after(place)
                if was_live and not is_live:
                    await send(behind(told))
                    return
                was_live = is_live
                some = b"".join(event.written for event in events if wanted.takes(event.view))
                if events:
                    place = events[-1].id
                if some:
                    await send(some)
                    told, spoke_ms = place, self._clock.monotonic_ms()
                if self._clock.monotonic_ms() - spoke_ms >= HEARTBEAT_MS:
                    await send(heartbeat(place))
                    told, spoke_ms = place, self._clock.monotonic_ms()
                if not events:
                    await signal.wait()
        except TimeoutError:
            await send(behind(place))

    async def _after(self, place: int) -> tuple[Sequence[Event], bool]:
        """Return the next events after an id, and whether they were still in memory."""
        try:
            await self._catch_up()
            if place >= self._first:
                return tuple(self._recent_after(place)), True
            views = await self._views.alerts(after=place, limit=_AT_ONCE)
            return tuple(map(Event, views)), False
        except StoreError as e:
            log.get("api").warning("the stream waits for the store", reason=str(e))
            return (), True

    def _recent_after(self, place: int) -> Sequence[Event]:
        if place >= self._last:
            return ()
        found = dropwhile(lambda event: event.id <= place, self._recent)
        return [event for event, _ in zip(found, range(_AT_ONCE), strict=False)]

    async def _catch_up(self) -> None:
        async with self._turn:
            now_ms = self._clock.monotonic_ms()
            if not self._is_stale and now_ms - self._read_ms < _POLL_S * 1000:
                return
            self._is_stale, self._read_ms = False, now_ms
            if self._last < 0:
                self._first = self._last = await self._views.newest_alert()
            while page := await self._views.alerts(after=self._last, limit=_PAGE):
                for view in page:
                    if len(self._recent) == KEPT:
                        self._first = self._recent[0].id
                    self._recent.append(Event(view))
                self._last = page[-1].id
                if len(page) < _PAGE:
                    break
