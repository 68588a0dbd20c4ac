"""Delivers over one channel: takes what matters most, sends it, and records what became of it."""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from typing import assert_never

from monitor import log
from monitor.channels.channel import Channel, Message
from monitor.clock import Clock
from monitor.errors import StoreError
from monitor.outbox.lanes.outcome import Deferred, Outcome, Refused, Sent, Withdrawn
from monitor.outbox.lanes.pace import Pace
from monitor.outbox.lanes.sending import Sender
from monitor.outbox.lanes.turn import PATIENCE_S, Turn
from monitor.outbox.urgent import Owed
from monitor.store.engine import Reach
from monitor.store.queue import Deliverable

STOP_GRACE_S = 8
WIDTH = 4
STORM = 100
POLL_S = 5
STORE_RETRY_S = 1

_log = log.get("outbox")


class Lane:
    """One channel's messages, never two at once to one address.

    With few of them owed, one at a time is on its way over all channels: that one may arrive twice after a crash. In a
    storm it is up to WIDTH per channel, since then speed matters more than a repeat.
    """

    def __init__(
        self,
        queue: Owed,
        channel: Channel,
        clock: Clock,
        jitter: Callable[[], float],
        render: Callable[[Deliverable], Message],
        rerouted: Callable[[], None],
        reach: Reach,
        turn: Turn,
    ) -> None:
        self._queue = queue
        self._channel = channel
        self._clock = clock
        self._render = render
        self._rerouted = rerouted
        self._turn = turn
        self._pace = Pace(channel.limits, clock)
        self._sender = Sender(queue, channel, self._pace, jitter, reach)
        self._seeking = asyncio.Lock()
        self._woken = asyncio.Event()
        self._under_way: dict[int, Deliverable] = {}
        self._unrecorded: dict[int, tuple[Deliverable, Outcome]] = {}
        self._recording = asyncio.Lock()
        self._record_ms = 0
        self._moved_ms = clock.monotonic_ms()

    @property
    def channel(self) -> str:
        """The name of its channel."""
        return self._channel.name

    @property
    def still_ms(self) -> int:
        """For how long neither was an answer recorded nor all done that is due."""
        return self._clock.monotonic_ms() - self._moved_ms

    def wake(self) -> None:
        """Look now: something was added."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver for ever."""
        async with asyncio.TaskGroup() as workers:
            for _ in range(WIDTH):
                workers.create_task(self._work())

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as own:
            while True:
                await self._one(own)

    async def _one(self, own: asyncio.TaskGroup) -> None:
        delivery = None
        try:
            async with self._seeking:
                message, is_calm = await self._next()
                self._under_way[message.id] = message
                delivery = own.create_task(self._deliver(message, own, is_calm=is_calm))
                if is_calm:
                    await asyncio.wait((delivery,), timeout=PATIENCE_S)
            await asyncio.shield(delivery)
        except asyncio.CancelledError:
            # What is under way is finished first: cut off, it would be sent again after the restart.
            if delivery is not None:
                await asyncio.wait((delivery,), timeout=STOP_GRACE_S)
            raise

    async def _deliver(self, message: Deliverable, own: asyncio.TaskGroup, *, is_calm: bool) -> None:
        try:
            async with self._turn.taken() if is_calm else nullcontext():
                outcome = await self._sender.send((message,), self._render(message), own)
                if not isinstance(outcome, Withdrawn):
                    await self._record(message, outcome)
        except StoreError as e:
            _log.error("store refuses", channel=self._channel.name, error=str(e))
            await self._clock.sleep(STORE_RETRY_S)
        finally:
            self._pace.answered(message.route.address)
            del self._under_way[message.id]

    async def _next(self) -> tuple[Deliverable, bool]:
        """Return the message that matters most, once there is one, and whether few others are owed."""
        while True:
            await self._clock.sleep(self._pace.wait_ms() / 1000)
            try:
                await self._record_all()
                found = await self._first_due()
                if isinstance(found, Deliverable):
                    is_calm = await self._queue.owed(self._channel.name, STORM) < STORM
                    self._pace.sending()
                    return found, is_calm
                if not self._under_way:
                    self._moved()
            except StoreError as e:
                _log.error("store refuses", channel=self._channel.name, error=str(e))
                await self._clock.sleep(STORE_RETRY_S)
                continue
            await self._doze(found)

    async def _first_due(self) -> Deliverable | float:
        """Return the message that matters most, or how long to wait for one."""
        now_s, held = self._clock.wall_s(), self._pace.held()
        busy = [message.route.address for message in self._under_way.values()]
        found = await self._queue.pending(
            self._channel.name,
            limit=1,
            now_s=now_s,
            without=(*self._under_way, *self._unrecorded),
            but_to=(*held, *busy),
        )
        if found:
            return found[0]
        next_s = await self._queue.next_try_s(self._channel.name, now_s)
        waits = [STORE_RETRY_S if self._unrecorded else POLL_S, *(ms / 1000 for ms in held.values())]
        return min(waits if next_s is None else [*waits, next_s - now_s])

    async def _doze(self, seconds: float) -> None:
        async with asyncio.TaskGroup() as both:
            alarm = both.create_task(self._ring(seconds))
            await self._woken.wait()
            alarm.cancel()
        self._woken.clear()

    async def _ring(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._woken.set()

    async def _record(self, message: Deliverable, outcome: Outcome) -> None:
        self._unrecorded[message.id] = (message, outcome)
        await self._record_all()

    async def _record_all(self) -> None:
        """Write down every outcome not yet stored; while the store refuses, they are kept here and sending goes on."""
        async with self._recording:
            while self._unrecorded and self._clock.monotonic_ms() >= self._record_ms:
                id_, (message, outcome) = next(iter(self._unrecorded.items()))
                try:
                    await self._write(message, outcome)
                except StoreError as e:
                    self._record_ms = self._clock.monotonic_ms() + STORE_RETRY_S * 1000
                    _log.error("store refuses", channel=self._channel.name, error=str(e), kept=len(self._unrecorded))
                else:
                    del self._unrecorded[id_]
                    self._moved()

    def _moved(self) -> None:
        # A channel that lets every message run out of time has hung, although each of them is put off in order.
        if not self._sender.is_silent and not self._unrecorded:
            self._moved_ms = self._clock.monotonic_ms()

    async def _write(self, message: Deliverable, outcome: Outcome) -> None:
        now_s, about = self._clock.wall_s(), {"incident": message.alert.incident, "channel": self._channel.name}
        match outcome:
            case Sent():
                await self._queue.mark_sent((message,), now_s)
                _log.info("delivered", kind=message.alert.kind.value, attempts=message.attempts + 1, **about)
            case Deferred(why, wait_s):
                await self._queue.defer((message,), now_s, wait_s, why)
                _log.warning("deferred", wait_s=wait_s, error=why, **about)
            case Refused(why):
                following = await self._queue.reroute((message,), now_s, why)
                _log.error("refused", error=why, next_channel=following, **about)
                self._rerouted()
            case _:
                assert_never(outcome)
