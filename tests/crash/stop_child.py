"""The service in small, under its own schedule, that ends as an operator ends it.

`python -m tests.crash.stop_child FOLDER BOT_URL MAIL_PORT HOOK_URL`; SIGTERM stops it.
"""

import asyncio
import signal
import sys
from pathlib import Path

import aiohttp

from monitor import log
from monitor.clock import SystemClock
from monitor.outbox.dispatcher import Dispatcher
from monitor.schedule import Schedule
from monitor.store import Store
from tests.crash.child import BACKLOG, hurried, next_block


async def main(folder: Path, bot_url: str, mail_port: int, hook_url: str) -> None:
    clock, stop = SystemClock(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Store.open(f"sqlite:///{folder / 'hfm.db'}", clock) as store, aiohttp.ClientSession() as http:
        dispatcher = Dispatcher(store.queue, hurried(http, bot_url, mail_port, hook_url), clock, lambda: 0)

        async def block() -> None:
            if (await store.views.outbox_status()).pending < BACKLOG:
                await next_block(store)
                dispatcher.wake()
            await asyncio.sleep(0.01)

        schedule = Schedule(clock)
        schedule.follow("outbox", dispatcher.run)
        schedule.follow("story", block)
        print("works", flush=True)
        await schedule.run(stop)
    print("stopped", flush=True)


if __name__ == "__main__":
    log.configure(sys.stderr, as_json=True)
    folder, bot_url, mail_port, hook_url = sys.argv[1:]
    asyncio.run(main(Path(folder), bot_url, int(mail_port), hook_url))
