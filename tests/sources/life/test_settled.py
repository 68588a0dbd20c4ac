"""Which blocks are settled, on a real node whose tags are missing, null, made up, or go back."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from monitor.settings import load
from tests.fakes.clock import FakeClock
from tests.faults import wire
from tests.faults.proxy import Faults, Proxy
from tests.sources.conftest import MakeChain, MakeProxy
from tests.sources.contracts import Node

TAGS = ("safe", "finalized")
DEPTH = 7
Refuse = Callable[[str, list[Any]], Mapping[str, Any] | None]
Change = Callable[[str, list[Any], Any], Any]


def without_tags(message: str, code: int) -> Refuse:
    def refuse(method: str, params: list[Any]) -> Mapping[str, Any] | None:
        return {"code": code, "message": message} if method == "eth_getBlockByNumber" and params[0] in TAGS else None

    return refuse


def tagged(**heights: int | None) -> Change:
    """Answer the tags with blocks of these heights."""

    def change(method: str, params: list[Any], result: Any) -> Any:
        if method != "eth_getBlockByNumber" or params[0] not in heights:
            return result
        height = heights[params[0]]
        return None if height is None else result | {"number": hex(height)}

    return change


async def test_it_is_what_the_node_calls_safe(node: Node, chain_of: MakeChain):
    node.mine(100)
    chain = await chain_of(node.http, clock=FakeClock(runs=True))
    head = await chain.head()
    safe = int(node.rpc.request("eth_getBlockByNumber", "safe", False)["number"], 16)
    assert 0 < safe < head.number
    assert await chain.settled(head) == safe


@pytest.mark.parametrize(
    "faults",
    [
        Faults(refuses=without_tags("safe block not found", -32000)),
        Faults(refuses=without_tags("invalid argument 0: hex string without 0x prefix", -32602)),
        Faults(refuses=without_tags("unknown block", -39001)),
        Faults(changes=tagged(safe=None, finalized=None)),
        Faults(changes=lambda method, params, result: "?" if params and params[0] in TAGS else result),
        Faults(changes=tagged(safe=2**40, finalized=2**40)),
    ],
    ids=["unknown", "invalid", "another error", "null", "nonsense", "latest by another name"],
)
async def test_where_the_tags_mean_nothing_the_chains_depth_decides(
    node: Node, proxy: Proxy, chain_of: MakeChain, faults: Faults
):
    proxy.faults = faults
    clock = FakeClock(runs=True)
    chain = await chain_of(proxy.url, clock=clock, settle_blocks=DEPTH)
    for _ in range(3):
        node.mine()
        await clock.sleep(12)
        head = await chain.head()
        assert await chain.settled(head) == head.number - DEPTH


async def test_one_tag_is_enough(node: Node, proxy: Proxy, chain_of: MakeChain):
    node.mine(100)
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    head = await chain.head()
    proxy.faults = Faults(changes=tagged(safe=None, finalized=head.number - 30))
    assert await chain.settled(head) == head.number - 30


async def test_it_never_goes_back_when_the_node_does(node: Node, proxy: Proxy, chain_of: MakeChain):
    node.mine(100)
    clock = FakeClock(runs=True)
    chain = await chain_of(proxy.url, clock=clock)
    start, found = (await chain.head()).number, []
    for back in (50, 40, 90, None, 60, 30):
        node.mine()
        await clock.sleep(12)
        height = None if back is None else start - back
        proxy.faults = Faults(changes=tagged(safe=height, finalized=height))
        found.append(start - await chain.settled(await chain.head()))
    assert found == [50, 40, 40, 40, 40, 30]


async def test_an_endpoint_that_knew_the_tags_and_stumbles_does_not_turn_depth_into_finality(
    node: Node, proxy: Proxy, chain_of: MakeChain
):
    node.mine(100)
    clock = FakeClock(runs=True)
    chain = await chain_of(proxy.url, clock=clock, settle_blocks=1)
    safe = await chain.settled(await chain.head())
    for faults in (Faults(refuses=without_tags("internal error", -32603)), Faults(wire=wire.reset)):
        node.mine()
        await clock.sleep(12)
        head = await chain.head()
        proxy.faults = faults
        assert await chain.settled(head) == safe
        proxy.faults = Faults()


async def test_of_several_endpoints_the_most_careful_is_believed(node: Node, proxies: MakeProxy, chain_of: MakeChain):
    node.mine(100)
    eager, careful, ignorant, down = [await proxies() for _ in range(4)]
    chain = await chain_of(eager.url, careful.url, ignorant.url, down.url, clock=FakeClock(runs=True), settle_blocks=1)
    head = await chain.head()
    eager.faults = Faults(changes=tagged(safe=head.number - 2, finalized=head.number - 3))
    careful.faults = Faults(changes=tagged(safe=head.number - 20, finalized=head.number - 60))
    ignorant.faults = Faults(refuses=without_tags("unknown block", -39001))
    down.faults = Faults(wire=wire.reset)
    assert await chain.settled(head) == head.number - 20


async def test_nothing_above_the_head_in_hand_is_settled_and_one_head_is_asked_about_once(
    node: Node, proxy: Proxy, chain_of: MakeChain
):
    node.mine(60)
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    old = await chain.head()
    node.mine(90)
    proxy.forget()
    assert await chain.settled(old) == old.number
    assert await chain.settled(old) == old.number
    assert proxy.posts == 1


async def test_with_every_endpoint_down_nothing_more_is_settled(node: Node, proxy: Proxy, chain_of: MakeChain):
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    head = await chain.head()
    proxy.faults = Faults(wire=wire.reset)
    assert await chain.settled(head) == 0
    proxy.faults = Faults()
    assert await chain.settled(head) > 0


def test_the_packaged_chains_say_how_deep_is_final():
    depths = {chain.name: chain.settle_blocks for chain in load().chain}
    assert (depths["ethereum"], depths["polygon"], depths["base"]) == (64, 500, 200)
    assert min(depths.values()) >= 10
