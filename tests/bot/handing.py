"""A Bot API that hands out what it is given, whatever that is, and keeps what is said to it."""

from typing import Any

import aiohttp

from monitor.channels.bot_api import BotApi


class Handing(BotApi):
    """It answers at once and refuses nothing."""

    def __init__(self, http: aiohttp.ClientSession, updates: list[Any]) -> None:
        super().__init__(http, "0:x")
        self.updates = updates
        self.said: list[str] = []

    async def call(self, method: str, body: dict[str, Any], *, waits_s: int = 0, most_bytes: int = 0) -> object:
        """Answer as the Bot API does."""
        if method == "getUpdates":
            batch, self.updates = self.updates[: body["limit"]], self.updates[body["limit"] :]
            return batch
        if "text" in body:
            self.said.append(body["text"])
        return {"username": "hfm_test_bot"} if method == "getMe" else True
