"""Opens the chains and venues of the settings, each with the APIs that its deployments ask beside it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from monitor.app import parts
from monitor.clock import Clock
from monitor.domain.ids import ChainId
from monitor.settings import Settings
from monitor.sources.http.place import Place
from monitor.sources.life.probation import Probation
from monitor.sources.opening import keep_chain, open_chain, open_place
from monitor.sources.rpc.chain import Chain

Origin = Chain | Place
"""A chain that is read at blocks, or a venue that is read now."""


@asynccontextmanager
async def opened(settings: Settings, name: str, clock: Clock) -> AsyncIterator[Origin]:
    """Yield one chain or venue; raises WrongChain, ConfigError or NoEndpoint when it cannot be read."""
    row = settings.chain_named(name)
    if not row.has_blocks:
        async with _place(settings, name, clock) as place:
            yield place
        return
    async with open_chain(parts.chain_spec(row), clock, apis=parts.apis(settings, name)) as chain:
        yield chain


@asynccontextmanager
async def kept(
    settings: Settings, name: str, clock: Clock, probation: Probation | None = None
) -> AsyncIterator[Origin]:
    """Yield one chain or venue that may have no usable endpoint for now; `probation` as an earlier run left it.

    Raises WrongChain or ConfigError when it never can have one.
    """
    row = settings.chain_named(name)
    if not row.has_blocks:
        async with _place(settings, name, clock) as place:
            yield place
        return
    async with keep_chain(parts.chain_spec(row), clock, probation, apis=parts.apis(settings, name)) as chain:
        yield chain


@asynccontextmanager
async def _place(settings: Settings, name: str, clock: Clock) -> AsyncIterator[Place]:
    row = settings.chain_named(name)
    async with open_place(ChainId(row.id), name, parts.venue_specs(row), clock, parts.apis(settings, name)) as place:
        yield place
