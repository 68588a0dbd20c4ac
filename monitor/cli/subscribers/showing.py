"""`hfm subscribers list` and `show`, and how every other verb shows what it has changed."""

import asyncio
import json
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from monitor.domain.alerts import Route
from monitor.domain.people import Subscriber

Shown = Literal["table", "json"]


def listed(*, config: Path | None = None, format: Shown = "table") -> int:  # noqa: A002  # the word a user types
    """List all subscribers.

    Args:
        config: settings that name the store
        format: how they are printed
    """
    return asyncio.run(_list(config, format))


def show(name: str, /, *, config: Path | None = None, format: Shown = "table") -> int:  # noqa: A002  # the same
    """Show one subscriber.

    Args:
        name: who
        config: settings that name the store
        format: how it is printed
    """
    return asyncio.run(_show(config, name, format))


async def _list(config: Path | None, shown: Shown) -> int:
    from rich.table import Table

    from monitor.cli import OK
    from monitor.cli.printing.tables import screen
    from monitor.cli.subscribers.opened import opened

    async with opened(config) as at:
        everyone = await at.store.people.everyone()
    if shown == "json":
        screen().print_json(json.dumps([record(one) for one in everyone]))
        return OK
    table = Table("name", "contacts", "watches", "told", title="Subscribers")
    for one in everyone:
        routes = "\n".join(map(route_text, one.routes)) or "none"
        table.add_row(one.name, routes, str(len(one.watches)), _mood(one))
    screen().print(table)
    return OK


async def _show(config: Path | None, name: str, shown: Shown) -> int:
    from monitor.cli import OK
    from monitor.cli.subscribers.opened import opened

    async with opened(config) as at:
        tell(await at.named(name), shown)
    return OK


def tell(who: Subscriber, shown: Shown) -> None:
    """Print a subscriber."""
    from monitor.cli.printing.tables import screen

    if shown == "json":
        screen().print_json(json.dumps(record(who)))
        return
    told = record(who)
    for name, value in told.items():
        text = "\n".join(value) if isinstance(value, list) else _lines(value) if isinstance(value, dict) else value
        screen().print(f"{name:12} {'' if text is None else text}".replace("\n", "\n" + " " * 13), markup=False)


def record(who: Subscriber) -> dict[str, Any]:
    """Return a subscriber as JSON values; an address that may hold a key is cut short."""
    from monitor.rules.hearing.hours import clock_text

    quiet = who.quiet and f"{clock_text(who.quiet.from_min)}-{clock_text(who.quiet.until_min)}"
    return {
        "name": who.name,
        "origin": who.origin.value,
        "told": _mood(who),
        "contacts": [route_text(route) for route in who.routes],
        "watches": dict(who.watches),
        "zone": who.zone,
        "quiet": quiet,
        "digest": None if who.digest_at_min is None else clock_text(who.digest_at_min),
        "muted_until_s": who.muted_until_s,
        "levels": None if who.levels is None else dict(who.levels),
        "silenced": sorted(who.silenced),
    }


def route_text(route: Route) -> str:
    """Return a contact; of a URL no more than its host."""
    if "://" in route.address:
        return f"{route.channel}:https://{urlsplit(route.address).hostname}/…"
    return route.channel if route.address == route.channel else f"{route.channel}:{route.address}"


def _mood(who: Subscriber) -> str:
    if who.is_stopped:
        return "nothing, stopped"
    return "everything" if who.muted_until_s is None else "muted"


def _lines(told: dict[str, Any]) -> str:
    return "\n".join(f"{name} {value if isinstance(value, str) else json.dumps(value)}" for name, value in told.items())
