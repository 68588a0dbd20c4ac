"""Tokens that are good once: those that link a chat to a subscriber, and those of buttons that were pressed."""

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, or_, select, update

from monitor.clock import Clock
from monitor.domain.alerts import Route
from monitor.errors import UsageError
from monitor.store import tables
from monitor.store.engine import Database
from monitor.store.people.people import bump, put_contact

GOOD_FOR_S = 600


@dataclass(frozen=True, slots=True)
class Claim:
    """A link that a chat has opened: whose it is, and the code that both sides see."""

    subscriber: str
    code: str


class Links:
    """The table of such tokens; it keeps no more than their SHA-256."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def make(self, subscriber: str, token: str, code: str) -> int:
        """Keep a link in the place of any other of the subscriber; return when it ends, in seconds of the wall clock.

        Raises UsageError where nobody has that name.
        """
        t, s, now_s = tables.links.c, tables.subscribers.c, self._clock.wall_s()
        row = {
            "digest": _digest(token),
            "subscriber": subscriber,
            "code": code,
            "expires_s": now_s + GOOD_FOR_S,
            "claimed_by": None,
            "used_s": None,
        }
        async with self._database.writing() as connection:
            known = await connection.execute(select(s.name).where(s.name == subscriber))
            if known.one_or_none() is None:
                raise UsageError(f"no subscriber is called {subscriber[:60]!r}: `hfm subscribers list` shows them all")
            unused = t.used_s.is_(None) & ((t.subscriber == subscriber) | (t.expires_s <= now_s))
            await connection.execute(delete(tables.links).where(unused))
            await connection.execute(tables.links.insert().values(row))
        return now_s + GOOD_FOR_S

    async def claim(self, token: str, address: str) -> Claim | None:
        """Let the first chat that opens a link claim it; None where it is not good.

        Opened from a second chat it is in the wrong hands, and good for neither.
        """
        t, mine = tables.links.c, tables.links.c.digest == _digest(token)
        row = await self._good(token)
        if row is None:
            return None
        async with self._database.writing() as connection:
            free = or_(t.claimed_by.is_(None), t.claimed_by == address)
            claim = update(tables.links).where(mine, t.used_s.is_(None), free).values(claimed_by=address)
            if (await connection.execute(claim)).rowcount:
                return Claim(row.subscriber, row.code)
            await connection.execute(delete(tables.links).where(mine, t.used_s.is_(None)))
        return None

    async def confirm(self, token: str, route: Route) -> str | None:
        """Make the chat that claimed a link a contact of its subscriber; return the name, None where it may not."""
        t, mine = tables.links.c, tables.links.c.digest == _digest(token)
        row = await self._good(token)
        if row is None:
            return None
        async with self._database.writing() as connection:
            use = update(tables.links).where(mine, t.used_s.is_(None), t.claimed_by == route.address)
            if not (await connection.execute(use.values(used_s=self._clock.wall_s()))).rowcount:
                return None
            await put_contact(connection, self._database, row.subscriber, route)
            await bump(connection, self._database)
        return str(row.subscriber)

    async def void(self, token: str) -> None:
        """Forget a link that is not used yet."""
        t = tables.links.c
        if await self._good(token) is not None:
            async with self._database.writing() as connection:
                await connection.execute(delete(tables.links).where(t.digest == _digest(token), t.used_s.is_(None)))

    async def is_spent(self, token: str) -> bool:
        """Whether a button was pressed before."""
        query = select(tables.links.c.digest).where(tables.links.c.digest == _digest(token))
        async with self._database.reading() as connection:
            return (await connection.execute(query)).one_or_none() is not None

    async def spend(self, token: str, subscriber: str) -> None:
        """Note that a subscriber pressed a button."""
        now_s = self._clock.wall_s()
        row = {"digest": _digest(token), "subscriber": subscriber, "code": "", "expires_s": now_s, "used_s": now_s}
        async with self._database.writing() as connection:
            await connection.execute(self._database.insert_new(tables.links), row)

    async def _good(self, token: str) -> Row[Any] | None:
        """Return a link that may still be used; a stranger's guess is never more than a read."""
        query = select(tables.links).where(tables.links.c.digest == _digest(token), tables.links.c.used_s.is_(None))
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        # One that is good for longer than any link may be was made by a clock that has since been put back.
        return row if row is not None and 0 < row.expires_s - self._clock.wall_s() <= GOOD_FOR_S else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
