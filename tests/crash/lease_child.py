"""One of several services on one store: stands by, works on the story when it may, says so, and leaves at its end.

SIGUSR1 makes it hang for a while.

`python -m tests.crash.lease_child FOLDER BOT_URL MAIL_PORT HOOK_URL LAST LAPSE_S`.
"""

import asyncio
import signal
import sys
import time
from pathlib import Path

import aiohttp

from monitor import log
from monitor.clock import SystemClock
from monitor.domain.moment import BlockRef
from monitor.errors import LeaseLost
from monitor.outbox.dispatcher import Dispatcher
from monitor.store import Store
from tests.crash.child import hurried, next_block
from tests.fakes.evaluations import position

BLOCK_S = 0.02
LOST = 7


async def main(folder: Path, bot_url: str, mail_port: int, hook_url: str, last: int, lapse_s: int) -> None:
    clock = SystemClock()
    async with Store.open(f"sqlite:///{folder / 'hfm.db'}", clock) as store, aiohttp.ClientSession() as http:
        print("stands by", flush=True)
        async with store.lease(lapse_s).held(asyncio.Event()) as is_mine:
            assert is_mine
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGUSR1, lambda: loop.create_task(hang(store, 3 * lapse_s)))
            print("works", flush=True)
            await work(
                store, Dispatcher(store.queue, hurried(http, bot_url, mail_port, hook_url), clock, lambda: 0), last
            )


async def hang(store: Store, seconds: int) -> None:
    """Do nothing at all for a while, outside of any transaction: inside one, nobody else could write either."""
    async with store._database._turn:
        time.sleep(seconds)  # noqa: ASYNC251  # that is the point


async def work(store: Store, dispatcher: Dispatcher, last: int) -> None:
    async with asyncio.TaskGroup() as group:
        running = group.create_task(dispatcher.run())
        while (owed := (await store.views.outbox_status()).pending) or await _number(store) < last:
            if await _number(store) < last and owed < 12:
                await next_block(store)
                dispatcher.wake()
            await asyncio.sleep(BLOCK_S)
        running.cancel()


async def _number(store: Store) -> int:
    cursor = await store.cursor(position().deployment)
    return cursor.at.number if cursor is not None and isinstance(cursor.at, BlockRef) else 0


if __name__ == "__main__":
    log.configure(sys.stderr, as_json=True)
    folder, bot_url, mail_port, hook_url, last, lapse_s = sys.argv[1:]
    try:
        asyncio.run(main(Path(folder), bot_url, int(mail_port), hook_url, int(last), int(lapse_s)))
    except LeaseLost as e:
        print(e, flush=True)
        sys.exit(LOST)
