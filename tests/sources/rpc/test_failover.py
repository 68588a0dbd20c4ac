"""One bad endpoint of three, in every way of being bad: reads end in time with the right answer, and it is let be."""

import asyncio
import time

import pytest

from monitor.clock import SystemClock
from monitor.errors import BlockMoved, EndpointError, NoEndpoint, RateLimited
from monitor.query import EthCall, Failed, LensCall, ask_raw
from monitor.sources.rpc.spec import EndpointSpec, EndpointState, Urgency
from tests.fakes.clock import FakeClock
from tests.faults import wire
from tests.faults.proxy import Faults, Proxy
from tests.sources.conftest import MakeChain, MakeProxy
from tests.sources.contracts import ECHO, REVERTS, TELLS_ITSELF, Node

HELLO = EthCall(TELLS_ITSELF, b"hello")
DEEP = b'{"jsonrpc":"2.0","id":1,"result":' + b"[" * 200 + b"]" * 200 + b"}"
BAD = {
    "late": wire.late(3),
    "hang": wire.hang,
    "reset": wire.reset,
    "truncated": wire.truncated,
    "slow_loris": wire.slow_loris,
    "broken_gzip": wire.broken_gzip,
    "oversize": wire.oversize,
    "gzip_bomb": wire.gzip_bomb,
    "bad_gateway": wire.status(502, body=b"<html>Bad Gateway</html>"),
    "html": wire.body(b"<html><h1>Welcome</h1></html>", "text/html"),
    "nan": wire.body(b'{"jsonrpc":"2.0","id":1,"result":NaN}'),
    "deep": wire.body(DEEP),
    "empty": wire.body(b""),
    "redirect": wire.status(307, {"Location": "http://127.0.0.1:9/"}),
    "other_id": wire.body(b'{"jsonrpc":"2.0","id":"other","result":"0x01"}'),
}


@pytest.mark.parametrize("bad", BAD)
async def test_with_one_of_three_bad_every_read_is_right_and_ends_in_time(
    proxies: MakeProxy, chain_of: MakeChain, bad: str
):
    made = [await proxies() for _ in range(3)]
    chain = await chain_of(*(p.url for p in made), clock=SystemClock())
    head = await chain.head()
    made[0].faults = Faults(wire=BAD[bad])
    took_s = []
    for _ in range(6):
        started = time.perf_counter()
        assert await chain.read(ask_raw(HELLO, LensCall(ECHO, b"", (b"ab", b"cd"))), head) is not None
        took_s.append(time.perf_counter() - started)
    assert max(took_s) < 3
    assert chain.status()[0].errors >= 1
    assert sum(took_s) < 6


async def test_a_single_hanging_endpoint_ends_the_read_at_its_deadline(proxy: Proxy, chain_of: MakeChain):
    chain = await chain_of(proxy.url, clock=SystemClock())
    head = await chain.head()
    proxy.faults = Faults(wire=wire.hang)
    started = time.perf_counter()
    with pytest.raises(NoEndpoint):
        await chain.read(ask_raw(HELLO), head, deadline_s=1)
    assert time.perf_counter() - started < 1.2


async def test_a_slow_first_endpoint_is_raced_by_the_second(proxies: MakeProxy, chain_of: MakeChain):
    slow, quick = await proxies(), await proxies()
    chain = await chain_of(slow.url, quick.url)
    head = await chain.head()
    for _ in range(25):
        await chain.read(ask_raw(HELLO), head)
    slow.faults = Faults(wire=wire.late(30))
    started = time.perf_counter()
    await chain.read(ask_raw(HELLO), head)
    assert time.perf_counter() - started < 0.6


@pytest.mark.parametrize(
    ("refusal", "waits_s"),
    [
        (wire.status(429, {"Retry-After": "7"}), 7),
        (wire.status(503, {"Retry-After": "20"}), 20),
        (wire.body(b'{"code":429,"message":"Your app has exceeded its compute units per second capacity"}'), 1),
        (wire.body(b'{"jsonrpc":"2.0","id":1,"error":{"code":429,"message":"too many requests"}}'), 1),
        (wire.body(b'{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"limit exceeded"}}'), 1),
        (wire.status(402, body=b"payment required"), 3600),
        (wire.body(b'{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"monthly quota exceeded"}}'), 3600),
        (wire.status(401, body=b"no"), 600),
    ],
)
async def test_whoever_asks_to_wait_is_not_asked_again_before(
    proxies: MakeProxy, chain_of: MakeChain, refusal: wire.Wire, waits_s: int
):
    limited, other = await proxies(), await proxies()
    clock = FakeClock(runs=True)
    chain = await chain_of(limited.url, other.url, clock=clock)
    head = await chain.head()
    limited.faults = Faults(wire=refusal)
    assert await chain.read(ask_raw(HELLO), head) == (b"hello",)
    assert chain.status()[0].state is EndpointState.COOLING
    assert chain.status()[0].rate_limited == 1
    limited.forget()
    for _ in range(9):
        await clock.sleep(waits_s / 10)
        assert await chain.read(ask_raw(HELLO), head) == (b"hello",)
    assert limited.posts == 0
    limited.faults = Faults()
    await clock.sleep(waits_s / 10 + 0.1)
    await chain.read(ask_raw(HELLO), head)
    assert limited.posts > 0


async def test_urgent_reads_keep_their_pace_while_every_second_request_is_limited_for_five_minutes(
    proxy: Proxy, chain_of: MakeChain
):
    clock = FakeClock(runs=True)
    chain = await chain_of(proxy.url, clock=clock)
    head = await chain.head()
    proxy.faults = Faults(wire=wire.sometimes(wire.status(429, {"Retry-After": "1"}), every=2))
    proxy.forget()
    late_ms = []
    for turn in range(25):
        await clock.sleep(max(turn * 12 - clock.monotonic_ms() / 1000, 0))
        started_ms = clock.monotonic_ms()
        assert await chain.read(ask_raw(HELLO), head, urgency=Urgency.URGENT) == (b"hello",)
        late_ms.append(clock.monotonic_ms() - started_ms)
    assert clock.monotonic_ms() >= 288_000
    assert max(late_ms) <= 2_500
    assert proxy.posts <= 2 * 25 + 2


async def test_the_urgent_go_first_when_the_budget_is_short(proxy: Proxy, chain_of: MakeChain):
    clock = FakeClock()
    chain = await chain_of(EndpointSpec(proxy.url, requests_per_s=20), clock=clock)
    head = await chain.head()
    await clock.advance(2)
    order: list[str] = []

    async def read(kind: str, urgency: Urgency) -> None:
        await chain.read(ask_raw(HELLO), head, urgency=urgency, deadline_s=60)
        order.append(kind)

    async with asyncio.TaskGroup() as group:
        for _ in range(40):
            group.create_task(read("routine", Urgency.ROUTINE))
        await asyncio.sleep(0.05)
        for _ in range(5):
            group.create_task(read("urgent", Urgency.URGENT))
        await asyncio.sleep(0.05)
        for _ in range(300):
            await clock.advance(0.05)
            await asyncio.sleep(0.002)
    assert len(order) == 45
    assert order[20:25] == ["urgent"] * 5


async def test_a_budget_is_never_overdrawn(proxy: Proxy, chain_of: MakeChain):
    clock = FakeClock(runs=True)
    chain = await chain_of(EndpointSpec(proxy.url, requests_per_s=10), clock=clock)
    head = await chain.head()
    proxy.forget()
    started_ms = clock.monotonic_ms()
    for _ in range(100):
        await chain.read(ask_raw(HELLO), head)
    passed_s = (clock.monotonic_ms() - started_ms) / 1000
    assert len(proxy.methods) <= 10 * passed_s + 10


@pytest.mark.parametrize(
    ("says", "outcome"),
    [
        ({"code": 3, "message": "execution reverted: no", "data": "0x08c379a0"}, Failed),
        ({"code": -32000, "message": "execution reverted"}, Failed),
        ({"code": -32015, "message": "VM execution error.", "data": "Reverted 0x08c379a0"}, Failed),
        ({"code": -32000, "message": "invalid opcode: INVALID"}, Failed),
        ({"code": -32000, "message": "missing trie node 1234 (path 00)"}, NoEndpoint),
        ({"code": -32000, "message": "required historical state unavailable"}, NoEndpoint),
        ({"code": -32000, "message": "header not found"}, BlockMoved),
        ({"code": -32001, "message": "Resource not found."}, BlockMoved),
        ({"code": -32603, "message": "Internal error"}, NoEndpoint),
        ({"code": -32000, "message": "request timed out"}, NoEndpoint),
        ({"code": 0, "message": ""}, NoEndpoint),
    ],
)
async def test_a_revert_is_an_answer_and_every_other_error_is_none(
    proxy: Proxy, chain_of: MakeChain, says: dict[str, object], outcome: type
):
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    head = await chain.head()
    proxy.faults = Faults(says={"eth_call": says})
    if outcome is Failed:
        (answer,) = await chain.read(ask_raw(HELLO), head)
        assert isinstance(answer, Failed)
    else:
        with pytest.raises(outcome):
            await chain.read(ask_raw(HELLO), head)


@pytest.mark.parametrize("bad", [*BAD, "error"])
async def test_no_failure_of_an_endpoint_becomes_an_answer(proxy: Proxy, chain_of: MakeChain, bad: str):
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    head = await chain.head()
    proxy.faults = Faults(wire=BAD.get(bad), says={} if bad in BAD else {"eth_call": {"code": -1, "message": "?"}})
    with pytest.raises(EndpointError):
        await chain.read(ask_raw(HELLO, EthCall(REVERTS, b"")), head, deadline_s=0.3)


async def test_an_endpoint_that_was_bad_is_used_again_when_it_has_mended(proxies: MakeProxy, chain_of: MakeChain):
    first, second = await proxies(), await proxies()
    clock = FakeClock(runs=True)
    chain = await chain_of(first.url, second.url, clock=clock)
    head = await chain.head()
    first.faults = Faults(wire=wire.reset)
    await chain.read(ask_raw(HELLO), head)
    first.faults = Faults()
    await clock.sleep(1)
    first.forget()
    await chain.read(ask_raw(HELLO), head)
    assert "eth_call" in first.methods


async def test_a_limit_is_told_with_how_long_to_wait(node: Node, proxy: Proxy, chain_of: MakeChain):
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    head = await chain.head()
    proxy.faults = Faults(wire=wire.status(402))
    with pytest.raises(NoEndpoint, match="402"):
        await chain.read(ask_raw(HELLO), head)
    assert chain.status()[0].wait_ms == 3_600_000
    assert issubclass(RateLimited, EndpointError)
