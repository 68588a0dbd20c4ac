"""A loop over a simulated venue, on a clock that runs by itself."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp

from monitor import resources
from monitor.adapter import Adapter
from monitor.cycle.outlook import Outlooks
from monitor.cycle.ruling import Ruling
from monitor.cycle.step import Target
from monitor.cycle.venues.loop import VenueLoop
from monitor.domain.alerts import AlertKind, Recipient, Route
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, Slug
from monitor.pricing.haircuts import NONE
from monitor.protocols.hyperliquid.adapter import Hyperliquid as Adapted
from monitor.rules.levels import Levels
from monitor.settings import table
from monitor.sources.http.place import Place
from monitor.sources.http.venue import Venue, VenueSpec
from monitor.store import PositionView, Store
from monitor.units import WAD
from tests.fakes.audience import audience
from tests.fakes.clock import FakeClock
from tests.venues.hyperliquid import WEIGHT_PER_MINUTE, Hyperliquid
from tests.venues.simulator import Simulator, simulating

NOW_S = 1_780_000_000
CHAIN = ChainId("venue:hyperliquid")
DEPLOYMENT = Deployment(DeploymentName("hyperliquid-main"), Slug("hyperliquid"), CHAIN, {}, "", (MarketKey("main"),))
FAR, NEAR = Decimal(25), Decimal("1.2")
"""Healths of which one is far from every line and the other critical, whatever coin it is in."""
TOLD = Recipient("console", (Route("console", "console"),))


@dataclass
class Watched:
    """A venue, what it is served by, and the loop that follows it."""

    clock: FakeClock
    desk: Hyperliquid
    simulator: Simulator
    session: aiohttp.ClientSession
    place: Place
    store: Store
    levels: Levels
    adapter: Adapter[Any]
    owners: tuple[Address, ...] = ()

    def loop(self, owners: Sequence[str] = (), **changes: Any) -> VenueLoop:
        """Return a new loop over the owners, as after a start."""
        self.owners = tuple(Address(owner) for owner in owners) or self.owners
        recipients = dict.fromkeys(self.owners, (TOLD,))
        return VenueLoop(
            venue=self.place,
            targets=(Target(DEPLOYMENT, self.adapter, self.owners),),
            outlooks=Outlooks({}, NONE),
            ruling=Ruling(self.store, self.levels, audience(recipients), self.clock),
            clock=self.clock,
            target_wad=3 * WAD // 2,
            **changes,
        )

    def uncounted(self) -> Place:
        """Return the same venue without a budget, to read everyone at once."""
        return Place(CHAIN, "hyperliquid", (Venue(_spec(self.simulator, None), self.clock, self.session),), self.clock)

    async def view(self, owner: str) -> PositionView:
        """Return the one position of an owner as everybody sees it."""
        (view,) = await self.store.views.positions_of(Address(owner))
        return view

    async def told(self) -> list[AlertKind]:
        """Return the kinds of all alerts so far, the oldest first."""
        return [view.alert.kind for view in await self.store.views.alerts()]


@asynccontextmanager
async def watched(tmp_path: Path, weight_per_minute: int | None = WEIGHT_PER_MINUTE) -> AsyncIterator[Watched]:
    """Serve Hyperliquid and open all that a loop needs."""
    clock = FakeClock(NOW_S, runs=True)
    desk = Hyperliquid(clock, weight_per_minute)
    levels = Levels.parse(table(resources.config() / "levels.toml"))
    async with (
        simulating(clock, desk) as simulator,
        aiohttp.ClientSession() as session,
        Store.open(f"sqlite:///{tmp_path / 'hfm.db'}", clock) as store,
    ):
        venue = Venue(_spec(simulator, weight_per_minute), clock, session)
        place = Place(CHAIN, "hyperliquid", (venue,), clock)
        yield Watched(clock, desk, simulator, session, place, store, levels, Adapted())


def _spec(simulator: Simulator, weight_per_minute: int | None) -> VenueSpec:
    return VenueSpec("hyperliquid", simulator.url, weight_per_minute=weight_per_minute, allow_private=True)


async def turns(loop: VenueLoop, count: int) -> None:
    """Turn so many times."""
    for _ in range(count):
        await loop.once()
