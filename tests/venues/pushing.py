"""The WebSocket of a venue: keeps what it is told, and pushes what a test has to say."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web


@dataclass
class Pushing:
    """The server; `said` are the messages of clients, in order."""

    url: str = ""
    said: list[dict[str, Any]] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        await socket.send_json({"type": "connected", "connection_id": "1", "message_id": 0})
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self.said.append(json.loads(message.data))
        return socket

    async def push(self, text: str) -> None:
        """Send a text to everyone who is connected."""
        for socket in self.sockets:
            if not socket.closed:
                await socket.send_str(text)

    async def drop(self) -> None:
        """Close every connection."""
        for socket in self.sockets:
            await socket.close()


@asynccontextmanager
async def pushing() -> AsyncIterator[Pushing]:
    """Serve one on loopback."""
    made = Pushing()
    app = web.Application()
    app.router.add_get("/v4/ws", made.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"ws://127.0.0.1:{runner.addresses[0][1]}/v4/ws"
    try:
        yield made
    finally:
        await made.drop()
        await runner.cleanup()


async def until(is_so: Callable[[], bool], patience_s: float = 20) -> None:
    """Wait until something is so; fails when it never is."""
    async with asyncio.timeout(patience_s):
        while not is_so():  # noqa: ASYNC110  # what is waited for tells nobody
            await asyncio.sleep(0.01)
