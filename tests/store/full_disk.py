"""A store whose files may not grow for a while; run as its own process, because the limit is the whole process's.

Prints what happened as one JSON object.
"""

import asyncio
import json
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path

from monitor.domain.alerts import Level, Notice
from monitor.errors import StoreFull
from monitor.rules.state import PositionState
from monitor.store import Commit
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import evaluation, position
from tests.outbox.scene import FakeChannel, alert, dispatcher, opened, step, to

ROOM_BYTES = 2_000_000


def one(n: int) -> Commit:
    return replace(
        step(Notice(alert(of=position(n)), (to(str(n)),)), at=n),
        evaluations=[evaluation("1.04", of=position(n))],
        states=[PositionState(position(n), Level.CRITICAL)],
    )


async def main(folder: Path) -> dict[str, object]:
    clock, done, refused = FakeClock(runs=True), 0, ""
    channel = FakeChannel(clock)
    async with opened(folder, clock) as store:
        _limit(_largest(folder) + ROOM_BYTES)
        for n in range(1, 10_000):
            try:
                await store.commit(one(n))
            except StoreFull as e:
                refused = str(e)
                break
            done = n
        again = 0
        for _ in range(5):
            try:
                await store.commit(one(done + 1))
            except StoreFull:
                again += 1
        known = len(await store.states([position(n) for n in range(1, done + 2)]))
        owed_while_full = (await store.views.outbox_status()).pending
        async with asyncio.TaskGroup() as group:
            running = group.create_task(dispatcher(store, [channel], clock).run())
            while len(channel.taken) < done:  # noqa: ASYNC110  # what is waited for is many messages
                await asyncio.sleep(0.002)
            sent_while_full = len(channel.taken)
            _limit(resource.RLIM_INFINITY)
            started = time.perf_counter()
            await store.commit(one(done + 1))
            resumed_s = time.perf_counter() - started
            while (await store.views.outbox_status()).pending:  # noqa: ASYNC110  # it lies in a database
                await asyncio.sleep(0.002)
            running.cancel()
    return {
        "done": done,
        "refused": refused,
        "refused_again": again,
        "known": known,
        "owed_while_full": owed_while_full,
        "sent_while_full": sent_while_full,
        "resumed_s": resumed_s,
        "sent": len(channel.taken),
        "different": len(set(channel.addresses())),
    }


def _largest(folder: Path) -> int:
    return max(file.stat().st_size for file in folder.iterdir())


def _limit(size: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))


if __name__ == "__main__":
    print("\n" + json.dumps(asyncio.run(main(Path(sys.argv[1])))))
