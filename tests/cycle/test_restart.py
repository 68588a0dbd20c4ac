"""A service that starts again goes on from its ledger, whatever became of the block that it stopped at."""

import asyncio

import pytest

from monitor.clock import SystemClock
from monitor.cycle.board import Board
from monitor.units import PPM
from tests.cycle.test_whole_market import followed, listed, truth
from tests.devnet import aave_v36, running_chain
from tests.protocols.aave_v3.acting import Acting

pytestmark = pytest.mark.devnet
STOPPED_AFTER, FORKED = 4, 2


@pytest.mark.parametrize("forked", [0, FORKED], ids=["its block stands", "its block forked away"])
async def test_a_restart_goes_on_from_the_stored_ledger_and_lists_what_the_contract_says(forked, tmp_path):
    with running_chain() as chain:
        market = aave_v36(chain, 30)
        acting = Acting(market, 5)
        await asyncio.to_thread(acting.begin)
        users = [user.lower() for user in (*acting.people, *market.accounts)]
        async with followed(market, tmp_path) as (loop, _):
            for _ in range(STOPPED_AFTER):
                await asyncio.to_thread(acting.block)
                await loop.once()
        if forked:
            await asyncio.to_thread(chain.reorg, forked)
        await asyncio.to_thread(acting.block)
        head = await asyncio.to_thread(chain.head)
        async with followed(market, tmp_path) as (loop, store):
            while (at := await loop.chain.wait_for_head(None, 1)).hash != head.hash:
                assert at.number <= head.number
            await loop.once()
            (whole,) = loop.wholes.values()
            (book,) = whole.books.values()
            assert len(book.journal.blocks()) > 1
            found = await listed(Board((whole,), store, SystemClock()), head.number)
            assert found == await asyncio.to_thread(truth, market, users)
            (finding,) = whole.audits.values()
            assert (finding.differing, finding.apart) == ((), {})
            *_, kept = await store.views.audits(whole.target.deployment.name)
            assert (kept.block, kept.sampled) == (finding.block, finding.sampled)
            assert (kept.differing, kept.match_ppm) == (0, PPM)
