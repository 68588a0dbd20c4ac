"""Opens a chain or a venue for as long as somebody reads it, with an HTTP client of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from monitor.clock import Clock
from monitor.sources.http.venue import Venue, VenueSpec
from monitor.sources.life.probation import Probation
from monitor.sources.rpc.chain import Chain
from monitor.sources.rpc.spec import ChainSpec

_CONNECTIONS = 16


@asynccontextmanager
async def open_chain(spec: ChainSpec, clock: Clock, probation: Probation | None = None) -> AsyncIterator[Chain]:
    """Yield the chain, checked and probed; raises WrongChain, ConfigError or NoEndpoint when none is usable.

    `probation` says since when the new checks have run on this chain; without it they begin now.
    """
    async with _chain(spec, clock, probation) as chain:
        await chain.start()
        yield chain


@asynccontextmanager
async def keep_chain(spec: ChainSpec, clock: Clock, probation: Probation | None = None) -> AsyncIterator[Chain]:
    """Yield the chain as a service keeps it: it may have no usable endpoint for now.

    Raises WrongChain or ConfigError when it never can have one.
    """
    async with _chain(spec, clock, probation) as chain:
        await chain.begin()
        yield chain


@asynccontextmanager
async def _chain(spec: ChainSpec, clock: Clock, probation: Probation | None) -> AsyncIterator[Chain]:
    connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        chain = Chain(spec, clock, session, probation)
        try:
            yield chain
        finally:
            await chain.close()


@asynccontextmanager
async def open_venue(spec: VenueSpec, clock: Clock) -> AsyncIterator[Venue]:
    """Yield the venue; nothing is asked of it yet."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_CONNECTIONS)) as session:
        yield Venue(spec, clock, session)
