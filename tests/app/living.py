"""A service of real parts on a clock that a test moves: a chain, a venue, a store, delivery, and a real receiver."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiohttp
from aiohttp import web

from monitor import resources
from monitor.channels.channel import Message
from monitor.channels.heartbeat import Heartbeat
from monitor.cycle.outlook import Outlooks
from monitor.cycle.ruling import Ruling
from monitor.cycle.step import Target
from monitor.cycle.venues.loop import VenueLoop
from monitor.domain.ids import Address
from monitor.outbox.deadman import DeadMan
from monitor.outbox.dispatcher import Dispatcher
from monitor.pricing.haircuts import NONE
from monitor.protocols.hyperliquid.adapter import Hyperliquid as Adapted
from monitor.rules.levels import Levels
from monitor.schedule import Schedule
from monitor.settings import table
from monitor.sources.http.place import Place
from monitor.sources.http.venue import Venue, VenueSpec
from monitor.store import Store
from monitor.units import WAD
from tests.cycle.parts import Scripted, Toy, block, loop_of
from tests.cycle.venues.parts import CHAIN, DEPLOYMENT, FAR, NOW_S
from tests.fakes.audience import audience
from tests.fakes.clock import FakeClock
from tests.faults import wire
from tests.outbox.scene import FakeChannel
from tests.venues.hyperliquid import Hyperliquid
from tests.venues.simulator import Fault, Simulator, simulating

BLOCK_S = 12
URL_SECRET = "0f1e-nobody-may-see"


@dataclass
class Pinged:
    """What waits for signs of life; `at_s` are the moments they came, `status` is what it answers."""

    clock: FakeClock
    at_s: list[int] = field(default_factory=list)
    status: int = 200
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/ping/{URL_SECRET}"

    async def take(self, request: web.Request) -> web.Response:
        assert request.path == f"/ping/{URL_SECRET}"
        self.at_s.append(self.clock.monotonic_ms() // 1000)
        return web.Response(status=self.status, text="OK")

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["Pinged"]:
        app = web.Application()
        app.router.add_get("/{path:.*}", self.take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            await runner.cleanup()


class Heads(Scripted):
    """A chain with a new block every twelve seconds of the clock."""

    clock: FakeClock
    hangs: asyncio.Event | None = None

    async def wait_for_head(self, after, timeout_s):
        while not self.down:
            if self.hangs is not None:
                await self.hangs.wait()
            head = block(self.clock.monotonic_ms() // (BLOCK_S * 1000) + 1)
            if after is None or head.number > after.number:
                self.heads.append(head)
                return head
            await self.clock.sleep(1)
        return await super().wait_for_head(after, timeout_s)


@dataclass
class Hanging(FakeChannel):
    """A channel that can stop in the middle of a message."""

    hangs: asyncio.Event | None = None

    async def send(self, address: str, message: Message) -> None:
        if self.hangs is not None:
            await self.hangs.wait()
        await super().send(address, message)


@dataclass
class Living:
    """The running service and the ways to make one part of it fail."""

    clock: FakeClock
    toy: Toy
    chain: Heads
    simulator: Simulator
    channel: Hanging
    man: DeadMan
    pinged: Pinged
    database: Path
    store: Store

    async def go(self, seconds: int, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass second by second; in between disk and network, which have no such clock, catch up."""
        for _ in range(seconds):
            if until():
                return
            await self.clock.advance(1)
            for _ in range(2):
                await self.store.views.outbox_status()
                await asyncio.sleep(0.001)

    async def until_pinged(self, more: int, within_s: int) -> None:
        """Go on until so many more signs of life have come."""
        wanted = len(self.pinged.at_s) + more
        await self.go(within_s, lambda: len(self.pinged.at_s) >= wanted)
        assert len(self.pinged.at_s) >= wanted, self.man

    @property
    def now_s(self) -> int:
        return self.clock.monotonic_ms() // 1000

    def turn(self) -> None:
        """Make the position of the chain worse or better, so that there is something to send."""
        self.toy.health_pct = 104 if self.toy.health_pct == 200 else 200

    @asynccontextmanager
    async def evaluator_hung(self) -> AsyncIterator[None]:
        self.chain.hangs = asyncio.Event()
        yield
        self.chain.hangs.set()
        self.chain.hangs = None

    @asynccontextmanager
    async def sender_hung(self) -> AsyncIterator[None]:
        self.channel.hangs = asyncio.Event()
        self.turn()
        yield
        self.channel.hangs.set()
        self.channel.hangs = None

    @asynccontextmanager
    async def database_blocked(self) -> AsyncIterator[None]:
        other = sqlite3.connect(self.database, isolation_level=None, check_same_thread=False)
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
        other.close()

    @asynccontextmanager
    async def chain_cut_off(self) -> AsyncIterator[None]:
        self.chain.down = True
        yield
        self.chain.down = False

    @asynccontextmanager
    async def venue_cut_off(self) -> AsyncIterator[None]:
        self.simulator.faults.append(Fault(wire.reset))
        yield
        self.simulator.faults.clear()

    @asynccontextmanager
    async def network_cut_off(self) -> AsyncIterator[None]:
        async with self.chain_cut_off(), self.venue_cut_off():
            yield


@asynccontextmanager
async def living(folder: Path, every_s: int = 60) -> AsyncIterator[Living]:
    """Run chain, venue, delivery and dead-man's switch over one store, as the service does."""
    clock, toy, database = FakeClock(NOW_S), Toy(), folder / "hfm.db"
    desk = Hyperliquid(clock)
    (owner,) = desk.add_users([FAR])
    levels = Levels.parse(table(resources.config() / "levels.toml"))
    chain, channel, pinged = Heads(), Hanging(clock, "console"), Pinged(clock)
    chain.clock = clock
    async with (
        simulating(clock, desk) as simulator,
        pinged.serve(),
        aiohttp.ClientSession() as http,
        Store.open(f"sqlite:///{database}", clock) as store,
    ):
        dispatcher = Dispatcher(store.queue, [channel], clock, lambda: 1.0)
        heartbeat = Heartbeat(http, clock, pinged.url, allow_private=True)
        names = frozenset({"local", "hyperliquid"})
        man = DeadMan(names, every_s, heartbeat.ping, dispatcher.still_ms, lambda: store.commits, store.queue, clock)
        head = loop_of(store, clock, levels, toy, chain, dispatcher.wake, passed=partial(man.passed, "local"))
        spec = VenueSpec("hyperliquid", simulator.url, allow_private=True)
        venue = VenueLoop(
            venue=Place(CHAIN, "hyperliquid", (Venue(spec, clock, http),), clock),
            targets=(Target(DEPLOYMENT, Adapted(), (Address(owner),)),),
            outlooks=Outlooks({}, NONE),
            ruling=Ruling(store, levels, audience({}), clock, dispatcher.wake),
            clock=clock,
            target_wad=3 * WAD // 2,
            passed=partial(man.passed, "hyperliquid"),
        )
        schedule, stop = Schedule(clock), asyncio.Event()
        for name, job in (("chain", head.once), ("venue", venue.once), ("outbox", dispatcher.run), ("man", man.once)):
            schedule.follow(name, job)
        async with asyncio.TaskGroup() as group:
            group.create_task(schedule.run(stop))
            yield Living(clock, toy, chain, simulator, channel, man, pinged, database, store)
            stop.set()
