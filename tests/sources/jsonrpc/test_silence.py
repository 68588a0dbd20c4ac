"""A connection that was accepted and then says nothing is noticed and replaced, and no block is missed meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from monitor.clock import SystemClock
from monitor.domain.moment import BlockRef
from monitor.outgoing.guard import Destination
from monitor.sources.jsonrpc.messages import Request
from monitor.sources.jsonrpc.silence import LONGEST_MS, Silence, limit_ms
from monitor.sources.jsonrpc.stream import StreamTransport
from monitor.sources.jsonrpc.wires import websocket
from monitor.sources.rpc.chain import Chain
from tests.fakes.clock import FakeClock
from tests.sources.conftest import MakeChain
from tests.sources.contracts import Node
from tests.sources.jsonrpc.quiet import Quiet, running

BLOCK_MS = 2_000
HALT_MIN = 116


@pytest.fixture
async def quiet(node: Node, tmp_path: Path) -> AsyncIterator[Quiet]:
    async with running(node.rpc, tmp_path) as made:
        yield made


async def until(is_so: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if is_so():
            return
        await asyncio.sleep(0.005)
    pytest.fail("expected it within five seconds, found that it is not so")


async def block_after(chain: Chain, node: Node, head: BlockRef) -> BlockRef:
    """Mine one block and return the head once the chain shows another."""
    node.mine()
    return await chain.wait_for_head(head, 2)


def test_three_block_times_are_too_long_and_ten_seconds_at_least():
    assert [limit_ms(ms) for ms in (260, 2_000, 12_000, 30_000)] == [10_000, 10_000, 36_000, 90_000]


@pytest.mark.parametrize("over", ["ws", "ipc"])
async def test_a_silent_subscription_is_noticed_within_fifteen_seconds_and_no_block_is_skipped(
    node: Node, quiet: Quiet, chain_of: MakeChain, over: str
):
    clock = FakeClock(runs=True)
    chain = await chain_of(getattr(quiet, over), clock=clock, block_time_ms=BLOCK_MS)
    started_ms, head = clock.monotonic_ms(), await chain.head()
    numbers = [head.number]
    while chain.status()[0].renewals == 0:
        head = await block_after(chain, node, head)
        numbers.append(head.number)
        await clock.sleep(1.4)
        await chain.head()
        assert clock.monotonic_ms() - started_ms <= 15_000
    assert clock.monotonic_ms() - started_ms >= 10_000
    await until(lambda: quiet.connections == 2 and len(quiet.subscribers) == 1)
    for _ in range(5):
        head = await block_after(chain, node, head)
        numbers.append(head.number)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_the_renewed_subscription_wakes_the_waiting_again(node: Node, quiet: Quiet, chain_of: MakeChain):
    clock = FakeClock()
    chain = await chain_of(quiet.ws, clock=clock, block_time_ms=BLOCK_MS)
    head = await chain.head()
    await clock.advance(10)
    assert await chain.head() == head
    await until(lambda: quiet.connections == 2 and len(quiet.subscribers) == 1)

    async def tell() -> None:
        await asyncio.sleep(0.02)
        node.mine()
        await quiet.announce()

    async with asyncio.TaskGroup() as group, asyncio.timeout(5):
        group.create_task(tell())
        assert (await chain.wait_for_head(head, 3600)).number == head.number + 1
    assert clock.monotonic_ms() == 10_000


async def test_a_connection_that_answers_nothing_any_more_is_replaced_too(
    node: Node, quiet: Quiet, chain_of: MakeChain
):
    clock = FakeClock(runs=True)
    chain = await chain_of(quiet.ipc, node.http, clock=clock, block_time_ms=BLOCK_MS)
    head = await chain.head()
    quiet.is_dead = True
    await clock.sleep(10)
    await chain.head()
    assert chain.status()[0].renewals == 1
    await until(lambda: quiet.connections == 2)
    quiet.is_dead = False
    node.mine()
    await clock.sleep(30)
    assert (await chain.wait_for_head(head, 60)).number == head.number + 1
    await until(lambda: chain.status()[0].errors > 0 and chain.status()[0].lag_blocks == 0)


async def test_a_subscription_that_speaks_is_never_given_up(node: Node, quiet: Quiet, chain_of: MakeChain):
    clock = FakeClock(runs=True)
    chain = await chain_of(quiet.ws, clock=clock, block_time_ms=BLOCK_MS)
    head = await chain.head()
    for _ in range(30):
        head = await block_after(chain, node, head)
        await quiet.announce()
        assert await chain.head() == head
        await clock.sleep(2)
    assert quiet.connections == 1
    assert chain.status()[0].renewals == 0


async def test_a_chain_that_stands_still_for_two_hours_costs_few_connections(quiet: Quiet, chain_of: MakeChain):
    clock = FakeClock(runs=True)
    chain = await chain_of(quiet.ws, clock=clock, block_time_ms=BLOCK_MS)
    for _ in range(HALT_MIN * 6):
        await clock.sleep(10)
        await chain.head()
        await asyncio.sleep(0)
    renewals = chain.status()[0].renewals
    assert renewals <= 5 + HALT_MIN * 60_000 // LONGEST_MS
    assert renewals >= 10


async def test_in_real_time_a_tenth_of_the_limit_is_kept_too(session: aiohttp.ClientSession, quiet: Quiet):
    clock, heard = SystemClock(), asyncio.Event()
    to = Destination(URL(quiet.ws), True, clock)
    async with asyncio.TaskGroup() as group:
        transport = StreamTransport(
            "quiet", lambda: websocket(session, to), group.create_task, heard.set, Silence(clock, 1_000)
        )
        await transport.connect()
        started_ms = clock.monotonic_ms()
        while transport.renewals == 0:
            assert str((await transport.send([Request("eth_blockNumber")], 2))[0]).startswith("0x")
            transport.tend()
            await asyncio.sleep(0.05)
        assert 1_000 <= clock.monotonic_ms() - started_ms <= 1_500
        await until(lambda: quiet.connections == 2 and len(quiet.subscribers) == 1)
        await quiet.announce()
        async with asyncio.timeout(2):
            await heard.wait()
        await transport.close()
