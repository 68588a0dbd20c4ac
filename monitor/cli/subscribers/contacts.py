"""`hfm subscribers contact add` and `remove`."""

import asyncio
from pathlib import Path

from monitor.cli.subscribers.showing import Shown, route_text, tell


def add(name: str, contact: str, /, *, config: Path | None = None, format: Shown = "table") -> int:  # noqa: A002
    """Add a way to reach a subscriber, after those there are; one that was stopped is used again.

    Args:
        name: who
        contact: telegram:<chat id>, email:<address>, webhook:<name or https URL>, apprise:<name> or console
        config: settings that name the store
        format: how the subscriber is printed
    """
    return asyncio.run(_change(config, name, contact, format, is_new=True))


def remove(name: str, contact: str, /, *, config: Path | None = None, format: Shown = "table") -> int:  # noqa: A002
    """Send nothing more over a contact.

    Args:
        name: who
        contact: as `hfm subscribers show` writes it
        config: settings that name the store
        format: how the subscriber is printed
    """
    return asyncio.run(_change(config, name, contact, format, is_new=False))


async def _change(config: Path | None, name: str, contact: str, shown: Shown, *, is_new: bool) -> int:
    from monitor.cli import OK
    from monitor.cli.subscribers.opened import opened, route_of
    from monitor.errors import UsageError

    async with opened(config) as at:
        who = await at.named(name)
        if is_new:
            await at.store.people.reach(name, route_of(contact, at.settings))
        else:
            found = [
                route for route in who.routes if contact in (route_text(route), f"{route.channel}:{route.address}")
            ]
            if not found:
                known = ", ".join(map(route_text, who.routes)) or "none"
                raise UsageError(f"expected a contact of {name}, one of {known}, found {contact[:60]!r}")
            await at.store.people.unreach(name, found[0])
        tell(await at.store.people.named(name), shown)
    return OK
