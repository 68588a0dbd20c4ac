"""A place in a channel's pace for whoever sends over it without being owed: the bot's own replies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from monitor.errors import DeliveryDeferred
from monitor.outbox.lanes.pace import Pace


class Guest:
    """Someone who shares a channel with its lane."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """Wait until one message may go to an address; send it inside.

        When that raises DeliveryDeferred, the wait that was asked for is kept by everyone.
        """
        await self._pace.free(address)
        with self._pace.for_address(address) as place:
            await place.taken()
            try:
                yield
            except DeliveryDeferred as e:
                if e.retry_after_ms is not None:
                    self._pace.asked_to_wait(address, e.retry_after_ms)
                raise
            finally:
                place.answered()
