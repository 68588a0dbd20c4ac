"""Which chain an endpoint serves: asked before it is used, when work moves to it, and every ten minutes."""

import asyncio

import pytest

from monitor.errors import ConfigError, NoEndpoint, WrongChain
from monitor.query import EthCall, ask_raw
from monitor.sources.rpc.spec import EndpointState
from tests.fakes.clock import FakeClock
from tests.faults import wire
from tests.faults.proxy import Faults, Proxy
from tests.sources.conftest import MakeChain, MakeProxy
from tests.sources.contracts import TELLS_ITSELF, Node

HELLO = EthCall(TELLS_ITSELF, b"hello")


async def test_an_endpoint_of_another_chain_is_refused_and_asked_for_nothing_but_its_id(
    proxy: Proxy, chain_of: MakeChain
):
    proxy.faults = Faults(chain_id=1)
    with pytest.raises(WrongChain, match="expected chain 31337, found '0x1'"):
        await chain_of(proxy.url)
    assert set(proxy.methods) <= {"eth_chainId", "eth_getBlockByNumber"}
    assert proxy.posts <= 2


async def test_an_endpoint_of_another_chain_is_never_used_beside_a_right_one(
    node: Node, proxy: Proxy, chain_of: MakeChain
):
    proxy.faults = Faults(chain_id=1)
    chain = await chain_of(proxy.url, node.http)
    proxy.forget()
    for _ in range(5):
        assert await chain.read(ask_raw(HELLO), await chain.head()) == (b"hello",)
    assert proxy.posts == 0
    assert [s.state for s in chain.status()] == [EndpointState.WRONG_CHAIN, EndpointState.OK]


async def test_a_fork_with_the_same_chain_id_is_told_by_its_genesis(node: Node, proxy: Proxy, chain_of: MakeChain):
    proxy.faults = Faults(genesis="0x" + "66" * 32)
    chain = await chain_of(node.http, proxy.url)
    assert [s.state for s in chain.status()] == [EndpointState.OK, EndpointState.WRONG_CHAIN]
    assert "genesis" in chain.status()[1].reason


async def test_an_endpoint_that_becomes_another_chain_is_caught_within_ten_minutes(proxy: Proxy, chain_of: MakeChain):
    clock = FakeClock(runs=True)
    chain = await chain_of(proxy.url, clock=clock)
    head = await chain.head()
    proxy.faults = Faults(chain_id=1)
    for _ in range(50):
        assert await chain.read(ask_raw(HELLO), head) == (b"hello",)
        await clock.sleep(12)
    assert clock.monotonic_ms() == 600_000
    with pytest.raises(NoEndpoint, match="expected chain 31337"):
        await chain.read(ask_raw(HELLO), head)
    assert chain.status()[0].state is EndpointState.WRONG_CHAIN


async def test_work_that_moves_to_another_endpoint_checks_its_chain_before_the_first_read(
    proxies: MakeProxy, chain_of: MakeChain
):
    first, second = await proxies(), await proxies()
    clock = FakeClock(runs=True)
    chain = await chain_of(first.url, second.url, clock=clock)
    head = await chain.head()
    await clock.sleep(60)
    first.faults, second.faults = Faults(wire=wire.reset), Faults(chain_id=1)
    second.forget()
    with pytest.raises(NoEndpoint):
        await chain.read(ask_raw(HELLO), head)
    assert "eth_call" not in second.methods


async def test_an_endpoint_that_was_down_at_start_joins_when_it_comes_back(proxies: MakeProxy, chain_of: MakeChain):
    first, second = await proxies(), await proxies()
    clock = FakeClock(runs=True)
    second.faults = Faults(wire=wire.status(503))
    chain = await chain_of(first.url, second.url, clock=clock)
    assert not chain.can_confirm
    second.faults = Faults()
    for _ in range(4):
        await chain.head()
        await clock.sleep(12)
        await asyncio.sleep(0.05)
    assert chain.can_confirm


async def test_a_private_address_is_refused_unless_it_is_said_to_be_ones_own(node: Node, chain_of: MakeChain):
    with pytest.raises(ConfigError, match="allow_private"):
        await chain_of(node.http, allow_private=False)
    with pytest.raises(ConfigError, match="allow_private"):
        await chain_of(node.ws, allow_private=False)
