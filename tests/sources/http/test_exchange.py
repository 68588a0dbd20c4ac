"""One HTTP exchange: what is too large, too slow or cut off is no answer, and memory stays small meanwhile."""

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from monitor.errors import EndpointError, UsageError
from monitor.outgoing.guard import Destination
from monitor.sources.http.exchange import MAX_BODY_BYTES, exchange
from tests.fakes.clock import FakeClock
from tests.faults import wire

MEGABYTE = 1024 * 1024


@asynccontextmanager
async def serving(answer: Callable[[web.Request], Awaitable[Any]]) -> AsyncIterator[Destination]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = URL(f"http://127.0.0.1:{runner.addresses[0][1]}/base?key=1")
    yield Destination(url, allow_private=True, clock=FakeClock())
    await runner.cleanup()


class PeakMemory:
    """Watches this process's resident memory from a thread while the block runs."""

    def __enter__(self) -> Self:
        self._start = self._peak = self._now()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def grown_bytes(self) -> int:
        return self._peak - self._start

    def _watch(self) -> None:
        while not self._done.wait(0.001):
            self._peak = max(self._peak, self._now())

    @staticmethod
    def _now() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.parametrize("large", ["gzip_bomb", "oversize"])
async def test_an_answer_that_is_too_large_is_cut_off_before_it_fills_memory(
    session: aiohttp.ClientSession, large: str
):
    async with serving(getattr(wire, large)) as to:
        with pytest.raises(EndpointError, match=r"expected at most 32 MB|inflated at most 100 times"):
            await exchange(session, to, b"{}", 20)
        with PeakMemory() as memory, pytest.raises(EndpointError):
            await exchange(session, to, b"{}", 20)
    assert memory.grown_bytes < 64 * MEGABYTE


async def test_an_answer_that_inflates_a_thousandfold_is_cut_off_long_before_the_cap(session: aiohttp.ClientSession):
    bomb = wire.status(200, {"Content-Encoding": "gzip"}, gzip.compress(b"0" * (20 * MEGABYTE)))
    async with serving(bomb) as to:
        with pytest.raises(EndpointError, match="inflated at most 100 times"):
            await exchange(session, to, b"{}", 5)


async def test_an_answer_just_under_the_cap_arrives_whole(session: aiohttp.ClientSession):
    whole = b"x" * (MAX_BODY_BYTES - 10)
    async with serving(wire.body(whole)) as to:
        assert (await exchange(session, to, b"{}", 20)).body == whole


async def test_an_honest_table_of_zeros_may_shrink_a_thousandfold(session: aiohttp.ClientSession):
    zeros = b"0" * (3 * MEGABYTE)
    packed = wire.status(200, {"Content-Encoding": "gzip"}, gzip.compress(zeros))
    async with serving(packed) as to:
        assert (await exchange(session, to, b"{}", 5)).body == zeros


@pytest.mark.parametrize("bad", ["hang", "slow_loris", "reset", "truncated", "broken_gzip"])
async def test_an_answer_that_does_not_come_whole_and_in_time_is_an_endpoint_error(
    session: aiohttp.ClientSession, bad: str
):
    async with serving(getattr(wire, bad)) as to, asyncio.timeout(2):
        with pytest.raises(EndpointError):
            await exchange(session, to, b"{}", 0.3)


async def test_an_encoding_nobody_asked_for_is_refused(session: aiohttp.ClientSession):
    async with serving(wire.status(200, {"Content-Encoding": "zstd"}, b"\x28\xb5\x2f\xfd")) as to:
        with pytest.raises(EndpointError, match="zstd"):
            await exchange(session, to, b"{}", 2)


async def test_a_redirect_is_an_answer_and_is_not_followed(session: aiohttp.ClientSession):
    called = []

    async def elsewhere(request: web.Request) -> web.StreamResponse:
        called.append(request.path)
        return web.Response(status=302, headers={"Location": "/other"})

    async with serving(elsewhere) as to:
        assert (await exchange(session, to, b"{}", 2)).status == 302
    assert called == ["/base"]


async def test_a_path_is_added_below_the_base_and_keeps_both_queries(session: aiohttp.ClientSession):
    async def echo(request: web.Request) -> web.StreamResponse:
        return web.Response(text=f"{request.method} {request.rel_url}")

    async with serving(echo) as to:
        answer = await exchange(session, to, None, 2, "/prices/a:0x1,b?at=2")
        assert answer.body == b"GET /base/prices/a:0x1,b?key=1&at=2"


@pytest.mark.parametrize("path", ["//elsewhere/x", "http://elsewhere/x", "prices"])
async def test_a_path_that_could_lead_to_another_host_is_refused(session: aiohttp.ClientSession, path: str):
    async with serving(wire.body(b"{}")) as to:
        with pytest.raises(UsageError):
            await exchange(session, to, None, 2, path)


@pytest.mark.parametrize(
    ("headers", "expected_ms"),
    [
        ({"Retry-After": "7"}, 7_000),
        ({"Retry-After": "999999999"}, 86_400_000),
        ({"Retry-After": "Fri, 20 Nov 2026 10:00:30 GMT", "Date": "Fri, 20 Nov 2026 10:00:00 GMT"}, 30_000),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({}, None),
    ],
)
async def test_how_long_to_wait_is_read_from_either_form_of_the_header(
    session: aiohttp.ClientSession, headers: dict[str, str], expected_ms: int | None
):
    async with serving(wire.status(429, headers)) as to:
        assert (await exchange(session, to, b"{}", 2)).retry_after_ms == expected_ms
