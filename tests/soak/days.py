"""A month in minutes: rules, store, delivery and retention through virtual days; prints what each day leaves behind.

`python -m tests.soak.days FOLDER DAYS KEEP_DAYS` writes one JSON object a day.
"""

import asyncio
import gc
import json
import os
import random
import sys
from pathlib import Path

from monitor import log
from monitor.channels.channel import Limits, Message
from monitor.cycle.ruling import Ruling
from monitor.domain.ids import Address
from monitor.errors import DeliveryDeferred
from monitor.outbox.dispatcher import Dispatcher
from monitor.store import Commit, Cursor, Store
from tests.fakes.audience import audience
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import CHAIN, block, evaluation, position
from tests.outbox.scene import to
from tests.rules.scene import LEVELS

DAY_S = 86_400
STEP_S = 1800
POSITIONS = 20
PAGE = os.sysconf("SC_PAGE_SIZE")


class Counting:
    """A channel that takes nine of ten messages and keeps none."""

    name = "telegram"
    limits = Limits(messages=1_000_000, window_ms=0, gap_ms=0)
    gathers = False

    def __init__(self, dice: random.Random) -> None:
        self.taken = 0
        self._dice = dice

    async def send(self, address: str, message: Message) -> None:
        if self._dice.random() < 0.1:
            raise DeliveryDeferred("busy")
        self.taken += 1


class Walk:
    """Healths that wander between safety and liquidation, cannot be measured now and then, and are closed at times."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._bps = [dice.randrange(10_500, 30_000) for _ in range(POSITIONS)]

    def health(self, number: int) -> str:
        self._bps[number] = min(max(self._bps[number] + self._dice.randrange(-900, 901), 9_500), 30_000)
        chance = self._dice.random()
        if chance < 0.01:
            return "?the feed is stale"
        return "none" if chance < 0.012 else f"{self._bps[number] / 10_000:.4f}"


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


async def live(folder: Path, days: int, keep_days: int) -> None:
    clock = FakeClock()
    # Each draws from dice of its own: how the two interleave must not change what the prices do.
    channel, walk, number = Counting(random.Random(8)), Walk(random.Random(7)), 0
    owners = {Address(position(n).key): (to(str(n)),) for n in range(POSITIONS)}
    async with Store.open(f"sqlite:///{folder / 'hfm.db'}", clock) as store, asyncio.TaskGroup() as group:
        dispatcher = Dispatcher(store.queue, [channel], clock, random.Random(9).random, "https://hfm.example")
        running = group.create_task(dispatcher.run())
        ruling = Ruling(store, LEVELS, audience(owners), clock, dispatcher.wake)
        one, started = position(0), 0
        for day in range(1, days + 1):
            for _ in range(DAY_S // STEP_S):
                number += STEP_S // 12
                seen = [evaluation(walk.health(n), at=number, of=position(n)) for n in range(POSITIONS)]
                ruled = await ruling.judge(seen)
                cursor = Cursor(one.deployment, one.protocol, CHAIN, block(number))
                started += await ruling.commit(Commit(cursor, ruled.evaluations, ruled.states, ruled.notices))
                clock._move_to(clock.monotonic_ms() + (STEP_S - 1) * 1000)
                await clock.advance(1)
                for _ in range(200):
                    if not (await store.queue.look("telegram", 1, clock.wall_s())).due:
                        break
                    await clock.advance(1)
                    await asyncio.sleep(0.002)
            await store.retention.prune(clock.wall_s() - keep_days * DAY_S)
            gc.collect()
            async with store._database.reading() as connection:
                pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
                alerts = (await connection.exec_driver_sql("SELECT count(*) FROM alerts")).scalar_one()
            wal = sum(file.stat().st_size for file in folder.glob("*-wal"))  # noqa: ASYNC240  # a look at one file
            status = await store.views.outbox_status()
            facts = {"day": day, "resident": resident(), "pages": pages, "wal": wal, "alerts": alerts}
            facts |= {
                "said": started,
                "sent": channel.taken,
                "pending": status.pending,
                "tasks": len(asyncio.all_tasks()),
            }
            print(json.dumps(facts), flush=True)
        running.cancel()


if __name__ == "__main__":
    with Path(os.devnull).open("w") as nowhere:
        log.configure(nowhere, as_json=True)
        asyncio.run(live(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
