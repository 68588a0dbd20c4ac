"""A venue that is down while the chain runs is stale within a minute, and what it said before is never said again."""

from collections.abc import AsyncIterator
from email.utils import formatdate

import aiohttp
import pytest
from aiohttp import web

from monitor.errors import EndpointError, ReadError
from monitor.query import VenueCall, ask_raw
from monitor.sources.http.venue import Venue, VenueSpec
from tests.fakes.clock import FakeClock
from tests.faults import wire

NOW_S = 1_750_000_000
OUTAGE_S, ASKED_EVERY_S = 37 * 60, 12


class Exchange:
    """A venue whose price follows the clock; `trouble` answers in its stead."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.url = ""
        self.trouble: wire.Wire | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.trouble is not None:
            answer = await self.trouble(request)
            assert answer is not None
            return answer
        now_s = self.clock.wall_s()
        return web.Response(body=str(now_s).encode(), headers={"Date": _date(now_s)})


def _date(at_s: int) -> str:
    return formatdate(at_s, usegmt=True)


@pytest.fixture
async def clock() -> FakeClock:
    return FakeClock(NOW_S, runs=True)


@pytest.fixture
async def exchange(clock: FakeClock) -> AsyncIterator[Exchange]:
    made = Exchange(clock)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
def venue(exchange: Exchange, clock: FakeClock, session: aiohttp.ClientSession) -> Venue:
    return Venue(VenueSpec("exchange", exchange.url, allow_private=True), clock, session)


async def said(venue: Venue) -> str | None:
    """Return what the venue says now, None when it is no answer."""
    try:
        (text,) = await venue.read(ask_raw(VenueCall("/info", '{"type":"allMids"}')))
    except ReadError:
        return None
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
async def test_through_thirty_seven_minutes_of_errors_it_is_stale_and_never_unchanged(
    exchange: Exchange, venue: Venue, clock: FakeClock, status: int
):
    for _ in range(5):
        await clock.sleep(ASKED_EVERY_S)
        assert await said(venue) is not None
        assert not venue.status().is_stale
    exchange.trouble = wire.status(status)
    down_ms, stale_ms = clock.monotonic_ms(), None
    while clock.monotonic_ms() - down_ms < OUTAGE_S * 1000:
        await clock.sleep(ASKED_EVERY_S)
        assert await said(venue) is None
        if stale_ms is None and venue.status().is_stale:
            stale_ms = clock.monotonic_ms()
        assert venue.status().is_stale is (stale_ms is not None)
    assert stale_ms is not None
    assert stale_ms - down_ms <= 60_000
    assert str(status) in venue.status().problem or "asked to wait" in venue.status().problem
    exchange.trouble = None
    await clock.sleep(2)
    assert await said(venue) is not None
    assert not venue.status().is_stale
    assert venue.status().problem == ""


async def test_a_front_that_serves_the_last_page_for_37_minutes_is_stale_though_it_answers(
    exchange: Exchange, venue: Venue, clock: FakeClock
):
    await said(venue)
    frozen = _date(clock.wall_s())
    exchange.trouble = wire.status(200, {"Date": frozen}, b"1")
    await clock.sleep(40)
    assert await said(venue) == "1"
    assert not venue.status().is_stale
    for _ in range(OUTAGE_S // ASKED_EVERY_S):
        await clock.sleep(ASKED_EVERY_S)
        assert await said(venue) == "1"
        assert venue.status().is_stale


async def test_a_local_clock_that_jumps_makes_nothing_stale_and_nothing_fresh(
    exchange: Exchange, venue: Venue, clock: FakeClock
):
    await said(venue)
    clock.jump_wall(-3600)
    await clock.sleep(30)
    assert venue.status().age_ms == 30_000
    assert not venue.status().is_stale
    clock.jump_wall(7200)
    await clock.sleep(15)
    assert venue.status().age_ms == 45_000
    assert venue.status().is_stale


async def test_a_venue_that_was_never_asked_is_not_fresh(venue: Venue):
    status = venue.status()
    assert (status.age_ms, status.is_stale, status.problem) == (None, True, "not asked yet")


async def test_a_failed_read_raises_what_is_wrong(exchange: Exchange, venue: Venue):
    await said(venue)
    exchange.trouble = wire.status(503)
    with pytest.raises(EndpointError, match="503"):
        await venue.read(ask_raw(VenueCall("/info")))
    assert "503" in venue.status().problem
