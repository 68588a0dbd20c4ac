"""The channels that the settings name, opened."""

import sys
from contextlib import AsyncExitStack

from monitor.channels.absent import Absent
from monitor.channels.apprise import Apprise
from monitor.channels.channel import Channel
from monitor.channels.console import Console
from monitor.channels.email import Email
from monitor.channels.opening import find_apprise, open_telegram, open_webhook
from monitor.channels.signature import Secret
from monitor.channels.webhook import Endpoint
from monitor.clock import Clock
from monitor.errors import ConfigError
from monitor.settings import Settings


async def channels(settings: Settings, clock: Clock, stack: AsyncExitStack) -> tuple[Channel, ...]:
    """Return every channel; one without its settings refuses, so that the next route is used.

    Raises ConfigError for settings that make no channel.
    """
    webhook = await stack.enter_async_context(open_webhook(clock, endpoints(settings), _shared(settings)))
    return (
        Console(sys.stdout),
        await _telegram(settings, stack),
        _email(settings, clock),
        webhook,
        _apprise(settings),
    )


def endpoints(settings: Settings) -> dict[str, Endpoint]:
    """Return the receivers of webhooks by name; raises ConfigError naming the table that makes none."""
    found, shared = {}, _shared(settings)
    for name, own in settings.webhook.endpoint.items():
        where = f"webhook.endpoint.{name}"
        secrets = tuple(Secret.parse(secret.get_secret_value(), f"{where}.secrets") for secret in own.secrets)
        try:
            found[name] = Endpoint.parse(own.url.get_secret_value(), secrets or shared, allow_private=own.allow_private)
        except ConfigError as e:
            raise ConfigError(f"{where}: {e}") from None
    return found


def _shared(settings: Settings) -> tuple[Secret, ...]:
    return tuple(Secret.parse(secret.get_secret_value(), "webhook.secrets") for secret in settings.webhook.secrets)


async def _telegram(settings: Settings, stack: AsyncExitStack) -> Channel:
    own = settings.telegram
    if own.token is None:
        return Absent("telegram", "no bot token: set HFM_TELEGRAM__TOKEN")
    opened = open_telegram(own.token.get_secret_value(), own.base_url, hears=own.commands)
    return await stack.enter_async_context(opened)


def _email(settings: Settings, clock: Clock) -> Channel:
    own = settings.email
    if own.host is None:
        return Absent("email", "no server: set host in the table email of the settings")
    password = own.password.get_secret_value() if own.password else None
    return Email(clock, own.host, own.port, own.sender, own.username, password, own.security)


def _apprise(settings: Settings) -> Apprise | Absent:
    return find_apprise({name: url.get_secret_value() for name, url in settings.apprise.target.items()})
