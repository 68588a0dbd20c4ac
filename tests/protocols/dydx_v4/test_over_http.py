"""The adapter over HTTP: a simulated indexer and node on loopback, read by the program's own sources."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from monitor.clock import SystemClock
from monitor.domain.health import Measured, NoDebt
from monitor.domain.ids import PositionKey, address
from monitor.domain.moment import VenueMoment
from monitor.errors import ReadError
from monitor.protocols.dydx_v4.market import MARKET, key_of, owner_of
from monitor.query import Ask, T
from monitor.sources.http.place import Place
from monitor.sources.http.venue import VenueSpec
from monitor.sources.opening import open_place
from tests.protocols.dydx_v4.recorded import ADAPTER, CHAIN, DEPLOYMENT, NODE
from tests.venues.dydx import Dydx
from tests.venues.simulator import Simulator, simulating

HEALTHS = [Decimal(text) for text in ("3", "1.5", "1.01", "0.99", "0.5")]


class Reading:
    """The simulated venue, and what reads it."""

    def __init__(self, desk: Dydx, simulator: Simulator, place: Place) -> None:
        self.desk, self.simulator, self.place = desk, simulator, place

    async def read(self, ask: Ask[T]) -> T:
        return await self.place.read(ask, await self.place.head())


@asynccontextmanager
async def reading() -> AsyncIterator[Reading]:
    clock = SystemClock()
    desk = Dydx(clock)
    async with simulating(clock, desk) as simulator:
        indexer = VenueSpec("dydx", simulator.url + "/v4", allow_private=True)
        node = VenueSpec(NODE, simulator.url, allow_private=True)
        async with open_place(CHAIN, "dydx", [indexer], clock, [node]) as place:
            yield Reading(desk, simulator, place)


async def test_everyone_is_listed_read_judged_and_compared_over_http():
    async with reading() as venue:
        owners = venue.desk.add_users(HEALTHS)
        market = await venue.read(ADAPTER.market(DEPLOYMENT, MARKET))
        assert isinstance(market.at, VenueMoment)
        assert market.at.height == pytest.approx(venue.desk.height, abs=2)
        keys, after = list[PositionKey](), None
        while True:
            page = await venue.read(ADAPTER.positions(market, after))
            keys, after = [*keys, *page.keys], page.after
            if after is None:
                break
        assert [owner_of(key) for key in keys] == [address(owner) for owner in owners]
        accounts = await venue.read(ADAPTER.accounts(market, keys))
        assert not accounts.failed
        seen = [ADAPTER.assess(market, account) for account in accounts]
        for one, health in zip(seen, HEALTHS, strict=True):
            assert isinstance(one.health, Measured)
            assert abs(Decimal(one.health.numerator) / one.health.denominator - health) < Decimal("0.00001")
            assert one.is_liquidatable_now == (health < 1)
        assert [ADAPTER.quote(market, account) is not None for account in accounts] == [h < 1 for h in HEALTHS]
        assert await venue.read(ADAPTER.compare(DEPLOYMENT, MARKET, keys)) == ()


async def test_an_address_that_the_indexer_does_not_know_is_nothing_and_no_error():
    async with reading() as venue:
        stranger = address("0x" + "77" * 20)
        market = await venue.read(ADAPTER.market(DEPLOYMENT, MARKET))
        assert await venue.read(ADAPTER.owned(market, stranger)) == (key_of(stranger, 0),)
        assert len(await venue.read(ADAPTER.held(market, stranger))) == 0
        (account,) = await venue.read(ADAPTER.accounts(market, [key_of(stranger, 0)]))
        assert ADAPTER.health(market, account) == NoDebt()


async def test_an_indexer_that_stands_still_is_not_read():
    async with reading() as venue:
        venue.desk.lag_s = 600
        with pytest.raises(ReadError, match="behind"):
            await venue.read(ADAPTER.market(DEPLOYMENT, MARKET))
