"""What an endpoint needs of the wire below it."""

from collections.abc import Sequence
from typing import Any, Protocol

from monitor.sources.jsonrpc.messages import Fault, Request


class Transport(Protocol):
    """One way to one node."""

    @property
    def renewals(self) -> int:
        """How many connections were given up for being silent."""
        ...

    async def connect(self) -> None:
        """Get ready; raises ConfigError where the place is not allowed, EndpointError where it does not answer."""
        ...

    async def send(self, requests: Sequence[Request], timeout_s: float) -> list[Any | Fault]:
        """Return results and faults in the order of the requests; raises ReadError when there is no whole reply."""
        ...

    def tend(self) -> None:
        """Give up a connection that has been silent for too long and open another meanwhile."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...
