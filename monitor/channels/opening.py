"""Opens the channels that need more than their settings, for as long as they are used."""

import importlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import aiohttp

from monitor.channels.absent import Absent
from monitor.channels.apprise import Apprise
from monitor.channels.heartbeat import Heartbeat
from monitor.channels.signature import Secret
from monitor.channels.telegram import Telegram
from monitor.channels.webhook import Endpoint, Webhook
from monitor.clock import Clock


@asynccontextmanager
async def open_telegram(token: str, base_url: str, *, hears: bool = False) -> AsyncIterator[Telegram]:
    """Yield the bot with an HTTP client of its own; `hears` is as in `Telegram`."""
    async with aiohttp.ClientSession() as http:
        yield Telegram(http, token, base_url, hears=hears)


@asynccontextmanager
async def open_webhook(
    clock: Clock, endpoints: Mapping[str, Endpoint], secrets: Sequence[Secret]
) -> AsyncIterator[Webhook]:
    """Yield the channel with an HTTP client that keeps nothing of one receiver for another."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        yield Webhook(http, clock, endpoints, secrets)


@asynccontextmanager
async def open_heartbeat(clock: Clock, url: str, *, allow_private: bool) -> AsyncIterator[Heartbeat]:
    """Yield the sign of life with an HTTP client of its own; raises ConfigError for a URL that cannot be one."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        yield Heartbeat(http, clock, url, allow_private=allow_private)


def find_apprise(urls: Mapping[str, str]) -> Apprise | Absent:
    """Return the channel, or one that refuses where the library is not installed or no target is named."""
    if not urls:
        return Absent("apprise", "no target: name one in the table apprise.target")
    try:
        library = importlib.import_module("apprise")
    except ImportError:
        return Absent("apprise", "the library is not installed: pip install 'hfm[apprise]'")
    # Its own log would show parts of URLs.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    return Apprise(library, urls)
