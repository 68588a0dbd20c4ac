"""What following single accounts costs while nobody does anything: no more, however many they are."""

import asyncio
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import pytest

from monitor import resources
from monitor.clock import SystemClock
from monitor.cycle.head import HeadLoop
from monitor.cycle.outlook import Outlooks
from monitor.cycle.ruling import Ruling
from monitor.cycle.step import Target
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, Slug, address
from monitor.pricing.haircuts import NONE
from monitor.protocols import ADAPTERS
from monitor.rules.levels import Levels
from monitor.settings import table
from monitor.sources.opening import open_chain
from monitor.sources.rpc.spec import ChainSpec, EndpointSpec
from monitor.store import Store
from monitor.units import WAD
from tests.devnet import Market, aave_v36, running_chain
from tests.fakes.audience import audience
from tests.faults.proxy import running

pytestmark = pytest.mark.devnet
BLOCKS, MOST = 10, 5
SLUG = Slug("aave_v3")


@pytest.mark.parametrize(
    ("chains", "accounts"), [(2, 10), pytest.param(5, 200, marks=pytest.mark.long)], ids=["two chains", "five chains"]
)
async def test_many_watched_accounts_cost_at_most_five_requests_a_block_on_each_chain(
    tmp_path: Path, chains: int, accounts: int
):
    with ExitStack() as nodes:
        markets = [
            aave_v36(nodes.enter_context(running_chain(chain_id=31_337 + number)), accounts) for number in range(chains)
        ]
        async with AsyncExitStack() as stack:
            clock = SystemClock()
            store = await stack.enter_async_context(Store.open(f"sqlite:///{tmp_path / 'hfm.db'}", clock))
            ruling = Ruling(store, Levels.parse(table(resources.config() / "levels.toml")), audience(), clock)
            for number, market in enumerate(markets):
                proxy = await stack.enter_async_context(running(market.chain.node.http_url))
                name = ChainId(f"eip155:{31_337 + number}")
                spec = ChainSpec(name, f"chain {number}", 1_000, (EndpointSpec(proxy.url),), allow_private=True)
                source = await stack.enter_async_context(open_chain(spec, clock))
                target = _target(market, name, number)
                loop = HeadLoop(source, (target,), Outlooks({}, NONE), ruling, {}, clock, 2 * WAD)
                await loop.once()
                proxy.forget()
                for _ in range(BLOCKS):
                    await asyncio.to_thread(market.chain.mine)
                    await loop.once()
                (done,) = loop.passes.values()
                assert (done.passes, done.problem) == (BLOCKS + 1, "")
                assert done.positions >= len(target.owners)
                print(f"{proxy.posts} requests in {BLOCKS} blocks for {len(target.owners)} accounts")
                assert proxy.posts <= MOST * BLOCKS


def _target(market: Market, chain: ChainId, number: int) -> Target:
    owners = tuple(Address(owner.lower()) for owner in market.accounts)
    roots = {"pool_addresses_provider": address(market.deployed.provider)}
    return Target(Deployment(DeploymentName(f"pool-{number}"), SLUG, chain, roots), ADAPTERS[SLUG], owners)
