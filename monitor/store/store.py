"""The store: everything one step of a cycle learned goes down in one transaction, or not at all."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import islice

from sqlalchemy import Table, bindparam, delete, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.clock import Clock, SystemClock
from monitor.clock import token as new_token
from monitor.domain.alerts import AlertKind
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionId, Slug
from monitor.domain.moment import BlockRef
from monitor.errors import ConfigError, NotLinked
from monitor.ledger.journal import Journal
from monitor.rules.state import PositionState
from monitor.store import engine, records, tables
from monitor.store.commit import Commit, Cursor, EventsKept, EventsPart
from monitor.store.engine import Database, Reach
from monitor.store.failure import driver_error
from monitor.store.ledgers import audits
from monitor.store.ledgers.kept import Ledgers, NotKept
from monitor.store.migrations import migrate
from monitor.store.people import heard as people_heard
from monitor.store.people.enqueue import enqueue
from monitor.store.people.keys import Keys
from monitor.store.people.links import Links
from monitor.store.people.owed import Owed
from monitor.store.people.people import People
from monitor.store.queue import Queue
from monitor.store.records import Record
from monitor.store.upkeep.lease import LAPSE_S, Lease, Worker
from monitor.store.upkeep.retention import Retention
from monitor.store.views import Views

_CHUNK = 500
_ROWS_AT_ONCE = 50


class Store:
    """What survives.

    `queue` is the outbox, `people` are those who are told, `owed` is what waits for them and `links` are their tokens,
    `views` all that API, pages and CLI may read, `keys` are the API's, `retention` deletes what is long over; `commits`
    were made.
    """

    def __init__(self, database: Database, clock: Clock, token: Callable[[], str] = new_token) -> None:
        self._database = database
        self._clock = clock
        self._token = token
        self.commits = 0
        self.queue = Queue(database)
        self.views = Views(database, clock)
        self.keys = Keys(database, clock)
        self.people = People(database, clock)
        self.owed = Owed(database, clock)
        self.links = Links(database, clock)
        self.retention = Retention(database)
        self._ledgers = Ledgers(database)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, clock: Clock | None = None, reach: Reach = lambda _: None, token: Callable[[], str] = new_token
    ) -> AsyncIterator["Store"]:
        """Open the database, bringing its tables up to date, and close it at the end.

        Raises ConfigError when it cannot be opened or written, or was written by a newer version.
        """
        target, clock = engine.database_url(url), clock or SystemClock()
        engine.probe(target)
        async with engine.engines(target) as (writer, reader):
            try:
                await migrate(writer, clock, reach)
            except (SQLAlchemyError, OSError) as e:
                shown = target.render_as_string()
                raise ConfigError(f"expected a database that can be written at {shown}: {driver_error(e)}") from e
            yield cls(Database(writer, reader, reach), clock, token)

    def lease(self, lapse_s: int = LAPSE_S) -> Lease:
        """Return the right of this process to work on the store, not yet held; `lapse_s` as in `Lease`."""
        return Lease(self._database, self._clock, Worker.this(), lapse_s)

    async def commit(self, *steps: Commit) -> None:
        """Write whole steps, oldest first, in one transaction.

        Raises StoreFull, StoreError; then nothing of them is stored and the same steps may be tried again. Raises
        NotLinked when a ledger is at another block than its step's cursor.
        """
        for step in steps:
            _refuse_apart(step)
        reach, now_s = self._database.reach, self._clock.wall_s()
        async with self._database.writing() as connection:
            reach("commit: begun")
            for step in steps:
                await self._write(connection, step, now_s)
        self.commits += 1
        for part in (part for step in steps for part in step.ledgers):
            part.journal.saved()
        reach("commit: done")

    async def _write(self, connection: AsyncConnection, step: Commit, now_s: int) -> None:
        reach = self._database.reach
        await self._put(connection, tables.positions, map(records.position_record, step.evaluations))
        await self._drop(connection, step.left)
        reach("commit: positions written")
        await self._put(connection, tables.states, map(records.state_record, step.states))
        reach("commit: states written")
        await self._put_incidents(connection, step, now_s)
        await self._add(connection, tables.alerts, [records.alert_record(n.alert, now_s) for n in step.notices])
        reach("commit: alerts written")
        await enqueue(connection, self._database, step.notices, now_s, self._token)
        await people_heard.write(connection, self._database, step.heard)
        await self.queue.delivered(connection, step.delivered, now_s)
        reach("commit: outbox written")
        for events in step.events:
            await self._put_events(connection, events)
        for part in step.ledgers:
            await self._ledgers.write(connection, part)
        for audit in step.audits:
            await audits.write(connection, self._database, audit)
        if step.cursor is not None:
            cursor = records.cursor_record(step.cursor.at, now_s, **step.cursor.whose)
            await self._put(connection, tables.cursors, [cursor])
        reach("commit: cursor written")

    async def states(self, positions: Sequence[PositionId]) -> dict[PositionId, PositionState]:
        """Return what is remembered of the positions; one never judged is missing."""
        found = {}
        async with self._database.reading() as connection:
            for ids in _chunks([str(p) for p in positions]):
                query = select(tables.states.c.state).where(tables.states.c.position.in_(ids))
                for text in (await connection.execute(query)).scalars():
                    state = records.state_from(text)
                    found[state.position] = state
        return found

    async def own_states(self, subscriber: str, positions: Sequence[PositionId]) -> dict[PositionId, PositionState]:
        """Return what is remembered of positions for a subscriber with thresholds of their own."""
        t, found = tables.own_states.c, {}
        async with self._database.reading() as connection:
            for ids in _chunks([str(p) for p in positions]):
                query = select(t.state).where(t.subscriber == subscriber, t.position.in_(ids))
                for text in (await connection.execute(query)).scalars():
                    state = records.state_from(text)
                    found[state.position] = state
        return found

    async def known(self, deployment: DeploymentName) -> dict[PositionId, Address | None]:
        """Return every stored position of a deployment with its owner."""
        p = tables.positions.c
        query = select(p.id, p.owner).where(p.deployment == deployment).order_by(p.id)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return {PositionId.parse(row.id): row.owner and Address(row.owner) for row in rows}

    async def events(self, deployment: DeploymentName, market: MarketKey) -> EventsKept:
        """Return what is remembered of a market's events, oldest first."""
        t = tables.events.c
        query = select(t.id, t.kind, t.event).where((t.deployment == deployment) & (t.market == market))
        async with self._database.reading() as connection:
            rows = (await connection.execute(query.order_by(t.at_block, t.id))).all()
        at = next((records.at_from(row.event) for row in rows if not row.id), None)
        events = (records.event_from(row.kind, row.event) for row in rows if row.id)
        return EventsKept(at if isinstance(at, BlockRef) else None, tuple(events))

    async def probation(self, chain: ChainId) -> dict[str, int]:
        """Return since when each new check runs on a chain, in seconds of the wall clock."""
        t = tables.probations.c
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(t.name, t.since_s).where(t.chain == chain))).all()
        return {row.name: row.since_s for row in rows}

    async def keep_probation(self, chain: ChainId, since_s: Mapping[str, int]) -> None:
        """Remember since when each new check runs on a chain; raises StoreError."""
        rows: list[Record] = [{"chain": chain, "name": name, "since_s": at_s} for name, at_s in since_s.items()]
        async with self._database.writing() as connection:
            await self._put(connection, tables.probations, rows)

    async def cursor(self, deployment: DeploymentName) -> Cursor | None:
        """Return how far the deployment was followed, None when never."""
        columns = tables.cursors.c
        query = select(columns.protocol, columns.chain, columns.at).where(columns.deployment == deployment)
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        return row and Cursor(deployment, Slug(row.protocol), ChainId(row.chain), records.at_from(row.at))

    async def ledger(self, deployment: DeploymentName, market: MarketKey, salt: int = 0) -> Journal | NotKept:
        """Return the stored ledger of a market with its journal, or why it has to be built anew.

        It is returned only at the cursor's own block and proven whole. `salt` is as in `Ledger`.
        """
        return await self._ledgers.read(deployment, market, salt)

    async def _put(self, connection: AsyncConnection, table: Table, rows: Iterable[Record]) -> None:
        """Replace rows, made and written so few at a time that nobody else waits long for their turn."""
        rows, upsert = iter(rows), self._database.upsert(table)
        while some := list(islice(rows, _ROWS_AT_ONCE)):
            await connection.execute(upsert, some)

    async def _add(self, connection: AsyncConnection, table: Table, rows: list[Record]) -> None:
        if rows:
            await connection.execute(self._database.insert_new(table), rows)

    async def _drop(self, connection: AsyncConnection, left: Sequence[PositionId]) -> None:
        for ids in _chunks([str(p) for p in left]):
            await connection.execute(delete(tables.positions).where(tables.positions.c.id.in_(ids)))

    async def _put_events(self, connection: AsyncConnection, part: EventsPart) -> None:
        whose = {"deployment": part.deployment, "market": part.market}
        rows = [records.reached_record(part.at), *map(records.event_record, part.put)]
        await self._put(connection, tables.events, [{**whose, **row} for row in rows])
        self._database.reach("commit: events written")
        for ids in _chunks(list(part.gone)):
            await connection.execute(delete(tables.events).filter_by(**whose).where(tables.events.c.id.in_(ids)))

    async def _put_incidents(self, connection: AsyncConnection, step: Commit, now_s: int) -> None:
        opened = [
            {
                "id": s.incident.id,
                "position": str(s.position),
                "opened_s": s.incident.opened_s,
                "closed_s": None,
                "worst": s.incident.worst.name,
                "worst_health_wad": _text(s.incident.worst_health_wad),
            }
            for s in step.states
            if s.incident
        ]
        closed = [{"which": n.alert.incident} for n in step.notices if n.alert.kind is AlertKind.RECOVERED]
        await self._put(connection, tables.incidents, opened)
        if closed:
            close = update(tables.incidents).where(tables.incidents.c.id == bindparam("which")).values(closed_s=now_s)
            await connection.execute(close, closed)


def _refuse_apart(step: Commit) -> None:
    reached = step.cursor.at.hash if step.cursor is not None and isinstance(step.cursor.at, BlockRef) else None
    for part in step.ledgers:
        if part.journal.at.hash != reached:
            raise NotLinked(
                f"expected the ledger of {part.deployment} at the cursor's block {reached}, "
                f"found it at {part.journal.at.number} {part.journal.at.hash}"
            )


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _chunks(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), _CHUNK):
        yield ids[start : start + _CHUNK]
