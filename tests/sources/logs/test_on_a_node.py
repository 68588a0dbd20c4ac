"""Logs of a real node behind proxies that lose them: block by block and over ranges, nothing is missed."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from monitor.domain.ids import Address
from monitor.errors import BlockMoved
from monitor.query import Log, LogFilter, Logs, ask_raw, together
from monitor.sources.rpc.chain import Chain
from tests.fakes.clock import FakeClock
from tests.faults.proxy import Faults, Proxy
from tests.sources.conftest import MakeChain, MakeProxy
from tests.sources.contracts import Node
from tests.sources.evm.test_state import LOGS_CALLDATA, SPEAKS

BLOCKS, MOST_LOGS = 150, 12
TOPICS = tuple(f"0x{i:064x}" for i in range(1, 10_000))
WANTED = LogFilter((SPEAKS,), (TOPICS[:9_000],))
NARROW = LogFilter((SPEAKS,), ())


@pytest.fixture(scope="module")
def spoken(node: Node) -> tuple[int, int, list[int]]:
    """The first and last of some hundred blocks with up to a dozen logs each, and the topics in order."""
    node.put(SPEAKS, LOGS_CALLDATA)
    node.mine()
    dice, said = random.Random(4), list[int]()
    first = int(node.rpc.request("eth_blockNumber"), 16) + 1
    node.rpc.request("evm_setAutomine", False)
    try:
        for _ in range(BLOCKS):
            start = int(node.rpc.request("eth_getTransactionCount", "0x" + "ab" * 20, "latest"), 16)
            for i in range(dice.choice([0, 0, 1, 3, MOST_LOGS])):
                said.append(len(said) + 1)
                sent = {"from": "0x" + "ab" * 20, "to": SPEAKS, "data": f"0x{said[-1]:064x}", "gas": hex(100_000)}
                node.rpc.request("eth_sendTransaction", sent | {"gasPrice": "0x0", "nonce": hex(start + i)})
            node.rpc.request("evm_mine")
    finally:
        node.rpc.request("evm_setAutomine", True)
    return first, int(node.rpc.request("eth_blockNumber"), 16), said


def losing_one_in_a_hundred(seed: int) -> Callable[[str, list[Any], Any], Any]:
    def change(method: str, params: list[Any], result: Any) -> Any:
        if method != "eth_getLogs":
            return result
        return [e for e in result if random.Random(f"{seed}{e['topics'][0]}").randrange(100) != 7]

    return change


async def block_by_block(chain: Chain, first: int, last: int) -> list[int]:
    found: list[int] = []
    for number in range(first, last + 1):
        (answer,) = await chain.read(ask_raw(Logs(NARROW, number)), await chain.block(number))
        assert isinstance(answer, tuple)
        found += [int(log.topics[0], 16) for log in answer]
    return found


async def in_ranges(chain: Chain, first: int, last: int) -> list[int]:
    logs: list[Log] = []
    async for _, some in chain.logs(NARROW, first, last, await chain.head()):
        logs += some
    return [int(log.topics[0], 16) for log in logs]


async def test_one_lossy_endpoint_alone_misses_nothing_block_by_block(
    proxy: Proxy, chain_of: MakeChain, spoken: tuple[int, int, list[int]]
):
    first, last, said = spoken
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    proxy.faults = Faults(changes=losing_one_in_a_hundred(1))
    assert await block_by_block(chain, first, last) == said
    (status,) = chain.status()
    assert status.disagreements >= 3


@pytest.mark.parametrize("read", [block_by_block, in_ranges])
async def test_beside_a_lossy_endpoint_a_whole_one_shows_everything(
    proxies: MakeProxy, chain_of: MakeChain, spoken: tuple[int, int, list[int]], read: Any
):
    first, last, said = spoken
    lossy, whole = await proxies(), await proxies()
    lossy.faults = Faults(changes=losing_one_in_a_hundred(2))
    chain = await chain_of(lossy.url, whole.url, clock=FakeClock(runs=True))
    assert await read(chain, first, last) == said
    assert [s.disagreements > 0 for s in chain.status()] == [True, False]


async def test_an_empty_answer_from_a_node_below_the_head_is_refused_over_ranges_too(
    proxy: Proxy, chain_of: MakeChain, spoken: tuple[int, int, list[int]]
):
    first, last, _ = spoken
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    head = await chain.head()
    proxy.faults = Faults(lag=5, changes=lambda method, _, result: [] if method == "eth_getLogs" else result)
    with pytest.raises(BlockMoved):
        [logs async for _, logs in chain.logs(NARROW, first, last, head)]


async def test_all_deployments_of_a_chain_ask_for_a_block_s_logs_in_one_request(
    node: Node, proxy: Proxy, chain_of: MakeChain, spoken: tuple[int, int, list[int]]
):
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    head = await chain.head()
    others = [LogFilter((Address(f"0x{i:040x}"),), (TOPICS[i : i + 20],)) for i in range(5)]
    mine = LogFilter((SPEAKS,), (TOPICS[:3],))
    proxy.forget()
    reads = together(*(ask_raw(Logs(wanted, head.number)) for wanted in (*others, mine)))
    answers = await chain.read(reads, head)
    assert len(answers) == 6
    assert proxy.methods.count("eth_getLogs") == 1
    assert proxy.posts == 1


async def test_status_tells_what_an_endpoint_gives_to_one_request(
    proxy: Proxy, chain_of: MakeChain, spoken: tuple[int, int, list[int]]
):
    first, last, said = spoken
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    proxy.faults = Faults(refuses=_wider_than(20))
    assert await in_ranges(chain, first, last) == said
    (status,) = chain.status()
    assert status.log_blocks == 20
    proxy.forget()
    assert await in_ranges(chain, first, last) == said
    assert proxy.methods.count("eth_getLogs") == -(-(last - first + 1) // 20)


def _wider_than(limit: int) -> Callable[[str, list[Any]], dict[str, Any] | None]:
    def refuse(method: str, params: list[Any]) -> dict[str, Any] | None:
        if method != "eth_getLogs" or int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) < limit:
            return None
        return {"code": -32602, "message": f"eth_getLogs is limited to a {limit} range"}

    return refuse
