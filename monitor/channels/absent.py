"""Stands where a channel is used but not set up, so that nothing waits for it in silence."""

from monitor.channels.channel import Limits, Message
from monitor.errors import DeliveryRefused


class Absent:
    """A channel without settings; every message goes on to the recipient's next route."""

    limits = Limits(messages=1000, window_ms=1000, gap_ms=0)
    gathers = False

    def __init__(self, name: str, why: str) -> None:
        self.name = name
        self._why = why

    async def send(self, address: str, message: Message) -> None:  # noqa: ARG002  # every channel takes both
        """Raise DeliveryRefused saying what is missing."""
        raise DeliveryRefused(f"{self.name} is not set up: {self._why}")
