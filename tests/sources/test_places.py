"""Where endpoints of chains and venues may lead: to no closed place however it is spelled, and nowhere by redirect."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from monitor.domain.ids import ChainId
from monitor.errors import ConfigError, EndpointError, MonitorError
from monitor.outgoing.guard import KEEP_ADDRESS_MS, Destination
from monitor.query import VenueCall, ask_raw
from monitor.sources.http.exchange import exchange
from monitor.sources.http.place import Place
from monitor.sources.http.stream import Stream, StreamSpec
from monitor.sources.http.venue import Venue, VenueSpec
from monitor.sources.jsonrpc.wires import websocket
from tests.fakes.clock import FakeClock
from tests.outgoing.nowhere import CLOSED, REDIRECTS, Names, Refusing, numeric

Way = Callable[[aiohttp.ClientSession, Destination], Awaitable[object]]


async def over_http(session: aiohttp.ClientSession, to: Destination) -> object:
    return await exchange(session, to, b"{}", 2)


async def over_a_websocket(session: aiohttp.ClientSession, to: Destination) -> object:
    return await websocket(session, to)


async def of_a_venue(session: aiohttp.ClientSession, to: Destination) -> object:
    clock = FakeClock(runs=True)
    venue = Venue(VenueSpec("prices", str(to.url.with_scheme("https"))), clock, session)
    venue._to.resolve = to.resolve
    place = Place(ChainId("venue:prices"), "prices", (venue,), clock)
    return await place.read(ask_raw(VenueCall("/x")), await place.head())


async def of_a_stream(session: aiohttp.ClientSession, to: Destination) -> None:
    stream = Stream(StreamSpec("news", str(to.url.with_scheme("wss"))), FakeClock(), session)
    stream._to.resolve = to.resolve
    await stream.talk(list, lambda _: None)


WAYS: dict[str, Way] = {
    "http": over_http,
    "websocket": over_a_websocket,
    "venue": of_a_venue,
    "stream": of_a_stream,
}


class Noting(aiohttp.TCPConnector):
    """Notes which hosts are connected to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str | None] = []

    async def connect(self, req, traces, timeout):  # noqa: ASYNC109  # the signature is the library's
        self.asked.append(req.url.raw_host)
        return await super().connect(req, traces, timeout)


@asynccontextmanager
async def answering(location: str, code: int) -> AsyncIterator[URL]:
    async def elsewhere(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, headers={"Location": location})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", elsewhere)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield URL(f"http://127.0.0.1:{runner.addresses[0][1]}/v1")
    finally:
        await runner.cleanup()


def test_the_corpus_of_places_is_large_enough():
    assert len(set(CLOSED)) >= 40


@pytest.mark.parametrize("way", WAYS)
async def test_no_spelling_of_a_closed_place_is_connected_to(way: str):
    nowhere = Refusing()
    async with aiohttp.ClientSession(connector=nowhere) as session:
        for host in CLOSED:
            to = Destination(URL(f"https://{host}/v2/k"), allow_private=False, clock=FakeClock(), resolve=numeric)
            with pytest.raises(ConfigError, match="expected a public address"):
                await WAYS[way](session, to)
    assert nowhere.asked == []


@pytest.mark.parametrize("way", ["http", "websocket", "stream"])
async def test_a_name_is_connected_to_where_it_was_checked_and_refused_when_it_turns_private(way: str):
    nowhere, names, clock = Refusing(), Names(["1.1.1.1"], ["169.254.169.254"]), FakeClock()
    async with aiohttp.ClientSession(connector=nowhere) as session:
        to = Destination(URL("https://rpc.example/v2/k"), allow_private=False, clock=clock, resolve=names)
        with pytest.raises(EndpointError):
            await WAYS[way](session, to)
        await clock.advance(KEEP_ADDRESS_MS / 1000)
        with pytest.raises(ConfigError, match=r"found 169\.254\.169\.254"):
            await WAYS[way](session, to)
    assert set(nowhere.asked) == {"1.1.1.1"}


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("way", [over_http, over_a_websocket])
async def test_a_redirect_leads_nowhere(way: Way, code: int):
    noting = Noting()
    async with aiohttp.ClientSession(connector=noting) as session:
        for location in REDIRECTS:
            async with answering(location, code) as url:
                to = Destination(url, allow_private=True, clock=FakeClock())
                try:
                    answer = await way(session, to)
                except EndpointError:
                    continue
                assert getattr(answer, "status", None) == code
    assert noting.asked == ["127.0.0.1"] * len(REDIRECTS)


@pytest.mark.parametrize("url", ["wss://[bad/", "https://news.example/", "wss:///x", "ws:", "wss://news.example:x/"])
async def test_what_is_no_websocket_is_a_matter_of_the_settings(url: str):
    with pytest.raises(MonitorError, match="news: expected the address of a WebSocket"):
        Stream(StreamSpec("news", url), FakeClock(), None)  # type: ignore[arg-type]  # it gets no further
