"""Delivers over one channel: takes what matters most, sends it, and records what became of it."""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import assert_never

from monitor import log
from monitor.channels.channel import Channel, Message
from monitor.clock import Clock
from monitor.errors import StoreError
from monitor.outbox.lanes.gathering import MOST, Gathering, Parcel, matter
from monitor.outbox.lanes.guest import Guest
from monitor.outbox.lanes.outcome import Deferred, Outcome, Refused, Sent, Tally, Withdrawn
from monitor.outbox.lanes.pace import Pace, Place
from monitor.outbox.lanes.sending import Sender
from monitor.outbox.lanes.turn import PATIENCE_S, Turn
from monitor.outbox.urgent import Owed
from monitor.store.engine import Reach
from monitor.store.queue import Deliverable

STOP_GRACE_S = 8
WIDTH = 8
STORM = 100
STORM_MS = 1000
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
        render: Callable[[Parcel], Message],
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
        self._gathering = Gathering(clock) if channel.gathers else None
        self._under_way: set[int] = set()
        self._unrecorded: dict[int, tuple[Parcel, Outcome]] = {}
        self._recording = asyncio.Lock()
        self._record_ms = 0
        self._storm_until_ms = 0
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

    @property
    def tally(self) -> Tally:
        """What became of its messages since the start."""
        return self._sender.tally

    def guest(self) -> Guest:
        """Return a place in the lane's pace for someone else."""
        return Guest(self._pace)

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
                message, place, is_calm = await self._next()
                self._under_way.add(message.id)
                delivery = own.create_task(self._deliver(message, place, own, is_calm=is_calm))
                if is_calm:
                    await asyncio.wait((delivery,), timeout=PATIENCE_S)
            await asyncio.shield(delivery)
        except asyncio.CancelledError:
            # What is under way is finished first: cut off, it would be sent again after the restart.
            if delivery is not None:
                await asyncio.wait((delivery,), timeout=STOP_GRACE_S)
            raise

    async def _deliver(self, head: Deliverable, place: Place, own: asyncio.TaskGroup, *, is_calm: bool) -> None:
        """Send it when its turn has come, with all that has to be known and written down before that."""
        try:
            with place:
                parcel = await self._parcel(head)
                if not parcel.is_bound:
                    await self._bind(parcel)
                await place.taken()
                async with self._turn.taken() if is_calm else nullcontext():
                    sent = await self._send(parcel, own)
                    if sent is not None:
                        place.answered()
                        await self._record(*sent)
        except StoreError as e:
            _log.error("store refuses", channel=self._channel.name, error=str(e))
            await self._clock.sleep(STORE_RETRY_S)
        finally:
            self._under_way.remove(head.id)
            # Another message to the address may have waited for this one.
            self._woken.set()

    async def _parcel(self, head: Deliverable) -> Parcel:
        """Return what goes out as one with a message."""
        is_bound = head.leader is not None
        if self._gathering is None:
            return Parcel((head,), head.key, is_bound=True)
        about = matter(head.alert)
        if not head.has_company or (not is_bound and (about is None or head.attempts > 0)):
            return Parcel((head,), head.leader_key or head.key, is_bound)
        found = await self._queue.companions(head, MOST, self._clock.wall_s(), self._kept_ids())
        members = tuple(one for one in found if is_bound or matter(one.alert) == about)
        return Parcel(members or (head,), head.leader_key or (members or (head,))[0].key, is_bound)

    async def _send(self, parcel: Parcel, own: asyncio.TaskGroup) -> tuple[Parcel, Outcome] | None:
        """Send what is not withdrawn of it; return that and what became of it, None where nothing was left to send."""
        while True:
            outcome = await self._sender.send(parcel.members, self._render(parcel), own)
            if not isinstance(outcome, Withdrawn):
                return parcel, outcome
            left = tuple(message for message in parcel.members if message.id in outcome.left)
            if not left:
                return None
            parcel = replace(parcel, members=left)

    async def _bind(self, parcel: Parcel) -> None:
        try:
            await self._queue.bind(parcel.members)
        except StoreError as e:
            # Better sent, and perhaps repeated in another company after a crash, than not sent while the disk is full.
            _log.error("store refuses", channel=self._channel.name, error=str(e))

    async def _next(self) -> tuple[Deliverable, Place, bool]:
        """Return the message that matters most, once there is one, its address, and whether few others are owed."""
        while True:
            await self._record_all()
            try:
                found = await self._first_due()
                is_calm = isinstance(found, Deliverable) and await self._is_calm()
            except StoreError as e:
                _log.error("store refuses", channel=self._channel.name, error=str(e))
                await self._clock.sleep(STORE_RETRY_S)
                continue
            if not isinstance(found, Deliverable):
                if not self._under_way:
                    self._moved()
                await self._doze(found)
            # A guest may have come to the address since it was found free.
            elif self._pace.wait_for_ms(found.route.address) == 0:
                return found, self._pace.for_address(found.route.address), is_calm

    async def _is_calm(self) -> bool:
        """Whether few messages are owed; a storm lasts for a second at least."""
        now_ms = self._clock.monotonic_ms()
        if now_ms < self._storm_until_ms:
            return False
        is_calm = await self._queue.owed(self._channel.name, STORM) < STORM
        self._storm_until_ms = now_ms if is_calm else now_ms + STORM_MS
        return is_calm

    async def _first_due(self) -> Deliverable | float:
        """Return the message that matters most, or how long to wait for one."""
        now_s, held = self._clock.wall_s(), self._pace.held()
        look = await self._queue.look(
            self._channel.name,
            limit=1,
            now_s=now_s,
            without=(*self._under_way, *self._kept_ids()),
            but_to=(*held, *self._pace.busy),
            ripe=self._gathering.ripe() if self._gathering else None,
        )
        if self._gathering and look.newest_id is not None:
            self._gathering.saw(look.newest_id)
        if look.due:
            return look.due[0]
        waits = [STORE_RETRY_S if self._unrecorded else POLL_S, *(ms / 1000 for ms in held.values())]
        gathers_ms = self._gathering.wait_ms() if self._gathering else None
        waits += [] if gathers_ms is None else [gathers_ms / 1000]
        return min(waits if look.next_try_s is None else [*waits, look.next_try_s - now_s])

    def _kept_ids(self) -> list[int]:
        return [message.id for parcel, _ in self._unrecorded.values() for message in parcel.members]

    async def _doze(self, seconds: float) -> None:
        async with asyncio.TaskGroup() as both:
            alarm = both.create_task(self._ring(seconds))
            await self._woken.wait()
            alarm.cancel()
        self._woken.clear()

    async def _ring(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self.wake()

    async def _record(self, parcel: Parcel, outcome: Outcome) -> None:
        self._unrecorded[parcel.head.id] = (parcel, outcome)
        await self._record_all()

    async def _record_all(self) -> None:
        """Write down every outcome not yet stored; while the store refuses, they are kept here and sending goes on."""
        async with self._recording:
            while self._unrecorded and self._clock.monotonic_ms() >= self._record_ms:
                id_, (parcel, outcome) = next(iter(self._unrecorded.items()))
                try:
                    await self._write(parcel, outcome)
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

    async def _write(self, parcel: Parcel, outcome: Outcome) -> None:
        now_s, head = self._clock.wall_s(), parcel.head
        about = {"incident": head.alert.incident, "channel": self._channel.name, "alerts": len(parcel.members)}
        match outcome:
            case Sent():
                await self._queue.mark_sent(parcel.members, now_s)
                _log.info("delivered", kind=head.alert.kind.value, attempts=head.attempts + 1, **about)
            case Deferred(why, wait_s):
                await self._queue.defer(parcel.members, now_s, wait_s, why)
                _log.warning("deferred", wait_s=wait_s, error=why, **about)
            case Refused(why):
                following = await self._queue.reroute(parcel.members, now_s, why)
                _log.error("refused", error=why, next_channel=following, **about)
                self._rerouted()
            case _:
                assert_never(outcome)
