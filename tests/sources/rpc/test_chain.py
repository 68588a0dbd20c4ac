"""A chain read through one honest node, by every transport and every way."""

import asyncio
from dataclasses import replace

import pytest

from monitor.domain.moment import BlockRef
from monitor.errors import BlockMoved, NoEndpoint
from monitor.query import (
    EthCall,
    Failed,
    LensAnswer,
    LensCall,
    LogFilter,
    Logs,
    Moment,
    StorageRead,
    VenueCall,
    ask_raw,
)
from monitor.sources.rpc.spec import EndpointSpec, Pin, Way
from tests.fakes.clock import FakeClock
from tests.faults.proxy import Faults, Proxy
from tests.sources.conftest import MakeChain, MakeProxy
from tests.sources.contracts import ECHO, HEIGHT, NOBODY, REVERTS, TELLS_HEIGHT, TELLS_ITSELF, Node

WAYS = {
    "override": (Faults(), Way.OVERRIDE),
    "deployless": (Faults(override=False), Way.DEPLOYLESS_REVERT),
    "multicall3": (Faults(override=False, deployless=False), Way.MULTICALL3),
    "batch": (
        Faults(override=False, deployless=False, says={"eth_getCode": {"code": -32601, "message": "no"}}),
        Way.BATCH,
    ),
    "single": (
        Faults(override=False, deployless=False, batch=False, says={"eth_getCode": {"code": -32601, "message": "no"}}),
        Way.SINGLE,
    ),
}


@pytest.mark.parametrize("transport", ["http", "ws", "ipc"])
async def test_every_kind_of_question_is_answered_over_every_transport(node: Node, chain_of: MakeChain, transport: str):
    chain = await chain_of(getattr(node, transport))
    head = await chain.head()
    questions = (
        EthCall(TELLS_ITSELF, b"one"),
        EthCall(REVERTS, b"no"),
        Moment(),
        EthCall(NOBODY, b""),
        EthCall(TELLS_ITSELF, b"stranger", untrusted=True),
        StorageRead(TELLS_ITSELF, 5),
        Logs(LogFilter((TELLS_ITSELF,), ()), 0),
        LensCall(ECHO, b"head", (b"aa", b"bb")),
    )
    said, refused, moment, nothing, stranger, word, logs, lens = await chain.read(ask_raw(*questions), head)
    assert (said, moment, nothing, stranger, word, logs) == (b"one", head, b"", b"stranger", bytes(32), ())
    assert isinstance(refused, Failed)
    assert refused.revert_data == b"no"
    assert isinstance(lens, LensAnswer)
    assert [(p.start, p.stop, p.output) for p in lens.parts] == [(0, 2, b"headaabb")]


@pytest.mark.parametrize("pins", ["hash", "refused", "ignored"])
@pytest.mark.parametrize("way", WAYS)
async def test_calls_are_answered_by_every_way_and_under_every_pin(
    node: Node, proxy: Proxy, chain_of: MakeChain, way: str, pins: str
):
    faults, expected = WAYS[way]
    proxy.faults = replace(faults, pins=pins)
    chain = await chain_of(proxy.url)
    (status,) = chain.status()
    assert status.ways[0] is expected
    assert status.pin is (Pin.HASH if pins == "hash" else Pin.NUMBER)
    node.mine()
    old = await chain.head()
    node.mine(2)
    calls = [EthCall(TELLS_ITSELF, bytes([i])) for i in range(30)] + [
        EthCall(TELLS_HEIGHT, b""),
        EthCall(REVERTS, b"x"),
    ]
    *echoes, height, refused = await chain.read(ask_raw(*calls), old)
    assert echoes == [bytes([i]) for i in range(30)]
    assert height == old.number.to_bytes(32)
    assert isinstance(refused, Failed)
    assert refused.revert_data == b"x"


@pytest.mark.parametrize("way", ["override", "deployless"])
async def test_a_lens_covers_every_item_once_and_in_order(proxy: Proxy, chain_of: MakeChain, way: str):
    proxy.faults = WAYS[way][0]
    chain = await chain_of(proxy.url)
    items = tuple(i.to_bytes(20) for i in range(20_000))
    (answer,) = await chain.read(ask_raw(LensCall(ECHO, b"", items)), await chain.head())
    assert isinstance(answer, LensAnswer)
    edges = [(p.start, p.stop) for p in answer.parts]
    assert edges[0][0] == 0
    assert [stop for _, stop in edges] == [start for start, _ in edges[1:]] + [20_000]
    assert b"".join(p.output for p in answer.parts if isinstance(p.output, bytes)) == b"".join(items)


async def test_where_no_endpoint_runs_our_code_a_lens_is_a_failed_answer_that_says_why(
    proxy: Proxy, chain_of: MakeChain
):
    proxy.faults = WAYS["multicall3"][0]
    chain = await chain_of(proxy.url)
    (answer,) = await chain.read(ask_raw(LensCall(HEIGHT, b"", (b"a",))), await chain.head())
    assert isinstance(answer, Failed)
    assert "neither by state override nor without a receiver" in answer.reason


async def test_where_one_endpoint_runs_our_code_it_is_given_the_lenses(
    node: Node, proxies: MakeProxy, chain_of: MakeChain
):
    unable, able = await proxies(), await proxies()
    unable.faults = WAYS["multicall3"][0]
    chain = await chain_of(unable.url, able.url)
    (answer,) = await chain.read(ask_raw(LensCall(ECHO, b"", (b"a", b"b"))), await chain.head())
    assert isinstance(answer, LensAnswer)
    assert answer.parts[0].output == b"ab"


async def test_a_read_that_spans_batches_stays_at_its_block_while_the_chain_goes_on(node: Node, chain_of: MakeChain):
    chain = await chain_of(node.http)
    head = await chain.head()

    def read():
        heights = []
        for _ in range(3):
            heights += yield (EthCall(TELLS_HEIGHT, b""),)
            node.mine()
        return heights

    assert [int.from_bytes(h) for h in await chain.read(read(), head)] == [head.number] * 3


async def test_a_block_is_found_by_number_and_by_hash_and_a_missing_one_is_named(node: Node, chain_of: MakeChain):
    chain = await chain_of(node.http, clock=FakeClock(runs=True))
    head = await chain.head()
    assert await chain.block(head.number) == await chain.block(head.hash) == head
    assert (await chain.block(head.number - 1)).hash == head.parent_hash
    with pytest.raises(BlockMoved):
        await chain.block("0x" + "12" * 32)
    with pytest.raises(BlockMoved):
        await chain.block(head.number + 1000)


async def test_a_read_at_a_block_that_is_gone_raises_block_moved(node: Node, chain_of: MakeChain):
    chain = await chain_of(node.http, clock=FakeClock(runs=True))
    head = await chain.head()
    gone = BlockRef(head.chain, head.number, "0x" + "ab" * 32, head.parent_hash, head.timestamp_s)
    with pytest.raises(BlockMoved):
        await chain.read(ask_raw(EthCall(TELLS_ITSELF, b"")), gone)


async def test_a_new_head_is_awaited_and_an_unchanged_one_returned_when_time_is_up(node: Node, chain_of: MakeChain):
    clock = FakeClock(runs=True)
    chain = await chain_of(node.http, clock=clock)
    head = await chain.wait_for_head(None, 60)
    before_ms = clock.monotonic_ms()
    assert await chain.wait_for_head(head, 60) == head
    assert clock.monotonic_ms() - before_ms >= 60_000
    node.mine()
    assert (await chain.wait_for_head(head, 60)).parent_hash == head.hash


@pytest.mark.parametrize("transport", ["ws", "ipc"])
async def test_a_subscription_wakes_the_waiting_before_the_next_poll(node: Node, chain_of: MakeChain, transport: str):
    clock = FakeClock()
    chain = await chain_of(getattr(node, transport), clock=clock)
    head = await chain.head()

    async def mine_soon() -> None:
        await asyncio.sleep(0.05)
        node.mine()

    async with asyncio.TaskGroup() as group:
        group.create_task(mine_soon())
        async with asyncio.timeout(5):
            found = await chain.wait_for_head(head, 3600)
    assert found.parent_hash == head.hash
    assert clock.monotonic_ms() == 0


async def test_an_api_that_a_chain_does_not_know_leaves_the_rest_of_the_read(node: Node, chain_of: MakeChain):
    chain = await chain_of(node.http)
    head = await chain.head()
    answers = await chain.read(ask_raw(VenueCall("/prices", venue="gmx/prices"), Moment()), head)
    assert answers == (Failed("no API of the name 'gmx/prices' is known: add it to the deployment's api"), head)


async def test_nothing_listening_is_no_endpoint_at_start(chain_of: MakeChain):
    with pytest.raises(NoEndpoint, match="expected one usable endpoint"):
        await chain_of(EndpointSpec("http://127.0.0.1:9"))
