"""`hfm subscribers add`, `remove`, `watch` and `unwatch`."""

import asyncio
from pathlib import Path

from monitor.cli.subscribers.showing import Shown, tell


def add(
    name: str,
    /,
    *,
    contact: tuple[str, ...] = (),
    watch: tuple[str, ...] = (),
    zone: str | None = None,
    config: Path | None = None,
    format: Shown = "table",  # noqa: A002  # the word a user types
) -> int:
    """Add a subscriber.

    Args:
        name: 1 to 40 of a-z, 0-9, _ and -
        contact: how to reach them, several in their order: --contact telegram:123 --contact email:a@b.c
        watch: owners of whose positions they are told
        zone: where they live, Europe/Berlin
        config: settings that name the store
        format: how the subscriber is printed
    """
    return asyncio.run(_add(config, name, contact, watch, zone, format))


def remove(name: str, /, *, config: Path | None = None) -> int:
    """Forget a subscriber, and send nothing of what is owed to them.

    Args:
        name: who
        config: settings that name the store
    """
    return asyncio.run(_remove(config, name))


def watch(
    name: str,
    owner: str,
    /,
    *,
    label: str = "",
    config: Path | None = None,
    format: Shown = "table",  # noqa: A002  # the word a user types
) -> int:
    """Tell a subscriber of an owner's positions, from the next block on.

    Args:
        name: who
        owner: an address
        label: what they call it
        config: settings that name the store
        format: how the subscriber is printed
    """
    return asyncio.run(_watch(config, name, owner, label, format))


def unwatch(name: str, owner: str, /, *, config: Path | None = None, format: Shown = "table") -> int:  # noqa: A002
    """Tell a subscriber no more of an owner.

    Args:
        name: who
        owner: an address
        config: settings that name the store
        format: how the subscriber is printed
    """
    return asyncio.run(_unwatch(config, name, owner, format))


async def _add(
    config: Path | None, name: str, contacts: tuple[str, ...], owners: tuple[str, ...], zone: str | None, shown: Shown
) -> int:
    from monitor.cli import OK
    from monitor.cli.subscribers.opened import check_name, opened, route_of
    from monitor.domain.ids import address
    from monitor.rules.hearing.hours import zone_named

    check_name(name)
    async with opened(config) as at:
        # Everything is looked at before anything is written.
        routes, watched = [route_of(text, at.settings) for text in contacts], [address(text) for text in owners]
        lives = None if zone is None else zone_named(zone)
        people = at.store.people
        await people.add(name)
        for route in routes:
            await people.reach(name, route)
        for owner in watched:
            await people.watch(name, owner)
        if lives is not None:
            await people.set(name, zone=lives)
        tell(await people.named(name), shown)
    return OK


async def _remove(config: Path | None, name: str) -> int:
    from monitor.cli import OK
    from monitor.cli.subscribers.opened import opened

    async with opened(config) as at:
        await at.own(name)
        await at.store.people.remove(name)
    return OK


async def _watch(config: Path | None, name: str, owner: str, label: str, shown: Shown) -> int:
    from monitor.cli import OK
    from monitor.cli.subscribers.opened import opened
    from monitor.domain.ids import address
    from monitor.domain.label import safe_line

    async with opened(config) as at:
        await at.own(name)
        await at.store.people.watch(name, address(owner), safe_line(label, 40))
        tell(await at.store.people.named(name), shown)
    return OK


async def _unwatch(config: Path | None, name: str, owner: str, shown: Shown) -> int:
    from monitor.cli import OK
    from monitor.cli.subscribers.opened import opened
    from monitor.domain.ids import address

    async with opened(config) as at:
        await at.own(name)
        await at.store.people.unwatch(name, address(owner))
        tell(await at.store.people.named(name), shown)
    return OK
