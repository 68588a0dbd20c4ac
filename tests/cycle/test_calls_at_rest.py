"""What following whole markets costs while nobody does anything."""

import asyncio

import pytest

from monitor.domain.ids import DeploymentName
from tests.cycle.test_whole_market import all_followed
from tests.devnet import aave_v30, aave_v36, running_chain
from tests.faults.proxy import running

pytestmark = pytest.mark.devnet
BLOCKS = 10


async def test_a_block_in_which_nobody_acts_costs_at_most_five_requests_for_all_deployments_together(tmp_path):
    with running_chain() as chain:
        markets = {"one": aave_v30(chain, 10), "other": aave_v36(chain, 10), "third": aave_v36(chain, 10)}
        async with running(chain.node.http_url) as proxy, all_followed(markets, tmp_path, proxy.url) as (loop, _):
            await loop.once()
            await asyncio.to_thread(chain.mine)
            await loop.once()
            proxy.forget()
            for _ in range(BLOCKS):
                await asyncio.to_thread(chain.mine)
                await loop.once()
            assert all(done.passes == BLOCKS + 2 and not done.problem for done in loop.passes.values())
        print(f"{proxy.posts} requests in {BLOCKS} blocks for {len(markets)} deployments")
        assert proxy.posts <= 5 * BLOCKS


async def test_a_market_that_cannot_be_read_leaves_the_others_of_its_chain_untouched(tmp_path):
    with running_chain() as chain:
        markets = {"sound": aave_v30(chain, 10), "broken": aave_v36(chain, 10)}
        async with all_followed(markets, tmp_path) as (loop, store):
            await loop.once()
            known = await store.known(DeploymentName("broken"))
            assert known
            broken = markets["broken"].deployed
            code = chain.rpc.request("eth_getCode", broken.pool, "latest")
            await asyncio.to_thread(chain.set_code, broken.pool, "0xfe")
            await asyncio.to_thread(chain.mine)
            await loop.once()
            passes = {str(name): done for name, done in loop.passes.items()}
            assert (passes["sound"].passes, passes["sound"].problem) == (2, "")
            assert (passes["broken"].passes, passes["broken"].failures) == (1, 1)
            assert passes["broken"].unmeasurable == len(known)
            await asyncio.to_thread(chain.set_code, broken.pool, code)
            await asyncio.to_thread(chain.mine)
            await loop.once()
            assert all(done.passes >= 2 and not done.problem for done in loop.passes.values())
