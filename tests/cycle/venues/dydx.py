"""dYdX as the loop of venues follows it: a simulated indexer, and owners of chosen healths."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import aiohttp

from monitor import resources
from monitor.cycle.outlook import Outlooks
from monitor.cycle.ruling import Ruling
from monitor.cycle.step import Target
from monitor.cycle.venues.loop import VenueLoop
from monitor.domain.deployment import Deployment
from monitor.domain.ids import ChainId, DeploymentName, Slug, address
from monitor.pricing.haircuts import NONE
from monitor.protocols.dydx_v4.adapter import DydxV4
from monitor.rules.levels import Levels
from monitor.settings import table
from monitor.sources.http.joined import Joined
from monitor.sources.http.place import Place
from monitor.sources.http.venue import Venue, VenueSpec
from monitor.store import PositionView, Store
from monitor.units import WAD
from tests.fakes.audience import audience
from tests.fakes.clock import FakeClock
from tests.venues.dydx import WEIGHT_PER_MINUTE, Dydx
from tests.venues.simulator import simulating

CHAIN = ChainId("cosmos:dydx-mainnet-1")
DEPLOYMENT = Deployment(DeploymentName("dydx-v4"), Slug("dydx_v4"), CHAIN, {})
TICKERS = ("BTC-USD", "ETH-USD", "SOL-USD")


@dataclass
class Followed:
    """The simulated chain with six owners, and the loop that follows them."""

    desk: Dydx
    owners: list[str]
    loop: VenueLoop
    store: Store

    async def view(self, owner: str) -> PositionView:
        (view,) = await self.store.views.positions_of(address(owner))
        return view


@asynccontextmanager
async def following(folder: Path) -> AsyncIterator[Followed]:
    """Follow three owners who are critical and three who are far from it."""
    clock = FakeClock(1_780_000_000, runs=True)
    desk = Dydx(clock)
    owners = desk.add_users([Decimal("1.2")] * 3 + [Decimal(40)] * 3)
    levels = Levels.parse(table(resources.config() / "levels.toml"))
    async with (
        simulating(clock, desk) as simulator,
        aiohttp.ClientSession() as session,
        Store.open(f"sqlite:///{folder / 'hfm.db'}", clock) as store,
    ):
        specs = [
            VenueSpec("dydx", simulator.url + path, weight_per_minute=WEIGHT_PER_MINUTE, allow_private=True)
            for path in ("/v4", "")
        ]
        indexer, node = (Venue(spec, clock, session) for spec in specs)
        place = Place(CHAIN, "dydx", (indexer,), clock, Joined({DEPLOYMENT.venue("node"): node}))
        loop = VenueLoop(
            venue=place,
            targets=(Target(DEPLOYMENT, DydxV4(), tuple(map(address, owners))),),
            outlooks=Outlooks({}, NONE),
            ruling=Ruling(store, levels, audience(), clock),
            clock=clock,
            target_wad=3 * WAD // 2,
        )
        yield Followed(desk, owners, loop, store)
