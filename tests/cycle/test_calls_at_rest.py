"""What following a whole market costs while nobody does anything."""

import asyncio

import pytest

from tests.cycle.test_whole_market import followed
from tests.faults.proxy import running

pytestmark = [pytest.mark.devnet, pytest.mark.xdist_group("v36")]
BLOCKS = 10


async def test_a_block_in_which_nobody_acts_costs_at_most_five_requests(market_v36, tmp_path):
    async with running(market_v36.chain.node.http_url) as proxy:
        async with followed(market_v36, tmp_path, proxy.url) as (loop, _):
            await loop.once()
            await asyncio.to_thread(market_v36.chain.mine)
            await loop.once()
            proxy.forget()
            for _ in range(BLOCKS):
                await asyncio.to_thread(market_v36.chain.mine)
                await loop.once()
        assert proxy.posts <= 5 * BLOCKS
