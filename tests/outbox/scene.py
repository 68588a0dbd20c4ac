"""A real store, channels that do as they are told, and a dispatcher that runs until there is nothing left to do."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from monitor.channels.channel import Channel, Limits, Message
from monitor.clock import Clock
from monitor.domain.alerts import Alert, AlertKind, Level, Notice, Recipient, Route
from monitor.domain.ids import PositionId
from monitor.outbox.dispatcher import Dispatcher
from monitor.store import Commit, Cursor, Store
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import CHAIN, block, position

FREE = Limits(messages=1_000_000, window_ms=0, gap_ms=0)


@dataclass
class FakeChannel:
    """Takes everything, except what it was told to raise first."""

    clock: Clock
    name: str = "telegram"
    limits: Limits = FREE
    failures: deque[Exception | None] = field(default_factory=deque)
    refuses: dict[str, Exception] = field(default_factory=dict)
    tried: list[tuple[int, str, Message]] = field(default_factory=list)
    taken: list[tuple[int, str, Message]] = field(default_factory=list)
    takes_ms: int = 0
    gathers: bool = False

    async def send(self, address: str, message: Message) -> None:
        self.tried.append((self.clock.monotonic_ms(), address, message))
        if self.takes_ms:
            await self.clock.sleep(self.takes_ms / 1000)
        if address in self.refuses:
            raise self.refuses[address]
        failure = self.failures.popleft() if self.failures else None
        if failure is not None:
            raise failure
        self.taken.append((self.clock.monotonic_ms(), address, message))

    def addresses(self) -> list[str]:
        return [address for _, address, _ in self.taken]


class Witness(FakeChannel):
    """Notes when each send begins, in one list with whatever else happens."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.events: list[tuple[str, str]] = []

    async def send(self, address: str, message: Message) -> None:
        self.events.append(("begun", address))
        await super().send(address, message)


def alert(
    level: Level = Level.CRITICAL,
    kind: AlertKind = AlertKind.WORSENED,
    *,
    of: PositionId | None = None,
    seq: int = 0,
    left_s: int | None = None,
    incident: str = "",
) -> Alert:
    about = of or position()
    facts = {"health": "1.04", "cautious_health": "1.03", "driver": "protocol"}
    name = incident or f"I{int(about.key, 16):09d}"
    return Alert(about, kind, name, seq, level, Level.OK, 100, 1_750_000_000, facts, left_s)


def to(address: str, *more: Route) -> Recipient:
    return Recipient(f"telegram:{address}", (Route("telegram", address), *more))


def step(*notices: Notice, at: int = 100) -> Commit:
    one = position()
    return Commit(Cursor(one.deployment, one.protocol, CHAIN, block(at)), notices=notices)


def told(*alerts: Alert, recipient: Recipient | None = None) -> Commit:
    return step(*(Notice(a, (recipient or to(str(int(a.position.key, 16))),)) for a in alerts))


@asynccontextmanager
async def opened(folder: Path, clock: Clock | None = None) -> AsyncIterator[Store]:
    async with Store.open(f"sqlite:///{folder / 'hfm.db'}", clock or FakeClock(runs=True)) as store:
        yield store


def dispatcher(store: Store, channels: Sequence[Channel], clock: Clock) -> Dispatcher:
    return Dispatcher(store.queue, channels, clock, lambda: 1.0, "https://hfm.example/v1")


async def deliver(
    store: Store, channels: Sequence[Channel], clock: Clock, until: Callable[[], bool] | None = None
) -> None:
    """Run a dispatcher until the condition holds, or until nothing is owed."""

    async def is_done() -> bool:
        return until() if until else (await store.views.outbox_status()).pending == 0

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        running = group.create_task(dispatcher(store, channels, clock).run())
        while not await is_done():  # noqa: ASYNC110  # what is waited for lies in a database
            await asyncio.sleep(0.002)
        running.cancel()
