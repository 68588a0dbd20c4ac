"""Which block is the head when endpoints stand still, lag, drift, or answer from several nodes at once."""

from dataclasses import replace

import pytest

from monitor.domain.liveness import Live
from monitor.domain.moment import BlockRef
from monitor.errors import BlockMoved, NoEndpoint
from monitor.query import EthCall, LensCall, StorageRead, ask_raw
from monitor.sources.rpc.chain import Chain
from monitor.sources.rpc.spec import EndpointState, Pin
from tests.fakes.clock import FakeClock
from tests.faults import wire
from tests.faults.proxy import Faults, Proxy
from tests.sources.conftest import MakeChain, MakeProxy
from tests.sources.contracts import HEIGHT, TELLS_HEIGHT, Node
from tests.sources.rpc.test_chain import WAYS

BLOCK_S = 12


async def _height_read(chain: Chain, at: BlockRef) -> set[int]:
    """Return every height that the parts of one read were answered at."""

    def read():
        heights = set()
        for _ in range(2):
            *calls, lens = yield (*[EthCall(TELLS_HEIGHT, b"")] * 3, LensCall(HEIGHT, b"", (b"a", b"b")))
            heights |= {int.from_bytes(call) for call in calls} | {int.from_bytes(lens.parts[0].output)}
            yield (StorageRead(TELLS_HEIGHT, 0),)
        return heights

    return set(await chain.read(read(), at))


async def test_a_node_that_stands_still_is_left_out_within_two_polls_of_passing_the_limit(
    node: Node, proxies: MakeProxy, chain_of: MakeChain
):
    stuck, good = await proxies(), await proxies()
    clock = FakeClock(runs=True)
    chain = await chain_of(stuck.url, good.url, clock=clock, lag_blocks=1)
    start = await chain.head()
    stuck.faults = Faults(frozen=start.number)
    node.mine(2)
    await clock.sleep(BLOCK_S)
    await chain.head()
    await clock.sleep(BLOCK_S)
    head = await chain.head()
    assert head.number == start.number + 2
    assert [s.state for s in chain.status()] == [EndpointState.LAGGING, EndpointState.OK]
    stuck.forget()
    assert await _height_read(chain, head) == {head.number}
    assert "eth_call" not in stuck.methods


async def test_a_node_that_drifts_is_left_out_once_it_is_behind_the_limit(
    node: Node, proxies: MakeProxy, chain_of: MakeChain
):
    drifting, good = await proxies(), await proxies()
    clock = FakeClock(runs=True)
    chain = await chain_of(drifting.url, good.url, clock=clock, block_time_ms=2_000, lag_blocks=3)
    drifting.faults = Faults(drift=10)
    behind = []
    for _ in range(60):
        node.mine()
        await clock.sleep(2)
        head = await chain.head()
        behind.append(int(node.rpc.request("eth_blockNumber"), 16) - head.number)
    assert max(behind) <= 3
    assert chain.status()[0].state is EndpointState.LAGGING
    assert behind[-1] == 0


async def test_a_node_within_the_lag_limit_that_no_longer_moves_is_left_out_as_stuck(
    node: Node, proxies: MakeProxy, chain_of: MakeChain
):
    stuck, good = await proxies(), await proxies()
    clock = FakeClock(runs=True)
    chain = await chain_of(stuck.url, good.url, clock=clock, block_time_ms=1_000, lag_blocks=10)
    start = await chain.head()
    stuck.faults = Faults(frozen=start.number)
    node.mine()
    for _ in range(12):
        await clock.sleep(1)
        await chain.head()
    assert chain.status()[0].state is EndpointState.STUCK
    assert (await chain.head()).number == start.number + 1


async def test_a_single_node_that_stands_still_is_read_on_but_marked(proxy: Proxy, chain_of: MakeChain):
    clock = FakeClock(runs=True)
    chain = await chain_of(proxy.url, clock=clock)
    head = await chain.head()
    await clock.sleep(10 * BLOCK_S + 1)
    assert await chain.head() == head
    (status,) = chain.status()
    assert status.state is EndpointState.STUCK
    assert status.head_age_ms == (10 * BLOCK_S + 1) * 1000


@pytest.mark.parametrize("pins", ["hash", "refused", "ignored"])
async def test_every_read_behind_a_mixed_load_balancer_is_of_one_block(
    node: Node, proxy: Proxy, chain_of: MakeChain, pins: str
):
    node.mine(10)
    clock = FakeClock(runs=True)
    proxy.faults = Faults(jitter=6, pins=pins)
    chain = await chain_of(proxy.url, clock=clock)
    for _ in range(20):
        await clock.sleep(BLOCK_S)
        await chain.head()
    done = 0
    for _ in range(30):
        node.mine()
        await clock.sleep(BLOCK_S)
        head = await chain.head()
        assert await _height_read(chain, head) == {head.number}
        done += 1
    assert done == 30


async def test_a_node_that_takes_the_hash_and_answers_at_its_latest_block_is_not_pinned_by_hash(
    node: Node, proxy: Proxy, chain_of: MakeChain
):
    proxy.faults = Faults(pins="pretended")
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    assert chain.status()[0].pin is Pin.NUMBER
    head = await chain.head()
    node.mine()
    assert await _height_read(chain, head) == {head.number}


async def test_a_node_that_no_longer_keeps_to_the_hash_is_found_out_by_its_own_answer(
    node: Node, proxy: Proxy, chain_of: MakeChain
):
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    assert chain.status()[0].pin is Pin.HASH
    head = await chain.head()
    node.mine()
    proxy.faults = Faults(pins="pretended")
    assert await _height_read(chain, head) == {head.number}
    assert chain.status()[0].pin is Pin.NUMBER


@pytest.mark.parametrize("way", ["override", "multicall3", "batch", "single"])
async def test_without_pins_by_hash_a_block_that_was_reorganised_away_is_not_read_by_its_number(
    node: Node, proxy: Proxy, chain_of: MakeChain, way: str
):
    proxy.faults = replace(WAYS[way][0], pins="refused")
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    gone = await chain.head()
    node.reorg(2)
    assert node.rpc.request("eth_getBlockByNumber", hex(gone.number), False)["hash"] != gone.hash
    questions = ask_raw(*[EthCall(TELLS_HEIGHT, b"")] * 2, StorageRead(TELLS_HEIGHT, 0))
    with pytest.raises(BlockMoved):
        await chain.read(questions, gone)


async def test_the_head_stands_while_only_a_slower_endpoint_is_left_and_then_follows_it(
    node: Node, proxies: MakeProxy, chain_of: MakeChain
):
    quick, slow = await proxies(), await proxies()
    clock = FakeClock(runs=True)
    chain = await chain_of(quick.url, slow.url, clock=clock, lag_blocks=1)
    slow.faults = Faults(frozen=(await chain.head()).number)
    node.mine(3)
    await clock.sleep(BLOCK_S)
    head = await chain.head()
    quick.faults = Faults(wire=wire.reset)
    await clock.sleep(BLOCK_S * 4)
    assert await chain.head() == head
    await clock.sleep(BLOCK_S * 3)
    assert (await chain.head()).number == head.number - 3


async def test_a_chain_at_rest_costs_at_most_five_requests_per_block(node: Node, proxy: Proxy, chain_of: MakeChain):
    clock = FakeClock(runs=True)
    chain = await chain_of(proxy.url, clock=clock)
    head = await chain.head()
    proxy.forget()
    started_ms = clock.monotonic_ms()
    for _ in range(10):
        assert await chain.wait_for_head(head, BLOCK_S) == head
    blocks = (clock.monotonic_ms() - started_ms) // (BLOCK_S * 1000)
    assert blocks == 10
    assert len(proxy.methods) <= 5 * blocks


async def test_the_head_is_the_lowest_that_all_fit_endpoints_serve(node: Node, proxies: MakeProxy, chain_of: MakeChain):
    near, far = await proxies(), await proxies()
    far.faults = Faults(lag=2)
    chain = await chain_of(near.url, far.url, clock=FakeClock(runs=True), block_time_ms=1_000, lag_blocks=5)
    head = await chain.head()
    assert head.number == int(node.rpc.request("eth_blockNumber"), 16) - 2
    assert await _height_read(chain, head) == {head.number}


async def test_with_every_endpoint_down_there_is_no_head_and_no_answer(proxies: MakeProxy, chain_of: MakeChain):
    made = [await proxies() for _ in range(3)]
    clock = FakeClock(runs=True)
    chain = await chain_of(*(p.url for p in made), clock=clock)
    head = await chain.head()
    for p in made:
        p.faults = Faults(wire=wire.reset)
    with pytest.raises(NoEndpoint):
        await chain.read(ask_raw(EthCall(TELLS_HEIGHT, b"")), head)
    await clock.sleep(60)
    with pytest.raises(NoEndpoint):
        await chain.head()


@pytest.mark.parametrize("wrong_by_s", [3600, -3600])
async def test_a_wrong_local_clock_is_reported_and_leaves_ages_right(
    node: Node, chain_of: MakeChain, wrong_by_s: int, capsys: pytest.CaptureFixture[str]
):
    latest = int(node.rpc.request("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    clock = FakeClock(latest + wrong_by_s, runs=True)
    chain = await chain_of(node.http, clock=clock)
    await chain.head()
    for _ in range(3):
        await clock.sleep(BLOCK_S)
        node.mine()
        await chain.head()
    assert chain.clock_skew_s is not None
    assert abs(chain.clock_skew_s - wrong_by_s) <= BLOCK_S
    assert capsys.readouterr().out.count("clock_skew") == 1
    await clock.sleep(5)
    assert chain.status()[0].head_age_ms == 5_000


@pytest.mark.parametrize("jump_s", [3600, -3600])
async def test_a_local_clock_that_jumps_by_an_hour_changes_no_age_and_is_warned_of_once(
    node: Node, chain_of: MakeChain, jump_s: int, capsys: pytest.CaptureFixture[str]
):
    latest = int(node.rpc.request("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    clock = FakeClock(latest, runs=True)
    chain = await chain_of(node.http, node.ws, clock=clock)
    for turn in range(40):
        node.rpc.request("evm_setNextBlockTimestamp", latest + (turn + 1) * BLOCK_S)
        node.mine()
        await clock.sleep(BLOCK_S)
        await chain.head()
        assert [status.head_age_ms for status in chain.status()] == [0, 0]
        if turn == 9:
            assert chain.clock_skew_s == 0
            clock.jump_wall(jump_s)
        assert isinstance(chain.liveness, Live)
    assert chain.clock_skew_s == jump_s
    assert capsys.readouterr().out.count("clock_skew") == 1
    await clock.sleep(7)
    assert [status.head_age_ms for status in chain.status()] == [7_000, 7_000]


async def test_a_right_local_clock_is_not_reported(node: Node, chain_of: MakeChain, capsys: pytest.CaptureFixture[str]):
    latest = int(node.rpc.request("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    clock = FakeClock(latest + 3, runs=True)
    chain = await chain_of(node.http, clock=clock)
    await chain.head()
    for _ in range(3):
        await clock.sleep(BLOCK_S)
        node.mine()
        await chain.head()
    assert chain.clock_skew_s is not None
    assert abs(chain.clock_skew_s) <= 5
    assert "clock_skew" not in capsys.readouterr().out
