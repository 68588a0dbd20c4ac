"""Opens a chain or a venue for as long as somebody reads it, with an HTTP client of its own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp

from monitor.clock import Clock
from monitor.domain.ids import ChainId
from monitor.sources.http.joined import Joined
from monitor.sources.http.place import Place
from monitor.sources.http.stream import Stream, StreamSpec
from monitor.sources.http.venue import Venue, VenueSpec
from monitor.sources.life.probation import Probation
from monitor.sources.rpc.chain import Chain
from monitor.sources.rpc.spec import ChainSpec

_CONNECTIONS = 16


@asynccontextmanager
async def open_chain(
    spec: ChainSpec, clock: Clock, probation: Probation | None = None, apis: Sequence[VenueSpec] = ()
) -> AsyncIterator[Chain]:
    """Yield the chain, checked and probed; raises WrongChain, ConfigError or NoEndpoint when none is usable.

    `probation` says since when the new checks have run on this chain; without it they begin now. `apis` are those of
    its deployments, by the name that their questions give them.
    """
    async with _chain(spec, clock, probation, apis) as chain:
        await chain.start()
        yield chain


@asynccontextmanager
async def keep_chain(
    spec: ChainSpec, clock: Clock, probation: Probation | None = None, apis: Sequence[VenueSpec] = ()
) -> AsyncIterator[Chain]:
    """Yield the chain as a service keeps it: it may have no usable endpoint for now.

    Raises WrongChain or ConfigError when it never can have one.
    """
    async with _chain(spec, clock, probation, apis) as chain:
        await chain.begin()
        yield chain


@asynccontextmanager
async def _chain(
    spec: ChainSpec, clock: Clock, probation: Probation | None, apis: Sequence[VenueSpec]
) -> AsyncIterator[Chain]:
    connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        chain = Chain(spec, clock, session, probation, _joined(apis, clock, session))
        try:
            yield chain
        finally:
            await chain.close()


@asynccontextmanager
async def open_venue(spec: VenueSpec, clock: Clock) -> AsyncIterator[Venue]:
    """Yield the venue; nothing is asked of it yet."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_CONNECTIONS)) as session:
        yield Venue(spec, clock, session)


@asynccontextmanager
async def open_place(
    chain: ChainId, name: str, specs: Sequence[VenueSpec], clock: Clock, apis: Sequence[VenueSpec] = ()
) -> AsyncIterator[Place]:
    """Yield a venue without blocks at one or several addresses; nothing is asked of it yet."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_CONNECTIONS)) as session:
        venues = tuple(Venue(spec, clock, session) for spec in specs)
        yield Place(chain, name, venues, clock, _joined(apis, clock, session))


@asynccontextmanager
async def open_stream(spec: StreamSpec, clock: Clock) -> AsyncIterator[Stream]:
    """Yield what a venue pushes over a WebSocket, not opened yet; raises ConfigError for what is no WebSocket."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_CONNECTIONS)) as session:
        yield Stream(spec, clock, session)


def _joined(apis: Sequence[VenueSpec], clock: Clock, session: aiohttp.ClientSession) -> Joined:
    return Joined({spec.name: Venue(spec, clock, session) for spec in apis})
