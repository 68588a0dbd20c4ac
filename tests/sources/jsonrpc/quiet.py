"""A node over a WebSocket and an IPC socket that accepts subscriptions and announces blocks only when it is told to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from tests.devnet.chain.rpc import Rpc

Send = Callable[[bytes], Awaitable[None]]
NEWS = orjson.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": {"subscription": "0x1", "result": {}}})


class Quiet:
    """Answers from a real node. `is_dead` accepts connections and answers nothing; `connections` counts them."""

    def __init__(self, upstream: Rpc) -> None:
        self.ws = ""
        self.ipc = ""
        self.is_dead = False
        self.connections = 0
        self.subscribers: list[Send] = []
        self._upstream = upstream

    async def announce(self) -> None:
        """Send news over every subscription that is open."""
        for send in self.subscribers:
            await send(NEWS)

    async def over_websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections += 1
        async for message in socket:
            await self._answer(message.data, socket.send_bytes)
        self._forget(socket.send_bytes)
        return socket

    async def over_ipc(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def send(text: bytes) -> None:
            writer.write(text + b"\n")
            await writer.drain()

        self.connections += 1
        while line := await reader.readline():
            await self._answer(line, send)
        self._forget(send)
        writer.close()

    def _forget(self, gone: Send) -> None:
        self.subscribers = [send for send in self.subscribers if send != gone]

    async def _answer(self, text: bytes, send: Send) -> None:
        if self.is_dead:
            return
        asked = orjson.loads(text)
        members = asked if isinstance(asked, list) else [asked]
        replies = [await asyncio.to_thread(self._reply, member) for member in members]
        await send(orjson.dumps(replies if isinstance(asked, list) else replies[0]))
        if any(member["method"] == "eth_subscribe" for member in members):
            self.subscribers.append(send)

    def _reply(self, member: dict[str, Any]) -> dict[str, Any]:
        envelope = {"jsonrpc": "2.0", "id": member["id"]}
        if member["method"] == "eth_subscribe":
            return envelope | {"result": "0x1"}
        (result,) = self._upstream.batch([(member["method"], member["params"])])
        if isinstance(result, Exception):
            return envelope | {"error": {"code": -32000, "message": str(result)}}
        return envelope | {"result": result}


@asynccontextmanager
async def running(upstream: Rpc, folder: Path) -> AsyncIterator[Quiet]:
    """Serve on a free port of loopback and on a socket file."""
    quiet = Quiet(upstream)
    app = web.Application()
    app.router.add_get("/", quiet.over_websocket)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    quiet.ws, quiet.ipc = f"ws://127.0.0.1:{runner.addresses[0][1]}", str(folder / "node.ipc")
    async with await asyncio.start_unix_server(quiet.over_ipc, quiet.ipc):
        yield quiet
    await runner.cleanup()
