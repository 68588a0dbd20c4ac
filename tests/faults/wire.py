"""What can go wrong with one HTTP answer, before anybody looks into it."""

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable, Mapping
from functools import cache

from aiohttp import web

Wire = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
"""Answers a request wrongly, or returns None to let it pass."""

MEGABYTE = 1024 * 1024


def status(code: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Wire:
    """Answer with a status."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, headers=headers, body=body)

    return answer


def body(text: bytes, content_type: str = "application/json") -> Wire:
    """Answer 200 with a fixed body."""
    return status(200, {"Content-Type": content_type}, text)


def sometimes(wire: Wire, every: int) -> Wire:
    """Go wrong at every n-th request only, starting with the first."""
    count = 0

    async def answer(request: web.Request) -> web.StreamResponse | None:
        nonlocal count
        count += 1
        return await wire(request) if count % every == 1 % every else None

    return answer


def late(seconds: float) -> Wire:
    """Let the request pass after a while."""

    async def answer(_: web.Request) -> None:
        await asyncio.sleep(seconds)

    return answer


async def hang(_: web.Request) -> web.StreamResponse | None:
    """Never answer."""
    await asyncio.Event().wait()
    return None


async def reset(request: web.Request) -> web.StreamResponse | None:
    """Drop the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    raise ConnectionResetError


async def truncated(request: web.Request) -> web.StreamResponse:
    """Promise more than is sent."""
    response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"jsonrpc":"2.0","id":1,"result":"0x')
    if request.transport is not None:
        request.transport.close()
    return response


async def slow_loris(request: web.Request) -> web.StreamResponse:
    """Send a byte now and then, for ever."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.05)


async def oversize(request: web.Request) -> web.StreamResponse:
    """Send 200 MB of a string, plain."""
    return await _streamed(request, {}, b'"' + b"0" * (MEGABYTE - 1), 200)


async def gzip_bomb(request: web.Request) -> web.StreamResponse:
    """Send 200 kB that inflate to 200 MB."""
    return await _streamed(request, {"Content-Encoding": "gzip"}, _bomb(), 1)


@cache
def _bomb() -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(deflater.compress(b"0" * MEGABYTE) for _ in range(200)) + deflater.flush()


async def broken_gzip(_: web.Request) -> web.StreamResponse:
    """Send a compressed body that ends early."""
    packed = gzip.compress(b'{"jsonrpc":"2.0","id":1,"result":"0x1"}')
    return web.Response(body=packed[:-12], headers={"Content-Encoding": "gzip"})


async def _streamed(request: web.Request, headers: Mapping[str, str], piece: bytes, times: int) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", **headers})
    await response.prepare(request)
    try:
        for _ in range(times):
            await response.write(piece)
    except ConnectionError:
        return response
    return response
