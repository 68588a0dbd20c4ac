"""`hfm test-alert`: sends one message, to see that it arrives."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from monitor.errors import UsageError


def send_test_alert(channel: str, *, config: Path | None = None) -> int:
    """Send a test message to CHANNEL.

    Args:
        channel: telegram:<chat id>, email:<address>, webhook:<name or https URL>, apprise:<name> or console
        config: settings on top of the packaged chains and deployments
    """
    return asyncio.run(_send(channel, config))


async def _send(channel: str, config: Path | None) -> int:
    from monitor.app.delivery import channels
    from monitor.app.readers import configured
    from monitor.cli import OK
    from monitor.cli.printing.tables import screen
    from monitor.clock import SystemClock
    from monitor.domain.alerts import Recipient, Route, dedupe_key
    from monitor.outbox.render import render
    from monitor.rules.trial import trial_alert

    name, _, where = channel.partition(":")
    clock = SystemClock()
    async with configured(config) as settings, AsyncExitStack() as stack:
        known = {way.name: way for way in await channels(settings, clock, stack)}
        if name not in known or (not where and name != "console"):
            raise UsageError(f"expected {', '.join(f'{n}:<address>' for n in known)}, found {channel[:60]!r}")
        recipient = Recipient(channel, (Route(name, where or name),))
        alert = trial_alert(clock.wall_s())
        key = dedupe_key(recipient, alert)
        await known[name].send(where or name, render(alert, recipient, key, 0, settings.alerts.link_base))
    screen().print(f"{name} accepted the message (incident {alert.incident}).")
    return OK
