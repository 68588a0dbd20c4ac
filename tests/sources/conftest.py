"""A real node for the session, misbehaving proxies in front of it, and chains that read through them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace

import aiohttp
import pytest

from monitor.clock import Clock, SystemClock
from monitor.domain.ids import ChainId
from monitor.sources.rpc.chain import Chain
from monitor.sources.rpc.spec import ChainSpec, EndpointSpec
from tests.devnet.chain.anvil import anvil
from tests.devnet.chain.rpc import Rpc
from tests.faults.proxy import Proxy, running
from tests.sources.contracts import Node, furnish

GAS_LIMIT = 50_000_000
"""What geth gives one call, and anvil gives a call as much as a block."""

LOCAL = ChainSpec(ChainId("eip155:31337"), "local", 12_000, (), allow_private=True)

MakeChain = Callable[..., Awaitable[Chain]]
MakeProxy = Callable[[], Awaitable[Proxy]]


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """A chain with contracts whose answers are known."""
    with anvil(gas_limit=GAS_LIMIT) as running_anvil:
        rpc = Rpc(running_anvil.http_url)
        found = Node(running_anvil.http_url, running_anvil.ws_url, running_anvil.ipc_path, rpc)
        furnish(found)
        yield found
        rpc.close()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def proxy(node: Node) -> AsyncIterator[Proxy]:
    """One proxy of the node."""
    async with running(node.http) as one:
        yield one


@pytest.fixture
async def proxies(node: Node) -> AsyncIterator[MakeProxy]:
    """A maker of proxies of the node."""
    async with AsyncExitStack() as stack:

        async def make() -> Proxy:
            return await stack.enter_async_context(running(node.http))

        yield make


@pytest.fixture
async def chain_of(session: aiohttp.ClientSession) -> AsyncIterator[MakeChain]:
    """A maker of started chains over URLs or endpoint specs; they are closed after the test."""
    chains: list[Chain] = []

    async def make(*endpoints: str | EndpointSpec, clock: Clock | None = None, **changes: object) -> Chain:
        specs = tuple(EndpointSpec(e) if isinstance(e, str) else e for e in endpoints)
        spec = replace(LOCAL, endpoints=specs, **changes)  # type: ignore[arg-type]  # a test names real fields
        chains.append(Chain(spec, clock or SystemClock(), session))
        await chains[-1].start()
        return chains[-1]

    yield make
    for chain in chains:
        await chain.close()
