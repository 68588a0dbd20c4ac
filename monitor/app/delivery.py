"""The channels that the settings name, opened."""

import sys
from contextlib import AsyncExitStack

from monitor.channels.absent import Absent
from monitor.channels.channel import Channel
from monitor.channels.console import Console
from monitor.channels.email import Email
from monitor.channels.opening import open_telegram
from monitor.clock import Clock
from monitor.settings import Settings


async def channels(settings: Settings, clock: Clock, stack: AsyncExitStack) -> tuple[Channel, ...]:
    """Return every channel; one without its settings refuses, so that the next route is used."""
    return (Console(sys.stdout), await _telegram(settings, stack), _email(settings, clock))


async def _telegram(settings: Settings, stack: AsyncExitStack) -> Channel:
    token = settings.telegram.token
    if token is None:
        return Absent("telegram", "no bot token: set HFM_TELEGRAM__TOKEN")
    return await stack.enter_async_context(open_telegram(token.get_secret_value(), settings.telegram.base_url))


def _email(settings: Settings, clock: Clock) -> Channel:
    own = settings.email
    if own.host is None:
        return Absent("email", "no server: set host in the table email of the settings")
    password = own.password.get_secret_value() if own.password else None
    return Email(clock, own.host, own.port, own.sender, own.username, password, own.security)
