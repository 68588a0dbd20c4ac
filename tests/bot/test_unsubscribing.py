"""Who says stop gets nothing that begins to be sent after that: by a command, by a link in a mail, by the operator."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from monitor.api.one_click import OneClick, Token, What
from monitor.app.parts import own_levels
from monitor.bot.bot import Bot
from monitor.bot.commands.command import Means
from monitor.bot.crowd import Crowd
from monitor.bot.outgoing import Outgoing
from monitor.domain.alerts import Notice, Route
from monitor.domain.ids import Address
from monitor.outbox.dispatcher import Dispatcher
from monitor.settings import load
from monitor.store import Store
from tests.bot.handing import Handing
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import position
from tests.outbox.scene import Witness, alert, step

ROUNDS = 24
TURNS = 20


@dataclass
class Ways:
    """How somebody called by a number, whose chat it is too, says stop."""

    store: Store
    bot: Bot
    api: Handing
    folder: Path

    async def by_command(self, name: str, _: str) -> None:
        chat = {"id": int(name), "type": "private"}
        who = {"id": int(name), "is_bot": False}
        self.api.updates = [{"update_id": int(name), "message": {"chat": chat, "from": who, "text": "/stop"}}]
        await self.bot.once()

    async def by_leaving(self, name: str, _: str) -> None:
        chat = {"id": int(name), "type": "private"}
        who = {"id": int(name), "is_bot": False}
        self.api.updates = [{"update_id": int(name), "message": {"chat": chat, "from": who, "text": "/unlink"}}]
        await self.bot.once()

    async def by_link(self, _: str, token: str) -> None:
        await OneClick(self.store, 60).unsubscribe(Token(token=token), What())

    async def by_silencing(self, _: str, token: str) -> None:
        await OneClick(self.store, 60).unsubscribe(Token(token=token), What(position="1"))

    async def by_operator(self, name: str, _: str) -> None:
        config = self.folder / "hfm.toml"
        command = (sys.executable, "-m", "monitor", "subscribers", "stop", name, "--config", str(config))
        running = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
        assert await running.wait() == 0


@pytest.mark.parametrize(
    ("way", "rounds"),
    [
        (Ways.by_command, ROUNDS),
        (Ways.by_leaving, ROUNDS),
        (Ways.by_link, ROUNDS),
        (Ways.by_silencing, ROUNDS),
        (Ways.by_operator, 2),
    ],
    ids=["command", "leaving", "link", "silencing", "operator"],
)
async def test_nothing_begins_to_be_sent_after_somebody_said_stop(
    tmp_path: Path, way: Callable[[Ways, str, str], Awaitable[Any]], rounds: int
):
    """Every second one says so just as the message is about to go, the others before that."""
    url = f"sqlite:///{tmp_path / 'hfm.db'}"
    (tmp_path / "hfm.toml").write_text(f'[store]\nurl = "{url}"\n')
    clock = FakeClock()
    witness, current = Witness(clock), ""
    async with (
        Store.open(url, clock, token=lambda: f"token-of-{current}") as store,
        aiohttp.ClientSession() as http,
        asyncio.timeout(60),
        asyncio.TaskGroup() as group,
    ):

        async def stop(name: str, turns: int) -> None:
            for _ in range(turns):
                await asyncio.sleep(0)
            await way(ways, name, f"token-of-{name}")
            witness.events.append(("stopped", name))

        def reach(place: str) -> None:
            if place == "lane: before sending" and int(current) % 2:
                group.create_task(stop(current, int(current) % TURNS))

        api = Handing(http, [])
        running = Dispatcher(store.queue, [witness], clock, lambda: 1.0, reach=reach)
        means = Means(store, store.views, clock, {}, own_levels(load()), 60)
        outgoing = Outgoing(api, running.guest("telegram").turn, clock)
        ways = Ways(store, Bot(api, means, Crowd(clock), outgoing), api, tmp_path)

        task = group.create_task(running.run())
        for n in range(1, rounds + 1):
            name, owner = str(n), Address(position(n).key)
            await store.people.add(name)
            await store.people.reach(name, Route("telegram", name))
            await store.people.watch(name, owner)
            current = name
            await store.commit(
                step(Notice(alert(of=position(n)), ((await store.people.named(name)).recipient(owner),)))
            )
            if n % 2 == 0:
                await stop(name, 0)
            running.wake()
            while ("stopped", name) not in witness.events:
                await clock.advance(1)
                await asyncio.sleep(0.0005)
            for _ in range(5):
                await clock.advance(1)
                await asyncio.sleep(0.0005)
        task.cancel()
    at = {event: place for place, event in reversed(list(enumerate(witness.events)))}
    begun = [str(n) for n in range(1, rounds + 1) if ("begun", str(n)) in at]
    assert all(at["begun", name] < at["stopped", name] for name in begun)
    assert not [name for name in begun if int(name) % 2 == 0]
