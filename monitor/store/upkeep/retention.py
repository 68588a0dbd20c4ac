"""Lets go of what is long over: old alerts, what was sent of them, and closed incidents; the pages are used again."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.courtesy import others_first
from monitor.domain.alerts import AlertKind
from monitor.rules.hearing.own import personal_incident
from monitor.rules.state import PositionState
from monitor.store import records, tables
from monitor.store.engine import Database

BATCH = 200
"""How many alerts go in one transaction, so that no step of a cycle waits long for its turn to write."""
_BEGINNINGS = (AlertKind.DIVERGED.value, AlertKind.STALE.value)
_ENDS = (AlertKind.DIVERGENCE_OVER.value, AlertKind.STALE_OVER.value)
"""Of these the alerts themselves are the memory: a beginning stays until its end has come."""


class _Found(NamedTuple):
    """An alert that may go."""

    id: int
    key: str
    position: str
    incident: str


class Retention:
    """Deletes by age. What is owed, held back or of an open incident stays, and so does the last alert of a subject."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prune(self, before_s: int) -> int:
        """Delete what is older than a second of the wall clock, and return how many alerts went; raises StoreError."""
        first_kept, gone, after = await self._first_kept(before_s), 0, 0
        while True:
            async with self._database.writing() as connection:
                found = await self._candidates(connection, before_s, after, first_kept)
                keys = [row.key for row in found if not await self._is_open(connection, row)]
                await self._delete(connection, keys)
                self._database.reach("retention: alerts deleted")
            gone += len(keys)
            if len(found) < BATCH:
                break
            after = found[-1].id
            await others_first()
        async with self._database.writing() as connection:
            await self._delete_rest(connection, before_s)
        return gone

    async def _first_kept(self, before_s: int) -> int | None:
        """Return the first alert that is young enough, None when all are old: later ones are not even looked at."""
        t = tables.alerts.c
        query = select(t.id).where(t.committed_s >= before_s).order_by(t.id).limit(1)
        async with self._database.reading() as connection:
            return (await connection.execute(query)).scalar_one_or_none()

    async def _candidates(
        self, connection: AsyncConnection, before_s: int, after: int, first_kept: int | None
    ) -> Sequence[_Found]:
        a, i, o, h = tables.alerts.c, tables.incidents.c, tables.outbox.c, tables.held.c
        other = tables.alerts.alias()
        same = other.c.position == a.position
        old = (a.id > after) & (a.committed_s < before_s)
        if first_kept is not None:
            old &= a.id < first_kept
        stays: tuple[ColumnElement[bool], ...] = (
            exists().where(i.id == a.incident, i.closed_s.is_(None) | (i.closed_s >= before_s)),
            exists().where(same, other.c.incident == a.incident, other.c.committed_s >= before_s),
            exists().where(o.alert == a.key, o.state == "pending"),
            exists().where(h.alert == a.key),
            a.kind.in_(_BEGINNINGS) & ~exists().where(same, other.c.incident == a.incident, other.c.kind.in_(_ENDS)),
        )
        query = select(a.id, a.key, a.position, a.incident).where(old, exists().where(same, other.c.id > a.id))
        query = query.where(*(~one for one in stays)).order_by(a.id).limit(BATCH)
        return [_Found(*row) for row in await connection.execute(query)]

    async def _is_open(self, connection: AsyncConnection, row: _Found) -> bool:
        """Whether the alert is of an incident, or of a time without knowledge, that goes on for somebody."""
        s, w = tables.states.c, tables.own_states.c
        usual = (await connection.execute(select(s.state).where(s.position == row.position))).scalars().all()
        if any(row.incident in _incidents(records.state_from(text)) for text in usual):
            return True
        for own in await connection.execute(select(w.subscriber, w.state).where(w.position == row.position)):
            state = records.state_from(own.state)
            theirs = (personal_incident(state.position, name, own.subscriber) for name in _incidents(state))
            if row.incident in theirs:
                return True
        return False

    async def _delete(self, connection: AsyncConnection, keys: Sequence[str]) -> None:
        o, d = tables.outbox.c, tables.deliveries.c
        sent = select(o.id).where(o.alert.in_(keys))
        await connection.execute(delete(tables.deliveries).where(d.outbox.in_(sent)))
        await connection.execute(delete(tables.outbox).where(o.alert.in_(keys)))
        await connection.execute(delete(tables.alerts).where(tables.alerts.c.key.in_(keys)))

    async def _delete_rest(self, connection: AsyncConnection, before_s: int) -> None:
        a, i = tables.alerts.c, tables.incidents.c
        told = exists().where(a.position == i.position, a.incident == i.id)
        await connection.execute(delete(tables.incidents).where(i.closed_s < before_s, ~told))
        b = tables.acked_by.c
        await connection.execute(
            delete(tables.acked_by).where(b.at_s < before_s, ~exists().where(a.incident == b.incident))
        )
        await connection.execute(delete(tables.refusals).where(tables.refusals.c.at_s < before_s))
        await connection.execute(delete(tables.links).where(tables.links.c.expires_s < before_s))


def _incidents(state: PositionState) -> tuple[str, ...]:
    return tuple(one.id for one in (state.incident, state.gap) if one is not None)
