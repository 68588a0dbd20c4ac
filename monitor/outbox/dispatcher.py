"""Runs one lane per channel, so that a slow channel holds up no other."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from monitor.channels.channel import Channel, Message
from monitor.clock import Clock
from monitor.domain.alerts import Notice
from monitor.errors import ConfigError
from monitor.outbox.lanes.answers import answers
from monitor.outbox.lanes.gathering import Parcel
from monitor.outbox.lanes.guest import Guest
from monitor.outbox.lanes.lane import Lane
from monitor.outbox.lanes.outcome import Tally
from monitor.outbox.lanes.turn import Turn
from monitor.outbox.listing import listing
from monitor.outbox.render import render
from monitor.outbox.urgent import Urgent
from monitor.store.engine import Reach
from monitor.store.queue import Deliverable, Queue


class Dispatcher:
    """The delivering half of the outbox; give it a channel for every name that routes use.

    `jitter` returns a number from 0 to 1 and spreads retries. `reach` is called wherever a crash would matter.
    """

    def __init__(
        self,
        queue: Queue,
        channels: Sequence[Channel],
        clock: Clock,
        jitter: Callable[[], float],
        link_base: str = "",
        reach: Reach = lambda _: None,
    ) -> None:
        def rendered(parcel: Parcel) -> Message:
            head = parcel.head
            # A further step begins on a later route: that is not one which the message was moved to.
            moved = max(head.route_index - head.step, 0)
            if len(parcel.members) == 1:
                said = render(head.alert, head.recipient, parcel.key, moved, link_base)
            else:
                refused_by = head.recipient.routes[head.step].channel if moved else ""
                told = [(one.alert, one.recipient) for one in parcel.members]
                said = listing(told, parcel.key, link_base, refused_by)
            return replace(said, answers=answers(parcel, link_base))

        turn = Turn()
        self._clock = clock
        self._owed = Urgent(queue)
        self._lanes = [
            Lane(self._owed, channel, clock, jitter, rendered, self.wake, reach, turn) for channel in channels
        ]

    def wake(self) -> None:
        """Look now; call it after a commit that had notices."""
        for lane in self._lanes:
            lane.wake()

    def urgent(self, notices: Sequence[Notice]) -> None:
        """Deliver what the store could not take, from memory."""
        self._owed.put(notices, self._clock.wall_s())
        self.wake()

    def accepted(self) -> Sequence[Deliverable]:
        """Return what was delivered from memory and is not in the store yet."""
        return self._owed.accepted

    def stored(self, keys: Sequence[str], recorded: Sequence[Deliverable]) -> None:
        """Leave to the store what it has taken now: messages owed, and messages recorded as delivered."""
        self._owed.stored(keys, recorded)
        self.wake()

    def still_ms(self) -> dict[str, int]:
        """Return for how long each channel's lane has stood still."""
        return {lane.channel: lane.still_ms for lane in self._lanes}

    @property
    def tallies(self) -> Mapping[str, Tally]:
        """What became of messages since the start, by channel."""
        return {lane.channel: lane.tally for lane in self._lanes}

    def guest(self, channel: str) -> Guest:
        """Return a place in a channel's pace for someone who sends over it too; raises ConfigError for none of ours."""
        for lane in self._lanes:
            if lane.channel == channel:
                return lane.guest()
        raise ConfigError(
            f"expected a channel out of {', '.join(lane.channel for lane in self._lanes)}, found {channel!r}"
        )

    async def run(self) -> None:
        """Deliver until cancelled; what is unfinished then stays owed."""
        async with asyncio.TaskGroup() as lanes:
            for lane in self._lanes:
                lanes.create_task(lane.run())
