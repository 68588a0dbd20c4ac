"""The dead-man's switch: a sign of life after whole passes alone, so that its absence means that warnings may fail."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field

from monitor import log
from monitor.clock import Clock
from monitor.errors import DeliveryDeferred
from monitor.store.queue import Queue

GRACE_S = 60
"""For how long a pass, a lane or a message due may stand still while all still counts as well."""
RETRY_S = 10

_log = log.get("outbox")


@dataclass(slots=True)
class DeadMan:
    """Pings when every one of `names` has passed, every lane moved, and the store taken a commit since the last ping.

    It knows no timer of its own: nothing but a pass makes it look. `still_ms` says for how long each channel's lane has
    stood still, `commits` counts what the store took. `pings` arrived, `failures` did not.
    """

    names: frozenset[str]
    every_s: int
    ping: Callable[[], Awaitable[None]]
    still_ms: Callable[[], Mapping[str, int]]
    commits: Callable[[], int]
    queue: Queue
    clock: Clock
    pings: int = 0
    failures: int = 0
    _passed_ms: dict[str, int] = field(default_factory=dict)
    _not_before_ms: int = 0
    _committed: int = 0
    _lacked: tuple[str, ...] = ()
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def passed(self, name: str) -> None:
        """Note that a chain or venue was read whole, judged and committed."""
        self._passed_ms[name] = self.clock.monotonic_ms()
        self._news.set()

    async def once(self) -> None:
        """Wait for a pass; ping if that was all that was waited for. Raises StoreError."""
        await self._news.wait()
        self._news.clear()
        if self.clock.monotonic_ms() < self._not_before_ms:
            return
        lacking = (*self._standing(), *await self._waiting())
        if lacking:
            self._say(lacking)
            return
        try:
            await self.ping()
        except DeliveryDeferred as e:
            self.failures += 1
            self._not_before_ms = self.clock.monotonic_ms() + RETRY_S * 1000
            _log.warning("heartbeat failed", error=str(e))
            return
        self.pings, self._lacked, self._committed = self.pings + 1, (), self.commits()
        self._not_before_ms = self.clock.monotonic_ms() + self.every_s * 1000
        self._passed_ms.clear()

    def _standing(self) -> Iterator[str]:
        """Yield what has stood still for longer than it may."""
        now_ms = self.clock.monotonic_ms()
        for name in sorted(self.names):
            if name not in self._passed_ms or self._passed_ms[name] < now_ms - GRACE_S * 1000:
                yield f"a whole pass of {name}"
        for channel, still_ms in self.still_ms().items():
            if still_ms > GRACE_S * 1000:
                yield f"an answer of {channel}"
        if self.commits() == self._committed:
            yield "a commit"

    async def _waiting(self) -> tuple[str, ...]:
        """Return the channels that nobody delivers to although messages have long been due there."""
        due = await self.queue.due_since(self.clock.wall_s() - GRACE_S)
        return tuple(f"somebody who delivers over {channel}" for channel in sorted(due - self.still_ms().keys()))

    def _say(self, lacking: tuple[str, ...]) -> None:
        if lacking != self._lacked:
            _log.info("no heartbeat yet", lacking="; ".join(lacking))
        self._lacked = lacking
