"""A bot with a real store, in conversation over the stub of the Bot API, on a clock that runs by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from monitor.app.parts import own_levels
from monitor.bot.bot import Bot
from monitor.bot.commands.command import Means
from monitor.bot.crowd import Crowd
from monitor.bot.outgoing import Outgoing
from monitor.channels.telegram import Telegram
from monitor.domain.alerts import Recipient, Route
from monitor.domain.ids import Address
from monitor.settings import load
from monitor.store import Store
from tests.channels.bot_api_stub import TOKEN, Accepted, BotApi
from tests.fakes.clock import FakeClock
from tests.outbox.scene import dispatcher, opened

ALICE, MALLORY, GROUP = 4242, 6666, -100777
OWNER = Address("0x" + "a1" * 20)


@dataclass
class Room:
    """The bot, whom it knows, and what is said."""

    store: Store
    api: BotApi
    clock: FakeClock
    telegram: Telegram
    bot: Bot

    async def turn(self) -> None:
        """Let the bot take what waits and say what it has to."""
        await self.bot.once()
        await self.said_all()

    async def said_all(self) -> None:
        """Let the bot say what it has to."""
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            talking = group.create_task(self.bot.outgoing.run())
            while self.bot.outgoing.is_busy:  # noqa: ASYNC110  # what is waited for empties without a word
                await asyncio.sleep(0.001)
            talking.cancel()

    async def ask(self, text: str, chat: int = ALICE, **more: object) -> str:
        """Say something, and return all that is answered in that chat."""
        before = len(self.api.accepted)
        self.api.talk.say(chat, text, **more)  # type: ignore[arg-type]
        await self.turn()
        return "\n".join(one.text for one in self.api.accepted[before:] if one.chat == str(chat))

    async def press(self, data: str, chat: int = ALICE, **more: object) -> str:
        """Press a button, and return what pops up."""
        id_ = self.api.talk.press(chat, data, **more)  # type: ignore[arg-type]
        await self.turn()
        return self.api.talk.toasts[id_]

    def last(self, chat: int = ALICE) -> Accepted:
        """Return the last message in a chat."""
        return [one for one in self.api.accepted if one.chat == str(chat)][-1]

    async def know(self, name: str = "alice", chat: int | None = ALICE) -> None:
        """Make somebody a subscriber who watches OWNER, reached in a chat."""
        await self.store.people.add(name)
        await self.store.people.watch(name, OWNER, "main")
        if chat is not None:
            await self.store.people.reach(name, Route("telegram", str(chat)))

    async def recipient(self, name: str = "alice", escalate_s: tuple[int, ...] = ()) -> Recipient:
        """Return somebody as messages know them."""
        return (await self.store.people.named(name)).recipient(OWNER, escalate_s)


@asynccontextmanager
async def room(folder: Path) -> AsyncIterator[Room]:
    clock = FakeClock(runs=True)
    api = BotApi(now_s=lambda: clock.monotonic_ms() / 1000)
    async with api.serve(), aiohttp.ClientSession() as http, opened(folder, clock) as store:
        telegram = Telegram(http, TOKEN, api.url, hears=True)
        means = Means(store, store.views, clock, {}, own_levels(load()), 3600)
        outgoing = Outgoing(telegram.api, dispatcher(store, [telegram], clock).guest("telegram").turn, clock)
        yield Room(store, api, clock, telegram, Bot(telegram.api, means, Crowd(clock), outgoing))
