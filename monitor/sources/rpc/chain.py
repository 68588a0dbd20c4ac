"""One chain as the rest of the program sees it: its head, its blocks, and reads at one of them."""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

import aiohttp
from yarl import URL

from monitor.clock import Clock
from monitor.domain.moment import BlockRef
from monitor.errors import BlockMoved, ConfigError, NoEndpoint, ReadError, WrongChain
from monitor.query import Ask, drive
from monitor.sources.evm import block as blocks
from monitor.sources.http.budget import ROUTINE
from monitor.sources.http.guard import Destination
from monitor.sources.jsonrpc.http import HttpTransport
from monitor.sources.jsonrpc.messages import Request
from monitor.sources.jsonrpc.transport import Transport
from monitor.sources.rpc.endpoint import Endpoint
from monitor.sources.rpc.failover import Failover
from monitor.sources.rpc.probe import probe
from monitor.sources.rpc.reading import Reading
from monitor.sources.rpc.spec import ChainSpec, EndpointSpec

READ_DEADLINE_S = 10.0
START_TIMEOUT_S = 10.0
ATTEMPT_SHARE = 0.4

T = TypeVar("T")


class Chain:
    """Reads one chain through its endpoints. `start` before use, `close` after."""

    def __init__(self, spec: ChainSpec, clock: Clock, session: aiohttp.ClientSession) -> None:
        self.spec = spec
        self._clock = clock
        self._endpoints = [Endpoint(e, spec, _transport(e, spec, clock, session), clock) for e in spec.endpoints]
        self._failover = Failover(clock, self._fit)

    async def start(self) -> None:
        """Check each endpoint's chain and find out what it can do.

        Raises WrongChain, ConfigError or NoEndpoint when none is usable.
        """
        async with asyncio.TaskGroup() as group:
            for endpoint in self._endpoints:
                group.create_task(self._open(endpoint))
        if any(endpoint.refusal is None for endpoint in self._endpoints):
            return
        refusals = [endpoint.refusal for endpoint in self._endpoints if endpoint.refusal is not None]
        told = "; ".join(map(str, refusals)) or "no endpoint is configured"
        for kind in (WrongChain, ConfigError):
            if any(isinstance(refusal, kind) for refusal in refusals):
                raise kind(told)
        raise NoEndpoint(f"{self.spec.name}: expected one usable endpoint, found: {told}")

    async def close(self) -> None:
        """Let go of every connection."""
        for endpoint in self._endpoints:
            await endpoint.transport.close()

    async def head(self) -> BlockRef:
        """Return the newest block."""
        return await self._block(blocks.LATEST)

    async def block(self, which: int | str) -> BlockRef:
        """Return a block by number or by 0x-hash; raises BlockMoved when no endpoint has it."""
        found = await self._block(blocks.asked(which))
        if which not in (found.number, found.hash):
            raise BlockMoved(f"{self.spec.name}: expected block {which}, found {found.number}")
        return found

    async def read(
        self, ask: Ask[T], at: BlockRef, *, deadline_s: float = READ_DEADLINE_S, urgency: int = ROUTINE
    ) -> T:
        """Return what the read finds at that block.

        Raises BlockMoved when the block is gone, NoEndpoint when no endpoint gave a whole answer in time.
        """
        until_ms = self._clock.monotonic_ms() + int(deadline_s * 1000)
        reading = Reading(self._failover, at, until_ms, deadline_s * ATTEMPT_SHARE, urgency)
        try:
            async with asyncio.timeout(deadline_s):
                return await drive(ask, reading.answer)
        except TimeoutError:
            raise NoEndpoint(f"{self.spec.name}: expected the read to end within {deadline_s:g} s") from None

    async def _block(self, request: Request) -> BlockRef:
        async def job(endpoint: Endpoint) -> BlockRef:
            return blocks.from_node(await endpoint.ask(request), self.spec.id, endpoint.label)

        until_ms = self._clock.monotonic_ms() + int(READ_DEADLINE_S * 1000)
        return (await self._failover.run(job, until_ms=until_ms, attempt_s=READ_DEADLINE_S * ATTEMPT_SHARE)).value

    def _fit(self) -> Sequence[Endpoint]:
        return [endpoint for endpoint in self._endpoints if endpoint.refusal is None]

    async def _open(self, endpoint: Endpoint) -> None:
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await endpoint.transport.connect()
                await endpoint.check_chain()
                endpoint.abilities = await probe(endpoint)
        except (ReadError, ConfigError) as e:
            endpoint.refusal = e
        except TimeoutError:
            endpoint.refusal = NoEndpoint(
                f"{endpoint.label}: expected an answer within {START_TIMEOUT_S:g} s, found none"
            )


def _transport(spec: EndpointSpec, chain: ChainSpec, clock: Clock, session: aiohttp.ClientSession) -> Transport:
    return HttpTransport(Destination(URL(spec.url), chain.allow_private, clock), session)
