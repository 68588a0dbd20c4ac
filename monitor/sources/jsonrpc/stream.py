"""JSON-RPC over a connection that stays open: answers matched by id, and new heads announced as they come."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any

from monitor import log
from monitor.errors import ConfigError, EndpointError, MalformedJson, ReadError
from monitor.sources.http import strict_json
from monitor.sources.jsonrpc.messages import Fault, Request, encode, match
from monitor.sources.jsonrpc.silence import Silence
from monitor.sources.jsonrpc.wires import Wire
from monitor.sources.parallel import Spawn

_SUBSCRIBE = Request("eth_subscribe", ("newHeads",))
_SUBSCRIBE_TIMEOUT_S = 5.0
_LAST_ANSWERS_S = 5.0

Reply = dict[str, Any] | list[Any]

_log = log.get("sources")


class StreamTransport:
    """Opens its wire when first needed and again after it broke; `spawn` says who owns the listening task."""

    def __init__(
        self,
        label: str,
        open_wire: Callable[[], Awaitable[Wire]],
        spawn: Spawn,
        announce: Callable[[], None],
        silence: Silence,
    ) -> None:
        self._label = label
        self._open_wire = open_wire
        self._spawn = spawn
        self._announce = announce
        self._silence = silence
        self._ids = count(1)
        self._opening = asyncio.Lock()
        self._wire: Wire | None = None
        self._listener: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._is_subscribed = True

    @property
    def renewals(self) -> int:
        """How many connections were given up for being silent."""
        return self._silence.renewals

    async def connect(self) -> None:
        """Open the wire and subscribe to new heads; a node without subscriptions is polled only."""
        async with self._opening:
            if self._wire is not None:
                return
            wire = await self._open_wire()
            self._wire = wire
            self._is_subscribed = True
            self._silence.opened()
            self._listener = self._spawn(self._listen(wire))
        (outcome,) = await self._exchange([_SUBSCRIBE], _SUBSCRIBE_TIMEOUT_S)
        self._is_subscribed = not isinstance(outcome, Fault)

    async def send(self, requests: Sequence[Request], timeout_s: float) -> list[Any | Fault]:
        """Return results and faults in the order of the requests; raises ReadError when there is no whole reply."""
        if self._wire is None:
            await self.connect()
        return await self._exchange(requests, timeout_s)

    def tend(self) -> None:
        """Take another wire when this one has been silent for too long; to be called at every poll."""
        if self._wire is None or not self._silence.is_too_long:
            return
        _log.warning("connection_silent", endpoint=self._label, silent_ms=self._silence.lasts_ms)
        self._silence.given_up()
        wire, listener, unanswered = self._wire, self._listener, tuple(self._waiting.values())
        self._wire = self._listener = None
        self._spawn(self._renew(wire, listener, unanswered))

    async def close(self) -> None:
        """Close the wire and end the listening."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait([self._listener])
        await self._broken(EndpointError(f"{self._label}: closed"))

    async def _renew(
        self, old: Wire, listener: asyncio.Task[None] | None, unanswered: Sequence[asyncio.Future[Reply]]
    ) -> None:
        """Subscribe anew at once; what was asked over the old wire may still be answered over it for a while."""
        try:
            await self.connect()
            if unanswered:
                await asyncio.wait(unanswered, timeout=_LAST_ANSWERS_S)
        except (ReadError, ConfigError, OSError) as e:
            _log.info("not_renewed", endpoint=self._label, problem=str(e))
        finally:
            if listener is not None:
                listener.cancel()
            await old.close()

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
            if wire is self._wire:
                await self._broken(e)

    def _deliver(self, reply: Any) -> None:
        members = reply if isinstance(reply, list) else [reply]
        ids = [member.get("id") for member in members if isinstance(member, dict)]
        is_news = isinstance(reply, dict) and reply.get("method") == "eth_subscription"
        if is_news or not self._is_subscribed:
            self._silence.broken()
        if is_news:
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
