"""The service in small on a disk that fills up again and again; a process of its own, whose files get no larger.

Its bot, mailbox and operators are real servers in the same process. Prints what happened as one JSON object.
"""

import asyncio
import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from monitor.channels.email import Email
from monitor.clock import SystemClock
from monitor.cycle.ruling import Ruling
from monitor.cycle.unsaved import RETRY_S, Unsaved
from monitor.domain.alerts import Level, Notice, Recipient, Route, dedupe_key
from monitor.domain.ids import Address
from monitor.outbox.dispatcher import Dispatcher
from monitor.schedule import Schedule
from monitor.store import Commit, Cursor, Store
from tests.channels.bot_api_stub import TOKEN, BotApi
from tests.channels.mail_server import MailServer
from tests.crash.child import HurriedEmail, HurriedTelegram
from tests.crash.story import START_S, recipients, seen_in, told_until
from tests.fakes.audience import audience
from tests.fakes.evaluations import CHAIN, block, position
from tests.rules.scene import BLOCK_S, LEVELS

OPERATOR = "77"
PAGE_BYTES = 4096
BLOCKS_FULL = 6


class StoryClock(SystemClock):
    """Wall time as the story's blocks have it."""

    number = 0

    def wall_s(self) -> int:
        return START_S + BLOCK_S * self.number


@dataclass
class World:
    """The service's parts, the servers it delivers to, and how often each message arrived."""

    folder: Path
    store: Store
    ruling: Ruling
    unsaved: Unsaved
    clock: StoryClock
    dispatcher: Dispatcher
    told: list[Notice] = field(default_factory=list)
    arrived: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    async def next_block(self) -> None:
        self.clock.number += 1
        ruled = await self.ruling.judge(seen_in(self.clock.number))
        one = position()
        cursor = Cursor(one.deployment, one.protocol, CHAIN, block(self.clock.number))
        self.told += ruled.notices
        await self.ruling.commit(Commit(cursor, ruled.evaluations, ruled.states, ruled.notices))

    async def fill(self, room_bytes: int) -> None:
        """Leave so much room in the log of the database, then play on until the store refuses, and a while longer."""
        wal = self.folder / "hfm.db-wal"
        limit((wal.stat().st_size if room_bytes >= 0 else 0) + max(room_bytes, 0))
        while self.unsaved.since_s is None:
            await self.next_block()
        already = len(self.told)
        for _ in range(BLOCKS_FULL):
            await self.next_block()
        urgent = [notice for notice in self.told[already:] if notice.alert.severity >= Level.CRITICAL]
        owed = {dedupe_key(recipient, notice.alert) for notice in urgent for recipient in notice.recipients}
        owed -= self._overtaken(urgent)
        await until(lambda: owed <= self.arrived.keys(), 20)
        self.failures += [f"not told while full: {key}" for key in owed - self.arrived.keys()]
        if not urgent:
            self.failures.append("nothing urgent happened while the disk was full")

    async def empty(self) -> float:
        """Give room again and return how long it took until everything is stored, without any further block."""
        limit(resource.RLIM_INFINITY)
        started = time.monotonic()
        await until(lambda: not len(self.unsaved), 30)
        return time.monotonic() - started

    def _overtaken(self, urgent: list[Notice]) -> set[str]:
        newest: dict[tuple[str, str, str], str] = {}
        every = set[str]()
        for notice in urgent:
            for recipient in notice.recipients:
                key = dedupe_key(recipient, notice.alert)
                newest[recipient.name, str(notice.alert.position), notice.alert.topic] = key
                every.add(key)
        return every - {*newest.values()}


async def until(holds: Callable[[], bool], patience_s: float) -> None:
    ends = time.monotonic() + patience_s
    while not holds() and time.monotonic() < ends:  # noqa: ASYNC110  # what is waited for happens in servers
        await asyncio.sleep(0.005)


def limit(size: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    api, mail = BotApi(per_s=1_000_000, per_chat_s=0), MailServer()
    opened = Store.open(f"sqlite:///{folder / 'hfm.db'}")
    async with api.serve(), mail.serve(), opened as store, aiohttp.ClientSession() as http:
        clock = SystemClock()
        ways = (
            Heard(HurriedTelegram(http, TOKEN, api.url)),
            Heard(HurriedEmail(clock, "127.0.0.1", mail.port, "hfm@hfm.example", security="none")),
        )
        dispatcher = Dispatcher(store.queue, ways, clock, lambda: 0.0)
        unsaved = Unsaved(dispatcher, (Recipient("ops", (Route("telegram", OPERATOR),)),), clock)
        story = StoryClock()
        everyone = {Address(position(n).key): recipients(position(n)) for n in range(1, 4000) if n // 2 % 5 != 4}
        ruling = Ruling(store, LEVELS, audience(everyone), story, dispatcher.wake, unsaved)
        own = World(folder, store, ruling, unsaved, story, dispatcher)
        for way in ways:
            way.arrived = own.arrived
        yield own


class Heard:
    """A channel whose accepted messages are counted by their key."""

    def __init__(self, way: HurriedTelegram | Email) -> None:
        self._way = way
        self.name, self.limits = way.name, way.limits
        # Each by itself, so that each is counted.
        self.gathers = False
        self.arrived = Counter[str]()

    async def send(self, address: str, message: Any) -> None:
        await self._way.send(address, message)
        self.arrived[message.key] += 1


async def main(folder: Path, rounds: int) -> dict[str, object]:
    chance, resumed_s = random.Random(3), list[float]()
    async with world(folder) as own, asyncio.TaskGroup() as group:
        schedule, stop = Schedule(SystemClock()), asyncio.Event()
        schedule.follow("outbox", own.dispatcher.run)
        schedule.every(RETRY_S, "unsaved", partial(own.unsaved.retry, own.store))
        running = group.create_task(schedule.run(stop))
        for turn in range(rounds):
            for _ in range(3):
                await own.next_block()
            await own.fill(-1 if turn % 4 == 0 else chance.randrange(60) * PAGE_BYTES)
            resumed_s.append(await own.empty())
        owed = 1
        while owed:
            owed = (await own.store.views.outbox_status()).pending
            await asyncio.sleep(0.01)
        stop.set()
        await running
        last = own.clock.number
        states = await own.store.states([position(n) for n in range(1, last + 1)])
        failed = {name: record.failures for name, record in schedule.records.items() if record.failures}
        return {
            "blocks": last,
            "urgent": sum(notice.alert.severity >= Level.CRITICAL for notice in own.told),
            "failures": own.failures,
            "failed_jobs": failed,
            "resumed_s": max(resumed_s),
            "repeated": [key for key, times in own.arrived.items() if times > 1],
            "arrived": len(own.arrived),
            "arrived_keys": sorted(own.arrived),
            "same_alerts": [n.alert for n in own.told] == [n.alert for n in told_until(last)],
            "states": len(states),
            "cursor": (await own.store.cursor(position().deployment)) is not None,
        }


if __name__ == "__main__":
    print("\n" + json.dumps(asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))))
