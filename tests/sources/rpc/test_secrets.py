"""The key in an endpoint's URL: in the request and nowhere else, whatever fails."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from monitor.clock import SystemClock
from monitor.errors import EndpointError, MonitorError
from monitor.outgoing.guard import Destination
from monitor.query import EthCall, LensCall, LogFilter, Logs, StorageRead, VenueCall, ask_raw
from monitor.sources.http.exchange import exchange
from monitor.sources.http.venue import Venue, VenueSpec
from monitor.sources.jsonrpc.wires import websocket
from monitor.sources.rpc.chain import Chain
from monitor.sources.rpc.spec import EndpointSpec
from tests.fakes.clock import FakeClock
from tests.faults import wire
from tests.faults.proxy import Faults, Proxy
from tests.sources.conftest import LOCAL, MakeChain
from tests.sources.contracts import ECHO, TELLS_ITSELF
from tests.sources.rpc.test_failover import BAD

KEY = "c4n4ryK3yOfTheEndpoint"
QUESTIONS = (
    EthCall(TELLS_ITSELF, b""),
    EthCall(TELLS_ITSELF, b"", untrusted=True),
    LensCall(ECHO, b"", (b"a",)),
    StorageRead(TELLS_ITSELF, 0),
    Logs(LogFilter((), ()), 0),
)


def with_key(url: str) -> str:
    """Return the URL with the key as user, password, path and query."""
    return url.replace("://", f"://{KEY}:{KEY}@") + f"/v2/{KEY}/x?apikey={KEY}&b={KEY}#{KEY}"


def said(e: BaseException) -> str:
    """Return everything an exception can show: text, arguments, causes, traceback."""
    return "".join(traceback.format_exception(e)) + repr(e) + str(e.args) + repr(e.__cause__)


async def echo_url(request: web.Request) -> web.StreamResponse:
    """Answer as gateways do that quote the URL they were called at."""
    error = {"code": -32000, "message": f"no route for {request.url} (key {KEY})", "data": str(request.url)}
    return web.json_response({"jsonrpc": "2.0", "id": 1, "error": error})


FAILURES = {
    **BAD,
    "quotes the URL": echo_url,
    "quotes the URL as text": wire.body(f"unknown key {KEY} at /v2/{KEY}".encode(), "text/plain"),
    "quotes the URL in JSON": wire.body(f'{{"message": "invalid key {KEY}", "code": 401}}'.encode()),
    "401": wire.status(401, body=KEY.encode()),
    "403": wire.status(403, {"X-Key": KEY}),
    "429": wire.status(429, {"Retry-After": "1"}, KEY.encode()),
    "402": wire.status(402, body=KEY.encode()),
    "redirect with key": wire.status(302, {"Location": f"http://127.0.0.1:9/{KEY}"}),
}
JSON_IN_200 = ("other_id", "quotes the URL", "quotes the URL in JSON")
"""For a node these are failures; for a venue they are answers like any other."""


@pytest.mark.parametrize("failure", FAILURES)
async def test_no_failure_of_a_read_or_of_the_head_shows_the_key(
    proxy: Proxy, chain_of: MakeChain, capsys: pytest.CaptureFixture[str], failure: str
):
    chain = await chain_of(with_key(proxy.url), clock=FakeClock(runs=True))
    head = await chain.head()
    proxy.faults = Faults(wire=FAILURES[failure])
    shown = []
    for question in QUESTIONS:
        with pytest.raises(MonitorError) as caught:
            await chain.read(ask_raw(question), head, deadline_s=0.2)
        shown.append(said(caught.value))
    with pytest.raises(MonitorError) as caught:
        await chain.block("0x" + "12" * 32, deadline_s=0.2)
    shown += [said(caught.value), repr(chain.status()), repr(chain.spec), repr(chain.spec.endpoints)]
    captured = capsys.readouterr()
    assert KEY not in "".join([*shown, captured.out, captured.err])


@pytest.mark.parametrize("failure", [*FAILURES, "wrong chain"])
async def test_no_failure_to_start_shows_the_key(
    proxy: Proxy, session: aiohttp.ClientSession, capsys: pytest.CaptureFixture[str], failure: str
):
    proxy.faults = Faults(chain_id=1) if failure == "wrong chain" else Faults(wire=FAILURES[failure])
    spec = replace(LOCAL, endpoints=(EndpointSpec(with_key(proxy.url)),))
    chain = Chain(spec, SystemClock(), session)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("monitor.sources.rpc.opening.OPEN_TIMEOUT_S", 0.5)
        with pytest.raises(MonitorError) as caught:
            await chain.start()
    captured = capsys.readouterr()
    assert KEY not in "".join([said(caught.value), repr(chain.status()), captured.out, captured.err])


@pytest.mark.parametrize(
    "url",
    [
        f"http://127.0.0.1:9/{KEY}",
        f"ws://127.0.0.1:9/{KEY}",
        f"http://{KEY}:{KEY}@127.0.0.1:9/",
        f"http://127.0.0.1:9/?k={KEY}",
        f"http://[::1]:9/{KEY}",
        f"ftp://127.0.0.1/{KEY}",
        f"http://127.0.0.1:99999/{KEY}",
        f"http://[broken/{KEY}",
        f"http:///{KEY}",
        f"https://127.0.0.1:9/{KEY}",
    ],
)
async def test_no_unreachable_or_malformed_url_is_shown_with_its_key(
    session: aiohttp.ClientSession, capsys: pytest.CaptureFixture[str], url: str
):
    chain = Chain(replace(LOCAL, endpoints=(EndpointSpec(url),)), SystemClock(), session)
    with pytest.raises(MonitorError) as caught:
        await chain.start()
    captured = capsys.readouterr()
    assert KEY not in "".join([said(caught.value), repr(chain.status()), captured.out, captured.err])


@pytest.fixture
async def handshake() -> AsyncIterator[Callable[[wire.Wire], Awaitable[str]]]:
    """A maker of WebSocket servers that fail in the handshake, by their URL."""
    runners = []

    async def make(answer: wire.Wire) -> str:
        app = web.Application()
        app.router.add_get("/{path:.*}", answer)  # type: ignore[arg-type]  # these faults always answer
        runners.append(web.AppRunner(app, access_log=None, shutdown_timeout=0.1))
        await runners[-1].setup()
        await web.TCPSite(runners[-1], "127.0.0.1", 0).start()
        return f"ws://127.0.0.1:{runners[-1].addresses[0][1]}"

    yield make
    for runner in runners:
        await runner.cleanup()


@pytest.mark.parametrize("failure", ["bad_gateway", "reset", "html", "redirect", "redirect with key", "401"])
async def test_no_failed_handshake_shows_the_key(
    session: aiohttp.ClientSession,
    handshake: Callable[[wire.Wire], Awaitable[str]],
    capsys: pytest.CaptureFixture[str],
    failure: str,
):
    url = with_key(await handshake(FAILURES[failure]))
    chain = Chain(replace(LOCAL, endpoints=(EndpointSpec(url),)), SystemClock(), session)
    with pytest.raises(MonitorError) as caught:
        await chain.start()
    captured = capsys.readouterr()
    assert KEY not in "".join([said(caught.value), repr(chain.status()), captured.out, captured.err])


@pytest.mark.parametrize("failure", ["bad_gateway", "reset", "html", "redirect", "redirect with key", "401"])
async def test_the_error_of_a_handshake_carries_no_cause_that_shows_the_key(
    session: aiohttp.ClientSession, handshake: Callable[[wire.Wire], Awaitable[str]], failure: str
):
    url = URL(with_key(await handshake(FAILURES[failure])))
    with pytest.raises(EndpointError) as caught:
        await websocket(session, Destination(url, allow_private=True, clock=FakeClock()))
    assert KEY not in said(caught.value)


async def test_a_handshake_follows_no_redirect(
    session: aiohttp.ClientSession, handshake: Callable[[wire.Wire], Awaitable[str]]
):
    reached = []

    async def note(request: web.Request) -> web.StreamResponse:
        reached.append(request.path)
        return web.Response()

    elsewhere = (await handshake(note)).replace("ws://", "http://")
    url = URL(await handshake(wire.status(302, {"Location": elsewhere})))
    with pytest.raises(EndpointError, match="redirect"):
        await websocket(session, Destination(url, allow_private=True, clock=FakeClock()))
    assert reached == []


@pytest.mark.parametrize("failure", [failure for failure in FAILURES if failure not in JSON_IN_200])
async def test_no_failure_of_a_venue_shows_the_key(
    proxy: Proxy, session: aiohttp.ClientSession, capsys: pytest.CaptureFixture[str], failure: str
):
    proxy.faults = Faults(wire=FAILURES[failure])
    venue = Venue(VenueSpec("prices", with_key(proxy.url), allow_private=True), SystemClock(), session)
    with pytest.raises(MonitorError) as caught:
        await venue.read(ask_raw(VenueCall("/now", "{}")), deadline_s=0.2)
    captured = capsys.readouterr()
    assert KEY not in "".join([said(caught.value), repr(venue.spec), captured.out, captured.err])


@pytest.mark.parametrize("speech", [b"banana\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", b""])
async def test_the_error_of_a_server_that_speaks_no_http_carries_no_cause_that_shows_the_key(
    session: aiohttp.ClientSession, speech: bytes
):
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(speech)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        url = URL(with_key(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
        with pytest.raises(EndpointError) as caught:
            await exchange(session, Destination(url, allow_private=True, clock=FakeClock()), b"{}", 2)
    assert KEY not in said(caught.value)


async def test_the_key_is_sent_where_it_belongs(session: aiohttp.ClientSession, proxy: Proxy, chain_of: MakeChain):
    seen = []

    async def note(request: web.Request) -> None:
        seen.append((request.path_qs, request.headers.get("Authorization", "")))

    proxy.faults = Faults(wire=note)
    await chain_of(with_key(proxy.url))
    path, authorization = seen[0]
    assert path == f"/v2/{KEY}/x?apikey={KEY}&b={KEY}"
    assert authorization.startswith("Basic ")
