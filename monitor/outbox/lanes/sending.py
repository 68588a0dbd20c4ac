"""Hands one message to a channel, unless it was withdrawn until that very moment, and says what became of it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from monitor import log
from monitor.channels.channel import Channel, Message
from monitor.errors import DeliveryDeferred, DeliveryRefused, MarkupRefused, StoreError
from monitor.outbox.lanes.outcome import Deferred, Outcome, Refused, Sent, Tally, Withdrawn
from monitor.outbox.lanes.pace import Pace
from monitor.outbox.urgent import Owed
from monitor.store.engine import Reach
from monitor.store.queue import Deliverable

SEND_TIMEOUT_S = 30
FIRST_RETRY_S = 1
DOUBLINGS = 8

_log = log.get("outbox")


class Sender:
    """One channel's way out; `markup_refusals` counts what had to go out again as plain text.

    `is_silent` says that the channel let the last message run out of time: it answered neither yes nor no.
    """

    def __init__(self, queue: Owed, channel: Channel, pace: Pace, jitter: Callable[[], float], reach: Reach) -> None:
        self._queue = queue
        self._channel = channel
        self._pace = pace
        self._jitter = jitter
        self._reach = reach
        self._plain: set[str] = set()
        self.tally = Tally()
        self.is_silent = False

    async def send(self, owed: Sequence[Deliverable], rendered: Message, own: asyncio.TaskGroup) -> Outcome | Withdrawn:
        """Send what says all that is owed, in a task of `own`; at once again as plain text when its markup is refused.

        Raises StoreError when the store cannot say whether it is still owed; then nothing was sent.
        """
        self._reach("lane: before sending")
        # What was refused for its markup and then could not be sent either is not tried with its markup again.
        tried = await self._claimed(
            owed, replace(rendered, html=None) if rendered.key in self._plain else rendered, own
        )
        if isinstance(tried, MarkupRefused):
            self.tally.markup_refusals += 1
            self._plain.add(rendered.key)
            self._pace.one_more()
            _log.warning("markup refused", channel=self._channel.name, incident=rendered.incident, error=str(tried))
            tried = await self._claimed(owed, replace(rendered, html=None), own)
        if not isinstance(tried, DeliveryDeferred):
            self._plain.discard(rendered.key)
        self.tally.count(tried)
        match tried:
            case MarkupRefused() | DeliveryRefused():
                return Refused(str(tried))
            case DeliveryDeferred():
                return Deferred(str(tried), self._wait_s(owed[0], tried.retry_after_ms))
            case Sent():
                self._reach("lane: accepted")
                return tried
            case Withdrawn():
                return tried

    async def _claimed(
        self, owed: Sequence[Deliverable], rendered: Message, own: asyncio.TaskGroup
    ) -> Sent | Withdrawn | MarkupRefused | DeliveryRefused | DeliveryDeferred:
        sending = None
        try:
            async with self._queue.claimed(owed) as still:
                if any(message.id not in still for message in owed):
                    return Withdrawn(frozenset(still))
                sending = own.create_task(self._try(owed[0].route.address, rendered))
                # One turn of the loop, in which the channel begins: whoever withdraws it comes before that or after.
                await asyncio.sleep(0)
        except StoreError:
            if sending is None:
                raise
        return await sending

    async def _try(self, address: str, rendered: Message) -> Sent | MarkupRefused | DeliveryRefused | DeliveryDeferred:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._channel.send(address, rendered)
        except (MarkupRefused, DeliveryRefused, DeliveryDeferred) as e:
            self.is_silent = False
            return e
        except TimeoutError:
            self.is_silent = True
            return DeliveryDeferred(f"expected {self._channel.name} to answer in {SEND_TIMEOUT_S} s, it did not")
        self.is_silent = False
        return Sent()

    def _wait_s(self, message: Deliverable, retry_after_ms: int | None) -> int:
        if retry_after_ms is not None:
            self._pace.asked_to_wait(message.route.address, retry_after_ms)
            return -(-retry_after_ms // 1000)
        longest_s = FIRST_RETRY_S << min(message.attempts, DOUBLINGS)
        return max(FIRST_RETRY_S, int(longest_s * (1 + self._jitter()) / 2))
