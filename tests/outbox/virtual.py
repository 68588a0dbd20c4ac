"""Virtual time around real work: the clock moves only while neither the database nor a channel is at work."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from monitor.channels.channel import Channel, Limits, Message
from monitor.outbox.dispatcher import Dispatcher
from monitor.store import Store
from tests.fakes.clock import FakeClock

IDLE_TURNS = 25
"""So many turns of the loop without work under way: then everyone waits for the clock."""


class Counted:
    """A channel whose sends count as work."""

    def __init__(self, channel: Channel, time: "Virtual") -> None:
        self.name: str = channel.name
        self.limits: Limits = channel.limits
        self.gathers: bool = channel.gathers
        self._channel, self._time = channel, time

    async def send(self, address: str, message: Message) -> None:
        self._time.working += 1
        try:
            await self._channel.send(address, message)
        finally:
            self._time.working -= 1


class Virtual:
    """The clock of a scene, and what is at work in it."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.clock = clock
        self.working = 0
        database: Any = store._database
        database.reading, database.writing = self._counted(database.reading), self._counted(database.writing)

    def counted(self, *channels: Channel) -> Sequence[Channel]:
        """Return channels that do their own work, such as talking to a real server."""
        return [Counted(channel, self) for channel in channels]

    @asynccontextmanager
    async def running(self, dispatcher: Dispatcher) -> AsyncIterator[None]:
        """Run a dispatcher that has looked once and found what there was."""
        async with asyncio.timeout(600), asyncio.TaskGroup() as group:
            task = group.create_task(dispatcher.run())
            await self.settle()
            await self.clock.advance(0)
            await self.settle()
            yield
            task.cancel()

    async def settle(self) -> None:
        """Wait until nothing is at work."""
        idle = 0
        while idle < IDLE_TURNS:
            await asyncio.sleep(0.0002 if self.working else 0)
            idle = 0 if self.working else idle + 1

    async def sleep(self, seconds: float) -> None:
        """Let so much virtual time pass."""
        end_ms = self.clock.monotonic_ms() + round(seconds * 1000)
        await self.until(lambda: False, end_ms)

    async def until(self, is_so: Callable[[], bool], end_ms: int) -> None:
        """Move from deadline to deadline until something is so, or until a moment."""
        await self.settle()
        while not is_so() and self.clock.monotonic_ms() < end_ms:
            next_ms = self.clock._sleepers[0][0] if self.clock._sleepers else end_ms
            await self.clock.advance((min(next_ms, end_ms) - self.clock.monotonic_ms()) / 1000)
            await self.settle()

    def _counted(self, opens: Callable[[], Any]) -> Callable[[], Any]:
        @asynccontextmanager
        async def counted() -> AsyncIterator[Any]:
            self.working += 1
            try:
                async with opens() as connection:
                    yield connection
            finally:
                self.working -= 1

        return counted
