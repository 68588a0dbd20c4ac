"""Connections that stay open and carry one JSON text after the other: WebSocket and the socket file of a local node."""

import asyncio
from contextlib import suppress
from typing import Protocol

import aiohttp

from monitor.errors import EndpointError
from monitor.outgoing.guard import Destination
from monitor.sources.http.exchange import MAX_BODY_BYTES

CONNECT_TIMEOUT_S = 5.0
PING_EVERY_S = 20.0


class Wire(Protocol):
    """An open connection."""

    async def send(self, text: bytes) -> None: ...
    async def receive(self) -> bytes:
        """Return the next text; raises EndpointError when there will be none."""
        ...

    async def close(self) -> None: ...


class WebSocketWire:
    """A WebSocket; messages over 32 MB end it."""

    def __init__(
        self, socket: aiohttp.ClientWebSocketResponse[bool], session: aiohttp.ClientSession, label: str
    ) -> None:
        self._socket = socket
        self._session = session
        self._label = label

    async def send(self, text: bytes) -> None:
        await self._socket.send_frame(text, aiohttp.WSMsgType.TEXT)

    async def receive(self) -> bytes:
        message = await self._socket.receive()
        if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            return bytes(message.data)
        found = f"{message.type.name} {self._socket.close_code or ''}".rstrip()
        raise EndpointError(f"{self._label}: expected a message, found {found}")

    async def close(self) -> None:
        await self._socket.close()
        await self._session.close()


class IpcWire:
    """A Unix socket with one JSON text per line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, label: str) -> None:
        self._reader = reader
        self._writer = writer
        self._label = label

    async def send(self, text: bytes) -> None:
        self._writer.write(text + b"\n")
        await self._writer.drain()

    async def receive(self) -> bytes:
        try:
            return await self._reader.readuntil(b"\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as e:
            raise EndpointError(f"{self._label}: expected a line of JSON, found {type(e).__name__}") from e

    async def close(self) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


async def websocket(session: aiohttp.ClientSession, to: Destination) -> Wire:
    """Open a WebSocket at the checked address; raises EndpointError when it does not open."""
    pinned = await to.pinned()
    unfollowing = aiohttp.TraceConfig()
    unfollowing.on_request_redirect.append(_refuse_redirect)
    own = aiohttp.ClientSession(connector=session.connector, connector_owner=False, trace_configs=[unfollowing])
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            socket = await own.ws_connect(
                pinned.url,
                headers={"Host": pinned.host},
                server_hostname=pinned.server_hostname,
                max_msg_size=MAX_BODY_BYTES,
                heartbeat=PING_EVERY_S,
                decode_text=False,
            )
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as e:
        await own.close()
        to.forget()
        # Not chained: the handshake's own error holds the whole URL.
        raise EndpointError(
            f"{to.label}: expected a WebSocket, found {type(e).__name__} {to.scrub(str(e))}".rstrip()
        ) from None
    return WebSocketWire(socket, own, to.label)


async def _refuse_redirect(*_: object) -> None:
    raise aiohttp.ClientError("a redirect, which is not followed")


async def ipc(path: str, label: str) -> Wire:
    """Open the socket file of a local node; raises EndpointError when it does not open."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            reader, writer = await asyncio.open_unix_connection(path, limit=MAX_BODY_BYTES)
    except (OSError, TimeoutError) as e:
        raise EndpointError(f"{label}: expected a node's IPC socket, found {type(e).__name__}") from e
    return IpcWire(reader, writer, label)
