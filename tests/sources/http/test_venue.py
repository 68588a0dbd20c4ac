"""A venue asked over HTTP, honest and not."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from monitor.domain.moment import VenueMoment
from monitor.errors import ConfigError, EndpointError, MalformedJson, RateLimited, ReadError
from monitor.query import Absent, EthCall, Moment, VenueCall, ask_raw
from monitor.sources.http.venue import Venue, VenueSpec
from tests.fakes.clock import FakeClock
from tests.faults import wire
from tests.sources.contracts import TELLS_ITSELF
from tests.sources.http.desk import DATE, DATE_MS, Desk, served

NOW_S = 1_750_000_000


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with served() as made:
        yield made


def venue(desk: Desk, session: aiohttp.ClientSession, clock: FakeClock | None = None, *, allow: bool = True) -> Venue:
    return Venue(VenueSpec("prices", desk.url, allow_private=allow), clock or FakeClock(NOW_S, runs=True), session)


async def test_an_answer_is_the_text_and_its_moment_is_the_server_s(desk: Desk, session: aiohttp.ClientSession):
    text, moment = await venue(desk, session).read(ask_raw(VenueCall("/now?coin=a"), Moment()))
    assert text == '{"price": 1.10}'
    assert moment == VenueMoment("prices", None, DATE_MS, NOW_S)
    assert desk.asked == ["GET /now?coin=a"]


async def test_a_question_with_a_body_is_posted(desk: Desk, session: aiohttp.ClientSession):
    await venue(desk, session).read(ask_raw(VenueCall("/info", '{"type":"allMids"}')))
    assert desk.asked == ['POST /info {"type":"allMids"}']


async def test_an_outage_is_tried_three_times_and_then_told(desk: Desk, session: aiohttp.ClientSession):
    desk.answer = wire.status(502)
    with pytest.raises(EndpointError, match="502"):
        await venue(desk, session).read(ask_raw(VenueCall("/now")))
    assert len(desk.asked) == 3


async def test_a_limit_is_kept_to_without_asking_again(desk: Desk, session: aiohttp.ClientSession):
    clock = FakeClock(NOW_S, runs=True)
    asking = venue(desk, session, clock)
    desk.answer = wire.status(429, {"Retry-After": "30"})
    for _ in range(3):
        with pytest.raises(RateLimited):
            await asking.read(ask_raw(VenueCall("/now")))
    assert len(desk.asked) == 1
    desk.answer = wire.body(b"[]")
    await clock.sleep(30)
    assert await asking.read(ask_raw(VenueCall("/now"))) == ("[]",)


@pytest.mark.parametrize("body", [b'{"liq_price":NaN}', b"<html>", b'{"a":1,"a":2}', b"", b"1e999"])
async def test_what_is_no_strict_json_never_reaches_the_reader(desk: Desk, session: aiohttp.ClientSession, body: bytes):
    desk.answer = wire.body(body)
    with pytest.raises(MalformedJson):
        await venue(desk, session).read(ask_raw(VenueCall("/now")))


async def test_a_venue_at_a_private_address_needs_permission(desk: Desk, session: aiohttp.ClientSession):
    with pytest.raises(ConfigError, match="allow_private"):
        await venue(desk, session, allow=False).read(ask_raw(VenueCall("/now")))


async def test_a_question_for_a_chain_is_refused_by_a_venue(desk: Desk, session: aiohttp.ClientSession):
    with pytest.raises(ReadError, match="for a venue"):
        await venue(desk, session).read(ask_raw(EthCall(TELLS_ITSELF, b"")))
    with pytest.raises(ReadError, match="before the one for its moment"):
        await venue(desk, session).read(ask_raw(Moment()))


async def test_each_question_takes_its_own_weight_and_what_is_left_is_told(desk: Desk, session: aiohttp.ClientSession):
    clock = FakeClock(NOW_S, runs=True)
    asking = Venue(VenueSpec("v", desk.url, weight_per_minute=100, allow_private=True), clock, session)
    await asking.read(ask_raw(VenueCall("/a", weight=60), VenueCall("/b", weight=38)))
    assert (asking.left(), asking.share(30_000), clock.monotonic_ms()) == (2, 50, 0)
    await asking.read(ask_raw(VenueCall("/c", weight=2)))
    assert clock.monotonic_ms() == 0
    await asking.read(ask_raw(VenueCall("/d")))
    assert clock.monotonic_ms() == 60_000
    desk.answer = wire.status(429, {"Retry-After": "5"})
    with pytest.raises(RateLimited):
        await asking.read(ask_raw(VenueCall("/e")))
    assert asking.left() == 0


async def test_that_there_is_none_is_an_answer_where_the_venue_says_so_itself_and_an_outage_where_its_front_does(
    desk: Desk, session: aiohttp.ClientSession
):
    desk.answer = wire.status(404, DATE, b'{"errors":[{"msg":"No subaccounts found"}]}')
    (answer,) = await venue(desk, session).read(ask_raw(VenueCall("/addresses/a")))
    assert isinstance(answer, Absent)
    assert "No subaccounts found" in answer.reason
    assert len(desk.asked) == 1
    desk.answer = wire.status(404, DATE, b"<html>404 Not Found</html>")
    with pytest.raises(EndpointError, match="404"):
        await venue(desk, session).read(ask_raw(VenueCall("/addresses/a")))


@pytest.mark.parametrize(
    "url", ["ftp://api.example/1", "/var/run/socket", "https://", "wss://host/x", "http://[::1", ""]
)
async def test_what_is_no_address_of_an_api_is_refused_without_repeating_it(url: str, session: aiohttp.ClientSession):
    with pytest.raises(ConfigError, match="expected the address of an API") as refused:
        Venue(VenueSpec("prices", url), FakeClock(NOW_S), session)
    assert not url or url not in str(refused.value)
