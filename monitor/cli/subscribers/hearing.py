"""`hfm subscribers set`, `mute`, `stop` and `resume`."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from monitor.cli.subscribers.opened import Opened, opened
from monitor.cli.subscribers.showing import Shown, tell
from monitor.domain.people import Subscriber


def set_(
    name: str,
    /,
    *,
    zone: str | None = None,
    quiet: str | None = None,
    digest: str | None = None,
    levels: str | None = None,
    config: Path | None = None,
    format: Shown = "table",  # noqa: A002  # the word a user types
) -> int:
    """Set when and from which level on a subscriber is told.

    Args:
        name: who
        zone: where they live, Europe/Berlin
        quiet: hours in which WATCH and WARN wait, 22:00-07:00, or off
        digest: when the daily summary comes, 08:00, or off
        levels: own thresholds, danger=1.15,loop.danger=1.012, or a file in the form of levels.toml, or reset
        config: settings that name the store
        format: how the subscriber is printed
    """
    return asyncio.run(_set(config, name, {"zone": zone, "quiet": quiet, "digest": digest, "levels": levels}, format))


def mute(name: str, until: str, /, *, config: Path | None = None, format: Shown = "table") -> int:  # noqa: A002
    """Hold back what may wait; what gets DANGER or worse still comes through.

    Args:
        name: who
        until: 2h, 30m, "until 08:00" or off
        config: settings that name the store
        format: how the subscriber is printed
    """
    return asyncio.run(_mute(config, name, until, format))


def stop(name: str, /, *, config: Path | None = None, format: Shown = "table") -> int:  # noqa: A002
    """Send nothing more to a subscriber, over no contact.

    Args:
        name: who
        config: settings that name the store
        format: how the subscriber is printed
    """
    return asyncio.run(_stop(config, name, format, is_over=False))


def resume(name: str, /, *, config: Path | None = None, format: Shown = "table") -> int:  # noqa: A002
    """Send to a subscriber again, over all contacts.

    Args:
        name: who
        config: settings that name the store
        format: how the subscriber is printed
    """
    return asyncio.run(_stop(config, name, format, is_over=True))


async def _set(config: Path | None, name: str, wanted: dict[str, str | None], shown: Shown) -> int:
    from monitor.cli import OK
    from monitor.errors import UsageError

    if not any(value is not None for value in wanted.values()):
        raise UsageError("expected something to set: --zone, --quiet, --digest or --levels")
    async with opened(config) as at:
        who = await at.named(name)
        values = dict[str, Any]()
        for what, text in wanted.items():
            if text is not None:
                values |= _VALUES[what](at, who, text)
                who = replace(who, zone=values.get("zone", who.zone))
        await at.store.people.set(name, **values)
        tell(await at.store.people.named(name), shown)
    return OK


def _zone(_: Opened, __: Subscriber, text: str) -> dict[str, Any]:
    from monitor.rules.hearing.hours import zone_named

    return {"zone": zone_named(text)}


def _quiet(_: Opened, __: Subscriber, text: str) -> dict[str, Any]:
    from monitor.rules.hearing.hours import hours_of

    hours = None if text == "off" else hours_of(text)
    return {"quiet_from": hours and hours.from_min, "quiet_until": hours and hours.until_min}


def _digest(_: Opened, who: Subscriber, text: str) -> dict[str, Any]:
    from monitor.clock import SystemClock
    from monitor.domain.people import MINUTES_A_DAY
    from monitor.rules.hearing.digest import first_day
    from monitor.rules.hearing.hours import minute_of

    if text == "off":
        return {"digest_at": None, "digested_on": None}
    at_min = minute_of(text) % MINUTES_A_DAY
    return {"digest_at": at_min, "digested_on": first_day(who.zone, at_min, SystemClock().wall_s())}


def _levels(at: Opened, who: Subscriber, text: str) -> dict[str, Any]:
    from monitor.app import parts
    from monitor.errors import UsageError
    from monitor.rules.hearing.own import with_health
    from monitor.rules.levels import DEFAULT
    from monitor.settings import table

    if text == "reset":
        return {"levels": None}
    if text.endswith(".toml"):
        own: dict[str, Any] = table(Path(text))
    else:
        own = dict(who.levels or {})
        named = parts.own_levels(at.settings)(own).named
        for part in text.split(","):
            level, equals, health = part.partition("=")
            of, _, step = level.strip().rpartition(".")
            if not equals or (of or DEFAULT) not in named:
                kinds = ", ".join(f"{kind}.danger" for kind in named if kind != DEFAULT)
                raise UsageError(
                    f"expected danger=1.15 or the same of {kinds}, a file that ends in .toml, or reset, "
                    f"found {part[:40]!r}"
                )
            own = with_health(own, of or DEFAULT, step, health.strip())
    parts.own_levels(at.settings)(own)
    return {"levels": own}


_VALUES = {"zone": _zone, "quiet": _quiet, "digest": _digest, "levels": _levels}


async def _mute(config: Path | None, name: str, until: str, shown: Shown) -> int:
    from monitor.cli import OK
    from monitor.clock import SystemClock
    from monitor.rules.hearing.mutes import muted_until_s

    async with opened(config) as at:
        who = await at.named(name)
        await at.store.people.set(name, muted_until_s=muted_until_s(until, who.zone, SystemClock().wall_s()))
        tell(await at.store.people.named(name), shown)
    return OK


async def _stop(config: Path | None, name: str, shown: Shown, *, is_over: bool) -> int:
    from monitor.cli import OK

    async with opened(config) as at:
        await at.named(name)
        await (at.store.people.resume(name) if is_over else at.store.people.stop(name))
        tell(await at.store.people.named(name), shown)
    return OK
