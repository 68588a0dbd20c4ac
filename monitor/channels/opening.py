"""Opens the channels that need a connection of their own, for as long as they are used."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from monitor.channels.telegram import Telegram


@asynccontextmanager
async def open_telegram(token: str, base_url: str) -> AsyncIterator[Telegram]:
    """Yield the bot with an HTTP client of its own."""
    async with aiohttp.ClientSession() as http:
        yield Telegram(http, token, base_url)
