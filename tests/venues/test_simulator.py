"""The simulated venues say what was recorded, keep their own limits, and go wrong as scripted."""

import json
from collections.abc import AsyncIterator
from decimal import Decimal

import aiohttp
import pytest

from monitor.domain.deployment import Deployment
from monitor.domain.health import Measured, Unmeasurable
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, Slug, address
from monitor.errors import EndpointError, RateLimited, ReadError
from monitor.protocols.dydx_v4.adapter import DydxV4
from monitor.protocols.dydx_v4.market import SHORT
from monitor.protocols.gmx_v2 import wire as gmx_wire
from monitor.protocols.hyperliquid.adapter import Hyperliquid as Adapted
from monitor.protocols.hyperliquid.market import key_in
from monitor.query import VenueCall, ask_raw
from monitor.sources.http.joined import Joined
from monitor.sources.http.place import Place
from monitor.sources.http.venue import Venue, VenueSpec
from tests.fakes.clock import FakeClock
from tests.faults import wire
from tests.venues.dydx import Dydx
from tests.venues.gmx import Gmx
from tests.venues.hyperliquid import Hyperliquid
from tests.venues.recorded import cases
from tests.venues.simulator import Fault, Simulator, simulating, slow

NOW_S = 1_780_000_000
HYPERLIQUID = Deployment(
    DeploymentName("hyperliquid-main"), Slug("hyperliquid"), ChainId("venue:hyperliquid"), {}, "", (MarketKey("main"),)
)
DYDX = Deployment(DeploymentName("dydx-v4"), Slug("dydx_v4"), ChainId("cosmos:dydx-mainnet-1"), {})


class Served:
    """All venues behind one address, and whoever asks them."""

    def __init__(self, clock: FakeClock, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.clock, self.simulator, self.session = clock, simulator, session
        self.hyperliquid, self.dydx, self.gmx = simulator.desks

    def venue(self, path: str = "", weight_per_minute: int | None = None) -> Venue:
        spec = VenueSpec("v", self.simulator.url + path, weight_per_minute=weight_per_minute, allow_private=True)
        return Venue(spec, self.clock, self.session)

    def place(self, deployment: Deployment, path: str = "") -> Place:
        joined = Joined({deployment.venue("node"): self.venue()})
        return Place(deployment.chain, "v", (self.venue(path),), self.clock, joined)

    async def info(self, venue: Venue, weight: int = 2, **members: str) -> object:
        (text,) = await venue.read(ask_raw(VenueCall("/info", json.dumps(members), weight=weight)))
        assert isinstance(text, str)
        return json.loads(text)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    clock = FakeClock(NOW_S, runs=True)
    desks = Hyperliquid(clock), Dydx(clock), Gmx(clock)
    async with simulating(clock, *desks) as simulator, aiohttp.ClientSession() as session:
        yield Served(clock, simulator, session)


async def test_recorded_users_of_hyperliquid_are_served_as_they_were_recorded(served: Served):
    assert isinstance(served.hyperliquid, Hyperliquid)
    users, told = served.hyperliquid.add_recorded(), {case["id"]: case["input"] for case in cases("hyperliquid_states")}
    assert len(users) >= 10
    for case, user in users.items():
        kind = told[case]["request"]["type"]
        assert await served.info(served.venue(), type=kind, user=user) == told[case]["response"]


@pytest.mark.parametrize("pct", [90, 101, 150, 700, 4_000])
async def test_a_made_user_of_hyperliquid_has_the_health_that_was_chosen(served: Served, pct: int):
    assert isinstance(served.hyperliquid, Hyperliquid)
    users = served.hyperliquid.add_users([Decimal(pct) / 100] * 8)
    adapter, place = Adapted(), served.place(HYPERLIQUID)
    market = await place.read(adapter.market(HYPERLIQUID, MarketKey("main")), await place.head())
    for user in users:
        (account,) = await place.read(adapter.accounts(market, [key_in(Address(user))]), market.at)
        health = adapter.health(market, account)
        assert isinstance(health, Measured)
        assert abs(health.numerator * 100 - pct * health.denominator) * 10_000 <= pct * health.denominator


async def test_a_made_subaccount_of_dydx_has_the_health_that_was_chosen_and_a_node_lists_it(served: Served):
    assert isinstance(served.dydx, Dydx)
    owners = served.dydx.add_users([Decimal("1.25")] * 6)
    adapter, place = DydxV4(), served.place(DYDX, "/v4")
    market = await place.read(adapter.market(DYDX, MarketKey("dydx")), await place.head())
    for owner in owners:
        (account,) = await place.read(adapter.held(market, address(owner)), market.at)
        health = adapter.health(market, account)
        assert isinstance(health, Measured)
        assert abs(health.numerator * 4 - 5 * health.denominator) * 10_000 <= 5 * health.denominator
    page = await place.read(adapter.positions(market), market.at)
    assert [key[:42] for key in page.keys] == [address(owner) for owner in owners]


async def test_whom_dydx_does_not_know_has_nothing_and_a_recorded_answer_is_of_another_year(served: Served):
    assert isinstance(served.dydx, Dydx)
    adapter, place = DydxV4(), served.place(DYDX, "/v4")
    market = await place.read(adapter.market(DYDX, MarketKey("dydx")), await place.head())
    assert len(await place.read(adapter.held(market, Address("0x" + "11" * 20)), market.at)) == 0
    (known,) = served.dydx.recorded
    (account,) = await place.read(adapter.held(market, address(known)), market.at)
    assert (market.traded[1].ticker, next(b.kind for b in account.balances if b.asset == 1)) == ("BTC-USD", SHORT)
    assert isinstance(adapter.health(market, account), Unmeasurable)


async def test_an_indexer_that_lags_is_refused(served: Served):
    assert isinstance(served.dydx, Dydx)
    served.dydx.lag_s = 120
    adapter, place = DydxV4(), served.place(DYDX, "/v4")
    with pytest.raises(ReadError, match="behind"):
        await place.read(adapter.market(DYDX, MarketKey("dydx")), await place.head())


async def test_the_tickers_of_gmx_are_those_recorded_until_they_move(served: Served):
    assert isinstance(served.gmx, Gmx)

    async def quote() -> tuple[int, int]:
        (text,) = await served.venue().read(ask_raw(VenueCall("/prices/tickers")))
        assert isinstance(text, str)
        found = gmx_wire.quotes(text)[address("0x49D5c2BdFfac6CE2BFdB6640F4F80f226bc10bAB")]
        return found.low, found.high

    assert await quote() == (2376284700000000, 2376284700000000)
    served.gmx.set_price("ETH", Decimal("2000.5"), Decimal(2001))
    assert await quote() == (2000500000000000, 2001000000000000)


async def test_who_asks_beyond_the_weight_of_a_minute_is_refused_and_told_for_how_long(served: Served):
    asking, limit = served.venue(), served.hyperliquid.limit
    for _ in range(60):
        await served.info(asking, type="metaAndAssetCtxs")
    with pytest.raises(RateLimited) as refused:
        await served.info(asking, type="allMids")
    assert refused.value.retry_after_ms == 60_000
    assert (limit.heaviest, limit.refused) == (1_200, 1)
    await served.clock.sleep(60)
    assert await served.info(asking, type="allMids")


async def test_who_counts_its_weights_is_never_refused(served: Served):
    asking = served.venue(weight_per_minute=1_200)
    for _ in range(90):
        await served.info(asking, weight=20, type="metaAndAssetCtxs")
    assert (served.hyperliquid.limit.refused, served.hyperliquid.limit.heaviest) == (0, 1_200)
    assert served.clock.monotonic_ms() == 60_000


async def test_faults_hold_for_their_time_and_their_kinds(served: Served):
    served.simulator.faults.append(Fault(wire.status(503), from_s=10, until_s=20, kinds=frozenset({"allMids"})))
    served.simulator.faults.append(Fault(slow(served.clock, 5), from_s=30))
    asking = served.venue()
    assert await served.info(asking, type="allMids")
    await served.clock.sleep(10)
    assert await served.info(asking, type="perpDexs") == [None]
    with pytest.raises(EndpointError, match="503"):
        await served.info(asking, type="allMids")
    await served.clock.sleep(20)
    began_ms = served.clock.monotonic_ms()
    assert await served.info(asking, type="allMids")
    assert served.clock.monotonic_ms() == began_ms + 5_000


async def test_a_frozen_venue_repeats_its_words_and_their_time(served: Served):
    assert isinstance(served.hyperliquid, Hyperliquid)
    asking = served.venue()
    before = await served.info(asking, type="allMids")
    served.simulator.frozen = True
    served.hyperliquid.marks["BTC"] += 1
    await served.clock.sleep(50)
    assert await served.info(asking, type="allMids") == before
    assert asking.status().is_stale
    with pytest.raises(EndpointError, match="502"):
        await served.info(asking, type="spotMeta")


async def test_what_nobody_serves_is_not_found(served: Served):
    with pytest.raises(EndpointError, match="404"):
        await served.venue().read(ask_raw(VenueCall("/other")))
    with pytest.raises(EndpointError, match="422"):
        await served.info(served.venue(), type="nonsense")
