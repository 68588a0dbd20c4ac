"""The adapter over HTTP: a simulated venue on loopback with its rate limit, read by the program's own sources."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from monitor.clock import SystemClock
from monitor.domain.health import Measured, NoDebt
from monitor.domain.ids import Address
from monitor.domain.moment import VenueMoment
from monitor.domain.prices import PROTOCOL
from monitor.domain.row import row
from monitor.errors import ReadError
from monitor.health.evaluate import evaluation
from monitor.protocols.hyperliquid.market import key_in
from monitor.query import Ask, T
from monitor.sources.http.place import Place
from monitor.sources.http.venue import VenueSpec
from monitor.sources.opening import open_place
from tests.protocols.hyperliquid.recorded import ADAPTER, DEPLOYMENT, MAIN, VENUE
from tests.venues.hyperliquid import Hyperliquid
from tests.venues.simulator import simulating

HEALTHS = [Decimal(text) for text in ("3", "1.5", "1.01", "0.99", "0.5")]


class Reading:
    """The simulated venue, and what reads it."""

    def __init__(self, desk: Hyperliquid, place: Place) -> None:
        self.desk, self.place = desk, place

    async def read(self, ask: Ask[T]) -> T:
        return await self.place.read(ask, await self.place.head())


@asynccontextmanager
async def reading(most: int = 1_200) -> AsyncIterator[Reading]:
    clock = SystemClock()
    desk = Hyperliquid(clock, most)
    async with simulating(clock, desk) as simulator:
        spec = VenueSpec("hyperliquid", simulator.url, allow_private=True)
        async with open_place(VENUE, "hyperliquid", [spec], clock) as place:
            yield Reading(desk, place)


async def test_users_are_read_judged_written_and_compared_over_http():
    async with reading() as venue:
        users = [Address(user) for user in venue.desk.add_users(HEALTHS)]
        market = await venue.read(ADAPTER.market(DEPLOYMENT, MAIN))
        assert isinstance(market.at, VenueMoment)
        for user, health in zip(users, HEALTHS, strict=True):
            (account,) = await venue.read(ADAPTER.held(market, user))
            found = evaluation(ADAPTER, market, account, PROTOCOL, 15 * 10**17)
            seen = found.protocol.health
            assert isinstance(seen, Measured)
            assert seen.numerator / seen.denominator == pytest.approx(float(health), abs=1e-3)
            assert found.protocol.is_liquidatable_now == (health < 1)
            written = row(found)
            assert (written["status"], written["exactness"], written["kind"]) == ("measured", "api", "perp")
            assert (written["key"], written["owner"]) == (key_in(user), user)
        assert await venue.read(ADAPTER.compare(DEPLOYMENT, MAIN, [key_in(user) for user in users])) == ()


async def test_recorded_answers_are_served_and_read_and_nobody_has_nothing():
    async with reading() as venue:
        made = venue.desk.add_recorded()
        market = await venue.read(ADAPTER.market(DEPLOYMENT, MAIN))
        for name in ("no_positions_with_cash", "dust_perp_account"):
            (account,) = await venue.read(ADAPTER.held(market, Address(made[name])))
            assert ADAPTER.health(market, account) == NoDebt()
        (nobody,) = await venue.read(ADAPTER.held(market, Address("0x" + "77" * 20)))
        assert nobody.balances == ()


async def test_a_market_again_has_the_marks_of_now():
    async with reading() as venue:
        market = await venue.read(ADAPTER.market(DEPLOYMENT, MAIN))
        venue.desk.marks["BTC"] = Decimal(70_000)
        later = await venue.read(ADAPTER.again(market))
        glimpsed = await venue.read(ADAPTER.glimpse(market))
        node = market.traded[market.places["BTC"]].node
        assert later.graph.values[node] == glimpsed.graph.values[node] == 70_000 * 10**10
        assert (later.is_by_mids, glimpsed.is_by_mids) == (False, True)


async def test_a_spent_budget_is_an_error_and_no_older_number():
    async with reading(most=41) as venue:
        market = await venue.read(ADAPTER.market(DEPLOYMENT, MAIN))
        with pytest.raises(ReadError):
            await venue.read(ADAPTER.again(market))
