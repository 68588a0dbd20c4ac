"""The service in small, rules to channels, in a process made to be killed.

Started as a program it imports everything once and then, for each line of orders, forks a child that does the work: so
that a hundred kills take seconds. It answers each line with the child's pid, and with its exit status when it is gone.
"""

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
from sqlalchemy import Connection, text

from monitor.channels.channel import Channel, Limits
from monitor.channels.email import Email
from monitor.channels.signature import Secret
from monitor.channels.telegram import Telegram
from monitor.channels.webhook import Endpoint, Webhook
from monitor.clock import SystemClock
from monitor.domain.moment import BlockRef
from monitor.outbox.dispatcher import Dispatcher
from monitor.outbox.lanes import gathering, lane, turn
from monitor.store import Store, migrations, store
from monitor.store.migrations import MIGRATIONS, Migration
from tests.channels.bot_api_stub import TOKEN
from tests.channels.receiver import SECRET
from tests.crash import people
from tests.crash.story import seen_in, step
from tests.fakes.evaluations import position

BACKLOG = 12
PATIENCE_S = 20
LONGEST_LIFE_S = 60


@dataclass(frozen=True)
class Orders:
    """What the child does: go on with the story (or only deliver what is owed), and where it dies."""

    folder: str
    bot_url: str
    mail_port: int
    hook_url: str
    goes_on: bool
    dies_at: str
    dies_at_nth: int
    changes: int
    with_people: bool = False


class HurriedTelegram(Telegram):
    """The same client without Telegram's pace, which the stub does not keep here."""

    limits = Limits(messages=100_000, window_ms=1, gap_ms=0)


class HurriedEmail(Email):
    """The same client without a pace."""

    limits = Limits(messages=100_000, window_ms=1, gap_ms=0)


class HurriedWebhook(Webhook):
    """The same client without a pace."""

    limits = Limits(messages=100_000, window_ms=1, gap_ms=0)


async def live(orders: Orders) -> None:
    reached = 0

    def reach(name: str) -> None:
        nonlocal reached
        if name == orders.dies_at:
            reached += 1
            if reached == orders.dies_at_nth:
                os.kill(os.getpid(), signal.SIGKILL)

    later = [Migration(f"change {n}", partial(_change, n)) for n in range(orders.changes)]
    vars(store)["migrate"] = partial(migrations.migrate, known=(*MIGRATIONS, *later))
    clock = SystemClock()
    url = f"sqlite:///{Path(orders.folder) / 'hfm.db'}"
    async with Store.open(url, clock, reach) as own, aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        channels = hurried(http, orders.bot_url, orders.mail_port, orders.hook_url)
        dispatcher = Dispatcher(own.queue, channels, clock, lambda: 0.0, reach=reach)
        running = group.create_task(dispatcher.run())
        while (owed := (await own.views.outbox_status()).pending) or orders.goes_on:
            if orders.goes_on and owed < BACKLOG:
                await next_block(own)
                if orders.with_people:
                    await people.act(own)
                dispatcher.wake()
            else:
                await people.acknowledge(own)
                await asyncio.sleep(0.005)
        running.cancel()


def hurried(http: aiohttp.ClientSession, bot_url: str, mail_port: int, hook_url: str) -> tuple[Channel, ...]:
    """Return the three channels without their pace, and hurry the lanes: lives here are shorter than they wait.

    What is one message at a time while channels answer within half a second is so here however busy the machine is.
    """
    vars(gathering).update(URGENT_MS=20, OTHER_MS=40)
    vars(turn).update(PATIENCE_S=PATIENCE_S)
    vars(lane).update(PATIENCE_S=PATIENCE_S)
    clock, secret = SystemClock(), Secret.parse(SECRET, "secrets")
    return (
        HurriedTelegram(http, TOKEN, bot_url),
        HurriedEmail(clock, "127.0.0.1", mail_port, "hfm@hfm.example", security="none"),
        HurriedWebhook(http, clock, {"owners": Endpoint.parse(hook_url, (secret,), allow_private=True)}),
    )


async def next_block(own: Store) -> None:
    cursor = await own.cursor(position().deployment)
    number = cursor.at.number + 1 if cursor is not None and isinstance(cursor.at, BlockRef) else 1
    past = await own.states([e.protocol.id for e in seen_in(number)])
    await own.commit(step(number, past))


def _change(number: int, connection: Connection) -> None:
    connection.execute(text("CREATE TABLE change_" + str(number) + " (id INTEGER PRIMARY KEY) STRICT"))


def _child(orders: Orders) -> None:
    errors = os.open(str(Path(orders.folder) / "errors.txt"), os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(errors, 2)
    asyncio.run(asyncio.wait_for(live(orders), LONGEST_LIFE_S))


def main() -> None:
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _child(Orders(**json.loads(line)))
            os._exit(0)
        print(json.dumps({"pid": pid}), flush=True)
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"status": os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    main()
