"""Sends through the Telegram Bot API, with buttons under what can be acknowledged."""

import re
from typing import Any

import aiohttp

from monitor.channels.bot_api import BotApi
from monitor.channels.channel import Limits, Message
from monitor.errors import DeliveryRefused

ACKNOWLEDGE, MUTE = "a:", "m:"
"""How what a button sends begins; the rest is the token of its message."""
_CHAT = re.compile(r"-?\d{1,20}|@\w{5,32}", re.ASCII)


class Telegram:
    """One bot; `hears` says whether it takes commands, without which a button would do nothing."""

    name = "telegram"
    # 30 messages a second, one a second per chat and 20 a minute per group are Telegram's limits; the rest is room for
    # its clock.
    limits = Limits(messages=30, window_ms=1005, gap_ms=1005, group_messages=20, group_window_ms=60_300)
    gathers = True

    def __init__(
        self,
        http: aiohttp.ClientSession,
        token: str,
        base_url: str = "https://api.telegram.org",
        *,
        hears: bool = False,
    ) -> None:
        self.api = BotApi(http, token, base_url)
        self.hears = hears

    def __repr__(self) -> str:
        return f"Telegram({self.api!r})"

    async def send(self, address: str, message: Message) -> None:
        """Send to a chat id; HTML where the message has it."""
        if not _CHAT.fullmatch(address):
            raise DeliveryRefused(f"expected a Telegram chat id such as 123456789 or @channel, found {address[:40]!r}")
        body: dict[str, Any] = {
            "chat_id": address,
            "text": message.text,
            "link_preview_options": {"is_disabled": True},
        }
        if message.html is not None:
            body |= {"text": message.html, "parse_mode": "HTML"}
        answers = message.answers
        if self.hears and answers is not None and answers.acknowledges:
            row = [_button("Acknowledge", ACKNOWLEDGE + answers.token), _button("Mute 2 h", MUTE + answers.token)]
            body["reply_markup"] = {"inline_keyboard": [row]}
        await self.api.call("sendMessage", body)


def _button(text: str, data: str) -> dict[str, str]:
    return {"text": text, "callback_data": data}
