"""One chain as the rest of the program sees it: its head, its blocks, and reads at one of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import aiohttp

from monitor.clock import Clock
from monitor.domain.ids import Address, ChainId
from monitor.domain.liveness import Liveness
from monitor.domain.moment import At, BlockRef
from monitor.errors import BlockMoved, ConfigError, NoEndpoint, ReadError, WrongChain
from monitor.outgoing.guard import Destination
from monitor.query import Ask, Log, LogFilter, drive
from monitor.sources.evm import block as blocks
from monitor.sources.evm.reader import Reader, as_bytes
from monitor.sources.http.joined import NONE, Joined
from monitor.sources.jsonrpc import wires
from monitor.sources.jsonrpc.http import HttpTransport
from monitor.sources.jsonrpc.messages import Request
from monitor.sources.jsonrpc.silence import Silence, limit_ms
from monitor.sources.jsonrpc.stream import StreamTransport
from monitor.sources.jsonrpc.transport import Transport
from monitor.sources.life.probation import Probation
from monitor.sources.life.settled import Settled
from monitor.sources.logs.scan import Estimate, Progress, Scan
from monitor.sources.rpc.comparison import Doubt
from monitor.sources.rpc.endpoint import Endpoint
from monitor.sources.rpc.failover import Failover, Limits
from monitor.sources.rpc.following import Following
from monitor.sources.rpc.reading import Reading
from monitor.sources.rpc.spec import ChainSpec, EndpointSpec, EndpointStatus, Urgency
from monitor.sources.rpc.status import status_of

READ_DEADLINE_S = 10.0

T = TypeVar("T")


class Chain:
    """Reads one chain through its endpoints. `start` or `begin` before use, `close` after."""

    def __init__(
        self,
        spec: ChainSpec,
        clock: Clock,
        session: aiohttp.ClientSession,
        probation: Probation | None = None,
        joined: Joined = NONE,
    ) -> None:
        self.spec = spec
        self.probation = probation or Probation()
        self.joined = joined
        self._clock = clock
        self._session = session
        self._open = AsyncExitStack()
        self._group = asyncio.TaskGroup()
        self._running: set[asyncio.Task[None]] = set()
        self._endpoints: tuple[Endpoint, ...] = ()
        self._following = Following(spec, clock, (), self._spawn)
        self._doubt = Doubt(clock, self.probation)
        self._settled = Settled(spec, self._fit)

    async def start(self) -> None:
        """Check which chain each endpoint serves and find out what it can do.

        Raises WrongChain, ConfigError or NoEndpoint when none is usable.
        """
        await self.begin()
        if not any(endpoint.is_open for endpoint in self._endpoints):
            await self.close()
            raise self._none_usable()

    async def begin(self) -> None:
        """Do the same for a long time to come: an endpoint that does not answer now is let in when it does.

        Raises WrongChain or ConfigError when none can ever be used.
        """
        self.probation.begin(self._clock.wall_s())
        self._endpoints = tuple(
            Endpoint(endpoint, self.spec, self._transport(endpoint), self._clock) for endpoint in self.spec.endpoints
        )
        self._following = Following(self.spec, self._clock, self._endpoints, self._spawn)
        await self._open.enter_async_context(self._group)
        await self._following.start()
        if all(endpoint.refusal is not None for endpoint in self._endpoints):
            await self.close()
            raise self._none_usable()

    async def close(self) -> None:
        """Let go of every connection."""
        for task in tuple(self._running):
            task.cancel()
        for endpoint in self._endpoints:
            await endpoint.transport.close()
        await self._open.aclose()

    @property
    def id(self) -> ChainId:
        """The chain's CAIP-2 id."""
        return self.spec.id

    @property
    def name(self) -> str:
        """What the settings call the chain."""
        return self.spec.name

    @property
    def can_confirm(self) -> bool:
        """Whether a second endpoint is there to check the first one's word."""
        return len(self._following.fit()) >= 2

    @property
    def clock_skew_s(self) -> int | None:
        """How far the local clock is ahead of arriving blocks, None before two have arrived; over 30 s is warned of."""
        return self._following.heads.skew.ahead_s

    @property
    def liveness(self) -> Liveness:
        """Whether the chain lives, stands still or cannot be reached, as of the last look for its head."""
        return self._following.pulse.now()

    async def head(self) -> BlockRef:
        """Return the newest block that the endpoints agree on; raises NoEndpoint when none answers."""
        return await self._in_time(self._following.head(), READ_DEADLINE_S)

    async def wait_for_head(self, after: BlockRef | None, timeout_s: float) -> BlockRef:
        """Return the head as soon as it is another block than `after`, or the same one when the time is up."""
        return await self._following.wait(after, timeout_s)

    async def settled(self, head: BlockRef) -> int:
        """Return the number of the newest block that no reorg will undo, as known at this head; it never goes back.

        Costs one request per endpoint and head, so ask only while something waits for it. An endpoint that fails
        delays it.
        """
        return await self._in_time(self._settled.at(head), READ_DEADLINE_S)

    async def block(self, which: int | str, *, deadline_s: float = READ_DEADLINE_S) -> BlockRef:
        """Return a block by number or by 0x-hash; raises BlockMoved when no endpoint has it."""

        async def job(endpoint: Endpoint) -> BlockRef:
            return blocks.from_node(await endpoint.ask(blocks.asked(which)), self.spec.id, endpoint.label)

        failover = Failover(self._clock, self._following.fit)
        done = await self._in_time(failover.run(job, Limits.within(self._clock, deadline_s)), deadline_s)
        if which not in (done.value.number, done.value.hash):
            raise BlockMoved(f"{done.endpoint.label}: expected block {which}, found {done.value.number}")
        return done.value

    async def read(
        self,
        ask: Ask[T],
        at: At,
        *,
        deadline_s: float = READ_DEADLINE_S,
        confirm: bool = False,
        urgency: Urgency = Urgency.ROUTINE,
    ) -> T:
        """Return what the read finds at that block; with `confirm`, only what two endpoints say alike.

        Raises BlockMoved when the block is gone, EndpointsDisagree when two answers differ and no third decides,
        NoEndpoint when no endpoint (no second one, for `confirm`) gave a whole answer in time.
        """
        if not isinstance(at, BlockRef):
            raise ReadError(f"expected a block of {self.spec.name} to read at, found the moment of {at.venue}")
        failover = Failover(self._clock, lambda: self._following.fit(at))
        limits = Limits.within(self._clock, deadline_s, urgency)
        reading = Reading(failover, at, limits, self._doubt, confirm, self.joined)
        return await self._in_time(drive(ask, reading.answer), deadline_s)

    def logs(
        self, wanted: LogFilter, first: int, last: int, at: BlockRef, progress: Progress = lambda _: None
    ) -> AsyncIterator[tuple[range, tuple[Log, ...]]]:
        """Yield consecutive ranges of blocks from first to last with their logs, all of the chain that ends in `at`.

        Raises BlockMoved when `at` is gone, NoEndpoint when no endpoint gave a whole answer, AskedTooMuch when even
        one block and topic is too much, EndpointsDisagree when two endpoints differ and no receipts decide.
        """
        return self._scan(at).ranges(wanted, first, last, progress)

    async def estimate(self, wanted: LogFilter, first: int, last: int, at: BlockRef) -> Estimate:
        """Return what reading these logs is expected to take."""
        return await self._scan(at).estimate(wanted, first, last)

    async def has_code(self, address: Address, at: BlockRef) -> bool:
        """Return whether a contract stands at the address; raises NoEndpoint where none keeps the block's state."""

        async def job(endpoint: Endpoint) -> bool:
            reader = Reader(endpoint, at)
            (code,) = await reader.ask_many([Request("eth_getCode", (address, reader.block))])
            return bool(as_bytes(code, endpoint.label))

        failover = Failover(self._clock, lambda: self._following.fit(at))
        done = await self._in_time(failover.run(job, Limits.within(self._clock, READ_DEADLINE_S)), READ_DEADLINE_S)
        return done.value

    def _fit(self) -> list[Endpoint]:
        return self._following.fit()

    def _scan(self, at: BlockRef) -> Scan:
        return Scan(self._clock, lambda: self._following.fit(at), at, self._doubt)

    def requests_left(self, within_s: float = 0) -> int | None:
        """Return how many more requests the fit endpoints take within a time, 0 s for at once; None without a cap.

        Work beyond that waits for its turn, so what matters most must be asked for first.
        """
        left = [endpoint.budget.left(int(within_s * 1000)) for endpoint in self._fit()]
        return None if None in left else sum(n for n in left if n is not None)

    def status(self) -> tuple[EndpointStatus, ...]:
        """Return what each endpoint is doing, in the order of the configuration."""
        return tuple(status_of(endpoint, self._following.heads, self._clock) for endpoint in self._endpoints)

    async def _in_time(self, work: Awaitable[T], deadline_s: float) -> T:
        try:
            async with asyncio.timeout(deadline_s):
                return await work
        except TimeoutError:
            raise NoEndpoint(f"{self.spec.name}: expected the read to end within {deadline_s:g} s") from None

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._group.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def _transport(self, spec: EndpointSpec) -> Transport:
        url = spec.parsed
        if url is None:
            return self._stream(spec, lambda: wires.ipc(spec.url, spec.label))
        to = Destination(url, self.spec.allow_private, self._clock)
        if url.scheme in ("ws", "wss"):
            return self._stream(spec, lambda: wires.websocket(self._session, to))
        return HttpTransport(to, self._session)

    def _stream(self, spec: EndpointSpec, open_wire: Callable[[], Awaitable[wires.Wire]]) -> Transport:
        silence = Silence(self._clock, limit_ms(self.spec.block_time_ms))
        return StreamTransport(spec.label, open_wire, self._spawn, self._announced, silence)

    def _announced(self) -> None:
        self._following.announced()

    def _none_usable(self) -> ReadError | ConfigError:
        told = "; ".join(str(e.refusal or e.last_failure) for e in self._endpoints) or "no endpoint is configured"
        for kind in (WrongChain, ConfigError):
            if any(isinstance(endpoint.refusal, kind) for endpoint in self._endpoints):
                return kind(told)
        return NoEndpoint(f"{self.spec.name}: expected one usable endpoint, found: {told}")
