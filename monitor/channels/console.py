"""Writes messages where the service runs."""

from typing import TextIO

from monitor.channels.channel import Limits, Message
from monitor.errors import DeliveryDeferred


class Console:
    """A stream, usually standard output; the address says nothing."""

    name = "console"
    limits = Limits(messages=1000, window_ms=1000, gap_ms=0)
    gathers = True

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    async def send(self, address: str, message: Message) -> None:  # noqa: ARG002  # every channel takes an address
        """Write the text and a blank line; raises DeliveryDeferred when the stream does not take it."""
        failure = None
        try:
            self._stream.write(f"{message.text}\n\n")
            self._stream.flush()
        except (OSError, ValueError) as e:
            failure = type(e).__name__
        if failure:
            raise DeliveryDeferred(f"expected to write to the console, found {failure}")
