"""JSON-RPC over a connection that stays open: answers matched by id, and new heads announced as they come."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any

from monitor.errors import EndpointError, MalformedJson
from monitor.sources.http import strict_json
from monitor.sources.jsonrpc.messages import Fault, Request, encode, match
from monitor.sources.jsonrpc.wires import Wire
from monitor.sources.parallel import Spawn

_SUBSCRIBE = Request("eth_subscribe", ("newHeads",))
_SUBSCRIBE_TIMEOUT_S = 5.0

Reply = dict[str, Any] | list[Any]


class StreamTransport:
    """Opens its wire when first needed and again after it broke; `spawn` says who owns the listening task."""

    def __init__(
        self, label: str, open_wire: Callable[[], Awaitable[Wire]], spawn: Spawn, announce: Callable[[], None]
    ) -> None:
        self._label = label
        self._open_wire = open_wire
        self._spawn = spawn
        self._announce = announce
        self._ids = count(1)
        self._opening = asyncio.Lock()
        self._wire: Wire | None = None
        self._listener: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Reply]] = {}

    async def connect(self) -> None:
        """Open the wire and subscribe to new heads; a node without subscriptions is polled only."""
        async with self._opening:
            if self._wire is not None:
                return
            wire = await self._open_wire()
            self._wire = wire
            self._listener = self._spawn(self._listen(wire))
        await self._exchange([_SUBSCRIBE], _SUBSCRIBE_TIMEOUT_S)

    async def send(self, requests: Sequence[Request], timeout_s: float) -> list[Any | Fault]:
        """Return results and faults in the order of the requests; raises ReadError when there is no whole reply."""
        if self._wire is None:
            await self.connect()
        return await self._exchange(requests, timeout_s)

    async def close(self) -> None:
        """Close the wire and end the listening."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait([self._listener])
        await self._broken(EndpointError(f"{self._label}: closed"))

    async def _exchange(self, requests: Sequence[Request], timeout_s: float) -> list[Any | Fault]:
        wire, first_id = self._wire, next(self._ids)
        self._ids = count(first_id + len(requests))
        if wire is None:
            raise EndpointError(f"{self._label}: expected an open connection, found that it had just broken")
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[first_id] = reply
        try:
            async with asyncio.timeout(timeout_s):
                await wire.send(encode(requests, first_id))
                return match(await reply, len(requests), first_id, self._label)
        except (OSError, TimeoutError) as e:
            raise EndpointError(f"{self._label}: expected an answer within {timeout_s:g} s, found {e!r:.80}") from e
        finally:
            self._waiting.pop(first_id, None)

    async def _listen(self, wire: Wire) -> None:
        try:
            while True:
                self._deliver(strict_json.parse(await wire.receive(), self._label))
        except (EndpointError, MalformedJson, OSError) as e:
            await self._broken(e)

    def _deliver(self, reply: Any) -> None:
        members = reply if isinstance(reply, list) else [reply]
        ids = [member.get("id") for member in members if isinstance(member, dict)]
        if not isinstance(reply, list) and isinstance(reply, dict) and reply.get("method") == "eth_subscription":
            self._announce()
            return
        known = [i for i in ids if isinstance(i, int) and i in self._waiting]
        # An error without an id belongs to whatever was asked; in doubt to all, because none of it will be answered.
        for i in known or (list(self._waiting) if ids in ([None], []) else []):
            waiter = self._waiting[i]
            if not waiter.done():
                waiter.set_result(reply)

    async def _broken(self, e: Exception) -> None:
        wire, self._wire = self._wire, None
        for waiter in self._waiting.values():
            if not waiter.done():
                waiter.set_exception(e if isinstance(e, EndpointError | MalformedJson) else EndpointError(str(e)))
                waiter.exception()  # whoever waited may just have given up; then nobody else will look at it
        if wire is not None:
            await wire.close()
