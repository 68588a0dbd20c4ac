"""With a fifth of all requests failing, nobody is dropped or shown healthier, and nearly everything is current."""

import asyncio
import random
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
from aiohttp import web

from monitor.cycle.board import Board
from monitor.domain.row import Row
from monitor.errors import ReadError
from monitor.store import AtRisk
from tests.cycle.test_whole_market import followed, truth
from tests.devnet import aave_v36, running_chain
from tests.faults.proxy import Faults, running
from tests.protocols.aave_v3.acting import Acting

pytestmark = pytest.mark.devnet
SHARE = 0.2


@dataclass
class FailsOften:
    """Refuses a share of all requests in the ways that providers do."""

    dice: random.Random
    failed: int = 0
    asked: int = 0

    async def __call__(self, request: web.Request) -> web.StreamResponse | None:
        self.asked += 1
        if self.dice.random() >= SHARE:
            return None
        self.failed += 1
        match self.dice.randrange(3):
            case 0:
                return web.Response(status=503, text="<html>bad gateway</html>")
            case 1:
                return web.json_response(
                    {"jsonrpc": "2.0", "id": None, "error": {"code": -32603, "message": "internal"}}
                )
            case _:
                return web.Response(text='{"jsonrpc":"2.0","id":0,"resu', content_type="application/json")


async def rows_of(loop, store) -> dict[str, Row]:
    board = Board(tuple(loop.wholes.values()), store, loop.clock)
    page = await board.at_risk(AtRisk(), limit=1000)
    assert page.next is None
    return {str(view.row["key"]): view.row for view in page.items}


@pytest.mark.parametrize("blocks", [6, pytest.param(100, marks=pytest.mark.long)])
async def test_a_fifth_of_all_requests_may_fail(blocks, tmp_path):
    current, all_listed, worst_lag = 0, 0, 0
    with running_chain() as chain:
        market = aave_v36(chain, 60)
        acting = Acting(market, 9)
        await asyncio.to_thread(acting.begin)
        users = [user.lower() for user in (*acting.people, *market.accounts)]
        async with AsyncExitStack() as stack:
            proxies = [await stack.enter_async_context(running(chain.node.http_url)) for _ in range(2)]
            loop, store = await stack.enter_async_context(followed(market, tmp_path, *(p.url for p in proxies)))
            wires = [FailsOften(random.Random(5)), FailsOften(random.Random(6))]
            for proxy, wire in zip(proxies, wires, strict=True):
                proxy.faults = Faults(wire=wire)
            behind = 0
            for _ in range(blocks):
                await asyncio.to_thread(acting.block)
                head = await asyncio.to_thread(chain.head)
                await asyncio.sleep(0.4)
                try:
                    await loop.once()
                except ReadError:
                    behind += 1
                rows, expected = await rows_of(loop, store), await asyncio.to_thread(truth, market, users)
                for key, health in expected.items():
                    row = rows.get(key, {})
                    is_current = row.get("at_block") == head.number and row.get("status") == "measured"
                    if is_current:
                        assert row["native_health"] == str(health)
                    all_listed += 1
                    current += is_current
                is_whole = all(rows.get(key, {}).get("at_block") == head.number for key in expected)
                behind = 0 if is_whole else behind + 1
                worst_lag = max(worst_lag, behind)
    assert sum(w.failed for w in wires) / sum(w.asked for w in wires) > SHARE / 2
    print(f"{current} of {all_listed} current, never more than {worst_lag} blocks behind")
    assert current >= all_listed * 99 // 100
    assert worst_lag <= 2
