"""Subscribers as they stand, and every change to them; a change is in force for whatever is sent after its commit."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Row, Text, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.clock import Clock
from monitor.domain.alerts import Route
from monitor.domain.ids import Address
from monitor.domain.people import Hours, Origin, Subscriber
from monitor.errors import UsageError
from monitor.store import tables
from monitor.store.engine import Database
from monitor.store.people import owed

_EVERYONE = "subscribers"
_s, _c, _w, _x = (t.c for t in (tables.subscribers, tables.contacts, tables.watches, tables.silences))
# Asked with each block: made once, since making them costs more than asking.
_REVISION = select(tables.revisions.c.number).where(tables.revisions.c.of == _EVERYONE)
_EVERYBODY = select(tables.subscribers).order_by(_s.name)
_WHO = bindparam("who", type_=Text)
_ONE = _EVERYBODY.where(_s.name == _WHO)
_KNOWN = select(_s.name).where(_s.name == _WHO)
_CONTACTS = select(_c.subscriber, _c.channel, _c.address).where(_c.stopped_s.is_(None)).order_by(_c.place)
_WATCHES = select(_w.subscriber, _w.owner, _w.label).order_by(_w.owner)
_SILENCES = select(_x.subscriber, _x.position)
_OF_ALL = (_CONTACTS, _WATCHES, _SILENCES)
_OF_ONE = (
    _CONTACTS.where(_c.subscriber == _WHO),
    _WATCHES.where(_w.subscriber == _WHO),
    _SILENCES.where(_x.subscriber == _WHO),
)


class People:
    """The subscribers; the API, the bot and commands change them through this alone."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def revision(self) -> int:
        """Return a number that grows with each change."""
        async with self._database.reading() as connection:
            return (await connection.execute(_REVISION)).scalar_one_or_none() or 0

    async def everyone(self) -> tuple[Subscriber, ...]:
        """Return all subscribers by name."""
        async with self._database.reading() as connection:
            return await _read(connection)

    async def named(self, name: str) -> Subscriber:
        """Return one; raises UsageError where nobody is called so."""
        async with self._database.reading() as connection:
            found = await _read(connection, name)
        if not found:
            raise UsageError(f"no subscriber is called {name[:60]!r}: `hfm subscribers list` shows them all")
        return found[0]

    async def reached_at(self, route: Route) -> tuple[Subscriber, ...]:
        """Return whose contact in use an address is, a named person before the same address in the settings."""
        t = tables.contacts.c
        query = select(t.subscriber).where(
            t.channel == route.channel, t.address == route.address, t.stopped_s.is_(None)
        )
        async with self._database.reading() as connection:
            names = (await connection.execute(query)).scalars().all()
            found = [one for name in names for one in await _read(connection, name)]
        return tuple(sorted(found, key=lambda one: (one.origin is Origin.SETTINGS, one.name)))

    async def add(self, name: str, origin: Origin = Origin.COMMAND) -> None:
        """Add a subscriber without contacts; raises UsageError where the name is taken."""
        async with self._changing() as connection:
            if await _is_known(connection, name):
                raise UsageError(f"a subscriber is already called {name[:60]!r}")
            await connection.execute(tables.subscribers.insert(), self._fresh(name, origin))

    async def remove(self, name: str) -> None:
        """Forget a subscriber; nothing more is sent to them."""
        async with self._changing(name) as connection:
            await owed.drop(connection, tables.outbox.c.recipient == name)
            for table in (tables.watches, tables.contacts, tables.silences, tables.own_states, tables.links):
                await connection.execute(delete(table).where(table.c.subscriber == name))
            for table in (tables.acks, tables.held):
                await connection.execute(delete(table).where(table.c.recipient == name))
            await connection.execute(delete(tables.subscribers).where(tables.subscribers.c.name == name))

    async def set(self, name: str, **values: Any) -> None:
        """Set columns of a subscriber: zone, quiet_from, quiet_until, digest_at, levels, muted_until_s.

        With own levels set anew, what was remembered under other ones is forgotten.
        """
        if "levels" in values:
            values["levels"] = None if values["levels"] is None else json.dumps(values["levels"])
        async with self._changing(name) as connection:
            await self._set(connection, name, values)
            if "levels" in values:
                await connection.execute(delete(tables.own_states).where(tables.own_states.c.subscriber == name))

    async def stop(self, name: str) -> None:
        """Send nothing more to a subscriber until they come back; what is owed is dropped."""
        async with self._changing(name) as connection:
            await self._set(connection, name, {"stopped_s": self._clock.wall_s()})
            await owed.drop(connection, tables.outbox.c.recipient == name)

    async def resume(self, name: str) -> None:
        """Send to a subscriber again, over all contacts."""
        async with self._changing(name) as connection:
            await self._set(connection, name, {"stopped_s": None})
            mine = tables.contacts.c.subscriber == name
            await connection.execute(update(tables.contacts).where(mine).values(stopped_s=None))

    async def reach(self, name: str, route: Route) -> None:
        """Add a contact as the last of a subscriber, or put an old one in use again."""
        async with self._changing(name) as connection:
            await put_contact(connection, self._database, name, route)

    async def unreach(self, name: str, route: Route) -> None:
        """Take a contact out of use, for good; what is owed over it is dropped."""
        async with self._changing(name) as connection:
            t, o = tables.contacts.c, tables.outbox.c
            mine = (t.subscriber == name) & (t.channel == route.channel) & (t.address == route.address)
            await connection.execute(update(tables.contacts).where(mine).values(stopped_s=self._clock.wall_s()))
            over_it = (o.recipient == name) & (o.channel == route.channel) & (o.address == route.address)
            await owed.drop(connection, over_it)

    async def watch(self, name: str, owner: Address, label: str = "") -> None:
        """Tell a subscriber of an owner's positions."""
        async with self._changing(name) as connection:
            row = {"subscriber": name, "owner": owner, "label": label}
            await connection.execute(self._database.upsert(tables.watches), row)

    async def unwatch(self, name: str, owner: Address) -> None:
        """Tell a subscriber no more of an owner; raises UsageError where they did not watch it."""
        async with self._changing(name) as connection:
            t = tables.watches.c
            mine = (t.subscriber == name) & (t.owner == owner)
            if not (await connection.execute(delete(tables.watches).where(mine))).rowcount:
                raise UsageError(f"{name} does not watch {owner}")

    async def silence(self, name: str, position: str) -> None:
        """Tell a subscriber nothing more of a position; what is owed about it is dropped."""
        async with self._changing(name) as connection:
            row = {"subscriber": name, "position": position, "since_s": self._clock.wall_s()}
            await connection.execute(self._database.upsert(tables.silences), row)
            o = tables.outbox.c
            await owed.drop(connection, (o.recipient == name) & (o.position == position))

    async def unsilence(self, name: str) -> None:
        """Tell a subscriber of all positions again."""
        async with self._changing(name) as connection:
            await connection.execute(delete(tables.silences).where(tables.silences.c.subscriber == name))

    async def settle(self, named: Mapping[str, tuple[Route, Mapping[Address, str]]]) -> None:
        """Make the subscribers of the settings those named, each with its one contact and whom it watches.

        What they have set themselves stays; who is named no more is forgotten.
        """
        before = {one.name: one for one in await self.everyone() if one.origin is Origin.SETTINGS}
        for name in before.keys() - named.keys():
            await self.remove(name)
        for name, (route, watches) in named.items():
            if name not in before:
                await self.add(name, Origin.SETTINGS)
                await self.reach(name, route)
            was = before[name].watches if name in before else {}
            for owner in was.keys() - watches.keys():
                await self.unwatch(name, owner)
            for owner, label in watches.items():
                if was.get(owner) != label:
                    await self.watch(name, owner, label)

    @asynccontextmanager
    async def _changing(self, name: str | None = None) -> AsyncIterator[AsyncConnection]:
        """Give the transaction of one change; raises UsageError where nobody has that name."""
        async with self._database.writing() as connection:
            if name is not None and not await _is_known(connection, name):
                raise UsageError(f"no subscriber is called {name[:60]!r}: `hfm subscribers list` shows them all")
            yield connection
            self._database.reach("people: changed")
            await bump(connection, self._database)
        self._database.reach("people: done")

    async def _set(self, connection: AsyncConnection, name: str, values: Mapping[str, Any]) -> None:
        mine = tables.subscribers.c.name == name
        await connection.execute(update(tables.subscribers).where(mine).values(**values))

    def _fresh(self, name: str, origin: Origin) -> dict[str, Any]:
        empty = dict.fromkeys(
            ("quiet_from", "quiet_until", "digest_at", "digested_on", "levels", "muted_until_s", "stopped_s")
        )
        own = {"name": name, "origin": origin.value, "zone": "UTC", "created_s": self._clock.wall_s()}
        return {**empty, **own}


async def put_contact(connection: AsyncConnection, database: Database, name: str, route: Route) -> None:
    """Add a contact in a transaction as the last of a subscriber; what it refused before is forgotten."""
    mine = tables.contacts.c.subscriber == name
    places = (await connection.execute(select(tables.contacts.c.place).where(mine))).scalars().all()
    where = {"channel": route.channel, "address": route.address}
    row = {"subscriber": name, **where, "place": max(places, default=-1) + 1, "stopped_s": None}
    await connection.execute(database.upsert(tables.contacts), row)
    gone = (tables.refusals.c.channel == route.channel) & (tables.refusals.c.address == route.address)
    await connection.execute(delete(tables.refusals).where(gone))


async def bump(connection: AsyncConnection, database: Database) -> None:
    """Note in a transaction that subscribers are not what they were."""
    number = (await connection.execute(_REVISION)).scalar_one_or_none() or 0
    await connection.execute(database.upsert(tables.revisions), {"of": _EVERYONE, "number": number + 1})


async def _is_known(connection: AsyncConnection, name: str) -> bool:
    return (await connection.execute(_KNOWN, {"who": name})).scalar_one_or_none() is not None


async def _read(connection: AsyncConnection, name: str | None = None) -> tuple[Subscriber, ...]:
    """Return one subscriber, or all; of the others' rows none is read for one."""
    who = {} if name is None else {"who": name}
    queries = (_EVERYBODY, *_OF_ALL) if name is None else (_ONE, *_OF_ONE)
    people, contacts, watches, silences = [(await connection.execute(query, who)).all() for query in queries]
    routes, owners, silenced = _by(contacts), _by(watches), _by(silences)
    return tuple(
        _subscriber(
            row,
            tuple(Route(one.channel, one.address) for one in routes.get(row.name, ())),
            {Address(one.owner): one.label for one in owners.get(row.name, ())},
            frozenset(one.position for one in silenced.get(row.name, ())),
        )
        for row in people
    )


def _by(rows: Iterable[Row[Any]]) -> dict[str, list[Row[Any]]]:
    found: dict[str, list[Row[Any]]] = {}
    for row in rows:
        found.setdefault(row.subscriber, []).append(row)
    return found


def _subscriber(
    row: Row[Any], routes: Sequence[Route], watches: Mapping[Address, str], silenced: frozenset[str]
) -> Subscriber:
    has_hours = row.quiet_from is not None and row.quiet_until is not None
    return Subscriber(
        name=row.name,
        origin=Origin(row.origin),
        routes=tuple(routes),
        watches=watches,
        zone=row.zone,
        quiet=Hours(row.quiet_from, row.quiet_until) if has_hours else None,
        digest_at_min=row.digest_at,
        digested_on=row.digested_on,
        levels=None if row.levels is None else json.loads(row.levels),
        muted_until_s=row.muted_until_s,
        is_stopped=row.stopped_s is not None,
        silenced=silenced,
    )
