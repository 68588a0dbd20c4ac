"""Storage words and logs of a real node, before, during and after a reorganisation."""

from collections.abc import Callable

import pytest

from monitor.domain.ids import Address
from monitor.errors import AskedTooMuch, BlockMoved, EndpointError, NoEndpoint
from monitor.query import Answer, LogFilter, Logs, StorageRead, ask_raw
from tests.fakes.clock import FakeClock
from tests.faults.proxy import Faults, Proxy
from tests.sources.conftest import MakeChain
from tests.sources.contracts import Node

SPEAKS = Address("0x" + "5b" * 20)
OTHER = Address("0x" + "5c" * 20)
# Logs its calldata with the first word of it as topic.
LOGS_CALLDATA = bytes.fromhex("366000600037600051366000a100")


def say(node: Node, to: str, topic: int) -> None:
    """Send a transaction that makes the contract log the topic."""
    data = f"0x{topic:064x}"
    sent = {"from": "0x" + "aa" * 20, "to": to, "data": data, "gas": hex(100_000), "gasPrice": "0x0"}
    node.rpc.request("eth_sendTransactionSync", sent)


@pytest.fixture
def talk(node: Node) -> int:
    """Three contracts' worth of logs; the block before them."""
    for address in (SPEAKS, OTHER):
        node.put(address, LOGS_CALLDATA)
    node.mine()
    before = int(node.rpc.request("eth_blockNumber"), 16)
    for to, topic in ((SPEAKS, 1), (OTHER, 1), (SPEAKS, 2)):
        say(node, to, topic)
    return before


def _topics(answer: Answer) -> list[int]:
    assert isinstance(answer, tuple)
    return [int(log.topics[0], 16) for log in answer]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (LogFilter((SPEAKS,), ()), [1, 2]),
        (LogFilter((SPEAKS, OTHER), ()), [1, 1, 2]),
        (LogFilter((), ((f"0x{1:064x}",),)), [1, 1]),
        (LogFilter((SPEAKS,), ((f"0x{2:064x}", f"0x{3:064x}"),)), [2]),
        (LogFilter((SPEAKS,), (None,)), [1, 2]),
        (LogFilter((Address("0x" + "77" * 20),), ()), []),
    ],
)
async def test_logs_are_chosen_by_addresses_and_topics_in_their_order(
    node: Node, chain_of: MakeChain, talk: int, chosen: LogFilter, expected: list[int]
):
    chain = await chain_of(node.http)
    (answer,) = await chain.read(ask_raw(Logs(chosen, talk)), await chain.head())
    assert _topics(answer) == expected


async def test_logs_end_at_the_block_of_the_read(node: Node, chain_of: MakeChain, talk: int):
    chain = await chain_of(node.http)
    head = await chain.head()
    say(node, SPEAKS, 9)
    (answer,) = await chain.read(ask_raw(Logs(LogFilter((SPEAKS,), ()), talk)), head)
    assert _topics(answer)[-1] == 2
    (alone,) = await chain.read(ask_raw(Logs(LogFilter((SPEAKS,), ()), head.number)), head)
    assert isinstance(alone, tuple)
    assert [log.block_hash for log in alone] == [head.hash]


async def test_logs_of_a_block_that_was_reorganised_away_are_not_taken(node: Node, chain_of: MakeChain, talk: int):
    chain = await chain_of(node.http, clock=FakeClock(runs=True))
    gone = await chain.head()
    node.reorg(2)
    for from_block in (talk, gone.number):
        with pytest.raises(BlockMoved):
            await chain.read(ask_raw(Logs(LogFilter((SPEAKS,), ()), from_block)), gone)


Change = Callable[[str, list[object], object], object]


def _in_logs(**changes: object) -> Change:
    def change(method: str, _: list[object], result: object) -> object:
        if method != "eth_getLogs" or not isinstance(result, list):
            return result
        return [entry | changes for entry in result]

    return change


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"removed": True}, BlockMoved),
        ({"blockNumber": "0x7fffffff"}, EndpointError),
        ({"topics": None}, EndpointError),
        ({"data": "plain"}, EndpointError),
        ({"logIndex": None}, EndpointError),
    ],
)
async def test_a_log_that_cannot_be_is_no_log(
    proxy: Proxy, chain_of: MakeChain, talk: int, changes: dict[str, object], error: type[Exception]
):
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    head = await chain.head()
    proxy.faults = Faults(changes=_in_logs(**changes))
    with pytest.raises(error):
        await chain.read(ask_raw(Logs(LogFilter((SPEAKS,), ()), talk)), head)


async def test_a_node_below_the_block_of_the_read_is_not_believed_when_it_has_no_logs(
    proxy: Proxy, chain_of: MakeChain, talk: int
):
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    head = await chain.head()
    proxy.faults = Faults(lag=2)
    with pytest.raises(BlockMoved):
        await chain.read(ask_raw(Logs(LogFilter((SPEAKS,), ()), talk)), head)


async def test_a_range_that_is_too_wide_is_told_as_such(proxy: Proxy, chain_of: MakeChain, talk: int):
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    head = await chain.head()
    proxy.faults = Faults(says={"eth_getLogs": {"code": -32005, "message": "query returned more than 10000 results"}})
    with pytest.raises(AskedTooMuch, match="more than 10000"):
        await chain.read(ask_raw(Logs(LogFilter((), ()), 0)), head)


async def test_storage_words_are_of_the_block_of_the_read(node: Node, chain_of: MakeChain):
    chain = await chain_of(node.http)
    node.rpc.request("anvil_setStorageAt", SPEAKS, f"0x{7:064x}", f"0x{11:064x}")
    node.mine()
    head = await chain.head()
    node.mine()
    node.rpc.request("anvil_setStorageAt", SPEAKS, f"0x{7:064x}", f"0x{12:064x}")
    reads = [StorageRead(SPEAKS, 7), *(StorageRead(SPEAKS, slot) for slot in range(250, 500))]
    first, *others = await chain.read(ask_raw(*reads), head)
    assert first == (11).to_bytes(32)
    assert others == [bytes(32)] * 250


async def test_a_storage_word_of_another_length_is_no_answer(proxy: Proxy, chain_of: MakeChain):
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    head = await chain.head()

    def longer(method: str, _: list[object], result: object) -> object:
        return "0x" + "11" * 33 if method == "eth_getStorageAt" else result

    proxy.faults = Faults(changes=longer)
    with pytest.raises(NoEndpoint):
        await chain.read(ask_raw(StorageRead(SPEAKS, 0)), head)
