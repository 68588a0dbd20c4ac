"""A venue without blocks: several addresses of one API, further APIs beside it, and the moment of what they say."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from monitor.domain.ids import ChainId
from monitor.domain.moment import VenueMoment
from monitor.errors import EndpointError, NoEndpoint
from monitor.query import Failed, Moment, VenueCall, ask_raw
from monitor.sources.http.joined import Joined
from monitor.sources.http.place import Place
from monitor.sources.http.venue import Venue, VenueSpec
from tests.fakes.clock import FakeClock
from tests.faults import wire
from tests.sources.http.desk import DATE, DATE_MS, Desk, served

NOW_S = 1_750_000_000
LATER = {"Date": "Sun, 15 Jun 2025 15:06:31 GMT"}


@pytest.fixture
async def desks() -> AsyncIterator[tuple[Desk, Desk, Desk]]:
    async with served() as first, served() as second, served() as node:
        yield first, second, node


def place(session: aiohttp.ClientSession, *desks: Desk, node: Desk | None = None) -> Place:
    clock = FakeClock(NOW_S, runs=True)
    venues = [Venue(VenueSpec("dydx", desk.url, allow_private=True), clock, session) for desk in desks]
    beside = {"dydx-v4/node": Venue(VenueSpec("node", node.url, allow_private=True), clock, session)} if node else {}
    return Place(ChainId("cosmos:dydx-mainnet-1"), "dydx", venues, clock, Joined(beside))


async def test_the_next_address_answers_where_one_does_not(desks, session: aiohttp.ClientSession):
    first, second, _ = desks
    first.answer = wire.status(503, DATE, b"")
    asked = place(session, first, second)
    text, moment = await asked.read(ask_raw(VenueCall("/markets"), Moment()), await asked.head())
    assert isinstance(moment, VenueMoment)
    assert (text, moment.venue, moment.server_time_ms) == ('{"price": 1.10}', "dydx", DATE_MS)
    assert first.asked
    assert second.asked == ["GET /markets"]


async def test_without_any_address_that_answers_nothing_is_known(desks, session: aiohttp.ClientSession):
    first, second, _ = desks
    first.answer = second.answer = wire.status(500, DATE, b"")
    asked = place(session, first, second)
    with pytest.raises(EndpointError, match="500"):
        await asked.read(ask_raw(VenueCall("/markets")), await asked.head())
    alone = place(session)
    with pytest.raises(NoEndpoint, match="expected an address of its API"):
        await alone.read(ask_raw(VenueCall("/markets")), await alone.head())


async def test_an_api_beside_the_venue_s_own_neither_fails_the_read_nor_tells_its_moment(
    desks, session: aiohttp.ClientSession
):
    first, _, node = desks
    first.answer = wire.status(200, LATER, b"[1]")
    asked = place(session, first, node=node)
    calls = VenueCall("/markets"), VenueCall("/terms", venue="dydx-v4/node"), Moment()
    own, beside, moment = await asked.read(ask_raw(*calls), await asked.head())
    assert isinstance(moment, VenueMoment)
    assert (own, beside, moment.server_time_ms) == ("[1]", '{"price": 1.10}', DATE_MS + 1000)
    node.answer = wire.status(500, DATE, b"")
    own, beside, _ = await asked.read(ask_raw(*calls), await asked.head())
    assert own == "[1]"
    assert isinstance(beside, Failed)
    assert "500" in beside.reason
