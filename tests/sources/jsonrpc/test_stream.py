"""A WebSocket or IPC connection whose other end misbehaves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from monitor.errors import EndpointError, NoEndpoint
from monitor.query import EthCall, ask_raw
from monitor.sources.http.exchange import MAX_BODY_BYTES
from monitor.sources.jsonrpc.messages import Request
from monitor.sources.jsonrpc.silence import Silence
from monitor.sources.jsonrpc.stream import StreamTransport
from monitor.sources.jsonrpc.wires import ipc
from tests.devnet.chain.rpc import Rpc
from tests.fakes.clock import FakeClock
from tests.sources.conftest import MakeChain
from tests.sources.contracts import TELLS_ITSELF, Node

Say = Callable[[web.WebSocketResponse, Any], Awaitable[None]]
HELLO = EthCall(TELLS_ITSELF, b"hello")


class Speaker:
    """A WebSocket node that answers from a real one, or as `say` tells it."""

    def __init__(self, upstream: Rpc) -> None:
        self.url = ""
        self.say: Say | None = None
        self.connections = 0
        self.sockets: list[web.WebSocketResponse] = []
        self._upstream = upstream

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections += 1
        self.sockets.append(socket)
        async for message in socket:
            asked = orjson.loads(message.data)
            if self.say is not None:
                await self.say(socket, asked)
            else:
                members = asked if isinstance(asked, list) else [asked]
                replies = [await asyncio.to_thread(self._answer, member) for member in members]
                await socket.send_bytes(orjson.dumps(replies if isinstance(asked, list) else replies[0]))
        return socket

    def _answer(self, member: dict[str, Any]) -> dict[str, Any]:
        if member["method"] == "eth_subscribe":
            return {"jsonrpc": "2.0", "id": member["id"], "result": "0x1"}
        (result,) = self._upstream.batch([(member["method"], member["params"])])
        if isinstance(result, Exception):
            return {"jsonrpc": "2.0", "id": member["id"], "error": {"code": -32000, "message": str(result)}}
        return {"jsonrpc": "2.0", "id": member["id"], "result": result}


@pytest.fixture
async def speaker(node: Node) -> AsyncIterator[Speaker]:
    made = Speaker(node.rpc)
    app = web.Application()
    app.router.add_get("/", made.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"ws://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    for socket in made.sockets:
        await socket.close()
    await runner.cleanup()


async def test_a_connection_that_broke_is_opened_again_for_the_next_read(speaker: Speaker, chain_of: MakeChain):
    chain = await chain_of(speaker.url, clock=FakeClock(runs=True))
    head = await chain.head()
    for _ in range(3):
        for socket in speaker.sockets:
            await socket.close()
        assert await chain.read(ask_raw(HELLO), head) == (b"hello",)
    assert speaker.connections == 4


async def test_a_connection_that_breaks_in_the_middle_of_a_read_fails_that_request_only(
    speaker: Speaker, chain_of: MakeChain
):
    chain = await chain_of(speaker.url, clock=FakeClock(runs=True))
    head = await chain.head()
    broken = 0

    async def once(socket: web.WebSocketResponse, _: Any) -> None:
        nonlocal broken
        broken += 1
        speaker.say = None
        await socket.close()

    speaker.say = once
    assert await chain.read(ask_raw(HELLO), head) == (b"hello",)
    assert broken == 1


@pytest.mark.parametrize(
    "message",
    [
        b"NaN",
        b'{"jsonrpc":"2.0","id":1,"result":NaN}',
        b"<html>",
        b"[" * 100 + b"]" * 100,
        b"7",
        b'"text"',
        b"[]",
        b"{}",
        b'{"id":99999,"result":"0x1"}',
        b'{"method":"eth_subscription"}',
        b'{"error":{"code":-32700,"message":"parse error"},"id":null}',
    ],
)
async def test_no_message_of_the_other_end_becomes_an_answer_or_stops_the_listening_for_good(
    speaker: Speaker, chain_of: MakeChain, message: bytes
):
    chain = await chain_of(speaker.url, clock=FakeClock(runs=True))
    head = await chain.head()

    async def nonsense(socket: web.WebSocketResponse, _: Any) -> None:
        await socket.send_bytes(message)

    speaker.say = nonsense
    with pytest.raises(EndpointError):
        await chain.read(ask_raw(HELLO), head, deadline_s=0.2)
    speaker.say = None
    assert await chain.read(ask_raw(HELLO), head) == (b"hello",)


async def test_a_message_over_32_megabytes_ends_the_connection(speaker: Speaker, chain_of: MakeChain):
    chain = await chain_of(speaker.url, clock=FakeClock(runs=True))
    head = await chain.head()

    async def flood(socket: web.WebSocketResponse, _: Any) -> None:
        await socket.send_bytes(b'"' + b"0" * MAX_BODY_BYTES + b'"')

    speaker.say = flood
    with pytest.raises(EndpointError):
        await chain.read(ask_raw(HELLO), head, deadline_s=2)


async def test_a_silent_end_fails_the_read_at_its_deadline(speaker: Speaker, chain_of: MakeChain):
    chain = await chain_of(speaker.url, clock=FakeClock(runs=True))
    head = await chain.head()

    async def nothing(_socket: web.WebSocketResponse, _asked: Any) -> None:
        return None

    speaker.say = nothing
    with pytest.raises(NoEndpoint):
        await chain.read(ask_raw(HELLO), head, deadline_s=0.3)


async def test_a_subscription_that_delivers_nothing_does_not_hold_up_the_head(
    node: Node, speaker: Speaker, chain_of: MakeChain
):
    chain = await chain_of(speaker.url, clock=FakeClock(runs=True))
    head = await chain.head()
    node.mine()
    assert (await chain.wait_for_head(head, 60)).parent_hash == head.hash


async def test_many_requests_at_once_each_get_their_own_answer(node: Node, chain_of: MakeChain):
    for url in (node.ws, node.ipc):
        chain = await chain_of(url)
        head = await chain.head()
        reads = [chain.read(ask_raw(EthCall(TELLS_ITSELF, i.to_bytes(2))), head) for i in range(600)]
        assert await asyncio.gather(*reads) == [(i.to_bytes(2),) for i in range(600)]


async def test_replies_may_come_in_any_order_and_any_batch_order(tmp_path: Path):
    async def node(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held = []
        while line := await reader.readline():
            asked = orjson.loads(line)
            members = asked if isinstance(asked, list) else [asked]
            replies = [{"id": m["id"], "result": [m["method"], *m["params"]]} for m in reversed(members)]
            held.append(replies if isinstance(asked, list) else replies[0])
            if len(held) == 1 and members[0]["method"] == "eth_subscribe":
                writer.write(orjson.dumps(held.pop()) + b"\n")
            if len(held) == 3:
                for reply in reversed(held):
                    writer.write(orjson.dumps(reply) + b"\n")
        writer.close()
        hung_up.set()

    hung_up = asyncio.Event()
    path = str(tmp_path / "node.ipc")
    server = await asyncio.start_unix_server(node, path)
    async with server, asyncio.TaskGroup() as group:
        silence = Silence(FakeClock(), 10_000)
        transport = StreamTransport("node.ipc", lambda: ipc(path, "node.ipc"), group.create_task, lambda: None, silence)
        await transport.connect()
        batches = [[Request("a", (1,))], [Request("b", (2,)), Request("c", (3,))], [Request("d", (4,))]]
        async with asyncio.timeout(5):
            found = await asyncio.gather(*(transport.send(batch, 5) for batch in batches))
        assert found == [[["a", 1]], [["b", 2], ["c", 3]], [["d", 4]]]
        await transport.close()
        await hung_up.wait()


async def test_an_ipc_socket_that_is_not_there_is_named_by_its_file(chain_of: MakeChain, tmp_path: Path):
    with pytest.raises(NoEndpoint, match=r"gone\.ipc: expected a node's IPC socket"):
        await chain_of(str(tmp_path / "gone.ipc"))


async def test_a_node_without_subscriptions_is_followed_by_polling(node: Node, speaker: Speaker, chain_of: MakeChain):
    async def refuse(socket: web.WebSocketResponse, asked: Any) -> None:
        speaker.say = None
        await socket.send_json({"id": asked["id"], "error": {"code": -32601, "message": "method not found"}})

    speaker.say = refuse
    chain = await chain_of(speaker.url, clock=FakeClock(runs=True))
    head = await chain.head()
    node.mine()
    assert (await chain.wait_for_head(head, 60)).number == head.number + 1
