"""Sends replies in the order they were made, each chat at its pace and none waiting for another."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from monitor import log
from monitor.bot.reply import Reply
from monitor.channels.bot_api import BotApi
from monitor.clock import Clock
from monitor.errors import DeliveryDeferred, DeliveryError

TRIES = 3
FIRST_RETRY_MS = 1000
MOST_WAITING = 40

Turn = Callable[[str], AbstractAsyncContextManager[None]]
"""Waits until something may be sent to an address, and counts it as sent."""

_log = log.get("bot")


class Outgoing:
    """What waits to be said, by chat; `turn` keeps the pace that the bot shares with its alerts."""

    def __init__(self, api: BotApi, turn: Turn, clock: Clock) -> None:
        self._api = api
        self._turn = turn
        self._clock = clock
        self._waiting: defaultdict[int, deque[tuple[str, dict[str, Any]]]] = defaultdict(deque)
        self._ready: asyncio.Queue[int] = asyncio.Queue()

    def say(self, chat: int, reply: Reply) -> None:
        """Send a reply."""
        body: dict[str, Any] = {
            "chat_id": str(chat),
            "text": reply.text,
            "link_preview_options": {"is_disabled": True},
        }
        if reply.buttons:
            row = [{"text": button.text, "callback_data": button.data} for button in reply.buttons]
            body["reply_markup"] = {"inline_keyboard": [row]}
        self._put(chat, "sendMessage", body)

    def undress(self, chat: int, message: int) -> None:
        """Take the buttons from a message."""
        body = {"chat_id": str(chat), "message_id": message, "reply_markup": {"inline_keyboard": []}}
        self._put(chat, "editMessageReplyMarkup", body)

    @property
    def is_busy(self) -> bool:
        """Whether anything waits to be said."""
        return bool(self._waiting)

    async def run(self) -> None:
        """Send until cancelled."""
        self._ready = asyncio.Queue()
        for chat in self._waiting:
            self._ready.put_nowait(chat)
        async with asyncio.TaskGroup() as chats:
            while True:
                chats.create_task(self._empty(await self._ready.get()))

    def _put(self, chat: int, method: str, body: dict[str, Any]) -> None:
        waiting = self._waiting[chat]
        if len(waiting) >= MOST_WAITING:
            _log.warning("a reply is left out", waiting=len(waiting))
            return
        waiting.append((method, body))
        if len(waiting) == 1:
            self._ready.put_nowait(chat)

    async def _empty(self, chat: int) -> None:
        waiting = self._waiting[chat]
        while waiting:
            await self._send(chat, *waiting[0])
            waiting.popleft()
        self._waiting.pop(chat, None)

    async def _send(self, chat: int, method: str, body: dict[str, Any]) -> None:
        wait_ms = FIRST_RETRY_MS
        for _ in range(TRIES):
            try:
                async with self._turn(str(chat)):
                    await self._api.call(method, body)
            except DeliveryDeferred as e:
                _log.warning("a reply waits", error=str(e))
                await self._clock.sleep((e.retry_after_ms or wait_ms) / 1000)
                wait_ms *= 2
            except DeliveryError as e:
                _log.warning("a reply is refused", error=str(e))
                return
            else:
                return
        _log.warning("a reply is given up", tries=TRIES)
