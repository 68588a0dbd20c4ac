"""Keeps ledgers: an image of each in parts, the steps since, and a new image when the steps outweigh it."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.domain.ids import DeploymentName, MarketKey
from monitor.errors import LedgerCorrupt
from monitor.ledger import image
from monitor.ledger.journal import Journal
from monitor.store import tables
from monitor.store.engine import Database

PART_ROWS = 50_000
STEPS_PER_IMAGE = 2
"""A new image is due when the steps take more than its size divided by this."""
SMALLEST_LOG_BYTES = 2**20
MOST_STEPS = 1024
"""A new image is due after this many steps however small, so that a restart is soon done with them."""


@dataclass(frozen=True, slots=True)
class LedgerPart:
    """The ledger of one market as part of a commit; it must stay as it is until the commit is done."""

    deployment: DeploymentName
    market: MarketKey
    journal: Journal


@dataclass(frozen=True, slots=True)
class NotKept:
    """Why there is no ledger to go on from: it has to be built from the chain."""

    reason: str


class Ledgers:
    """The tables `ledgers`, `ledger_parts` and `ledger_steps`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, connection: AsyncConnection, part: LedgerPart) -> None:
        """Write what the journal has not saved yet, or an image of the whole where that is due."""
        t, journal, reach = tables.ledgers.c, part.journal, self._database.reach
        known = select(t.hash, t.image_bytes, t.log_bytes, t.steps).where(_of(tables.ledgers, part))
        row = (await connection.execute(known)).one_or_none()
        unsaved, saved_at = journal.unsaved, journal.saved_at
        if row is None or unsaved is None or saved_at is None or row.hash != saved_at.hash:
            await self._write_image(connection, part)
            return
        steps = [image.packed(step, journal.ledger.key_bytes) for step in unsaved]
        log_bytes, count = row.log_bytes + sum(map(len, steps)), row.steps + len(steps)
        most_bytes = max(row.image_bytes // STEPS_PER_IMAGE, SMALLEST_LOG_BYTES)
        if log_bytes > most_bytes or count > MOST_STEPS:
            await self._write_image(connection, part)
            return
        if steps:
            rows = [{**_key(part), "seq": row.steps + n, "data": data} for n, data in enumerate(steps)]
            await connection.execute(tables.ledger_steps.insert(), rows)
            reach("commit: ledger steps written")
        now = {"hash": journal.at.hash, "digest": str(journal.ledger.digest), "log_bytes": log_bytes, "steps": count}
        await connection.execute(update(tables.ledgers).where(_of(tables.ledgers, part)).values(now))
        reach("commit: ledger noted")

    async def _write_image(self, connection: AsyncConnection, part: LedgerPart) -> None:
        journal, reach = part.journal, self._database.reach
        for table in (tables.ledger_steps, tables.ledger_parts):
            await connection.execute(delete(table).where(_of(table, part)))
        reach("commit: old ledger image removed")
        head, size = image.head(journal), 0
        for number, data in enumerate(image.parts(journal.ledger, PART_ROWS)):
            await connection.execute(tables.ledger_parts.insert(), {**_key(part), "part": number, "data": data})
            size += len(data)
            reach("commit: ledger part written")
        record = {
            **_key(part),
            "hash": journal.at.hash,
            "digest": str(journal.ledger.digest),
            "head": head,
            "image_bytes": size + len(head),
            "log_bytes": 0,
            "steps": 0,
        }
        await connection.execute(self._database.upsert(tables.ledgers), record)
        reach("commit: ledger image written")

    async def read(self, deployment: DeploymentName, market: MarketKey, salt: int) -> Journal | NotKept:
        """Return the stored ledger with its journal, proven to be at the deployment's cursor, or why there is none."""
        one = {"deployment": deployment, "market": market}
        p, s, cursors = tables.ledger_parts, tables.ledger_steps, tables.cursors
        async with self._database.reading() as connection:
            row = (await connection.execute(select(tables.ledgers).filter_by(**one))).one_or_none()
            if row is None:
                return NotKept("none is stored")
            reached = select(cursors.c.hash).where(cursors.c.deployment == deployment)
            cursor_hash = (await connection.execute(reached)).scalar_one_or_none()
            if row.hash != cursor_hash:
                return NotKept(f"expected it at the cursor's block {cursor_hash}, found it at {row.hash}")
            parts = (await connection.execute(select(p.c.data).filter_by(**one).order_by(p.c.part))).scalars().all()
            steps = (await connection.execute(select(s.c.data).filter_by(**one).order_by(s.c.seq))).scalars().all()
        self._database.reach("load: rows read")
        try:
            journal = image.restored(row.head, parts, steps, salt)
        except LedgerCorrupt as e:
            return NotKept(f"it is damaged: {e}")
        found = journal.at.hash, str(journal.ledger.digest)
        if found != (row.hash, row.digest):
            return NotKept(f"it is damaged: expected block {row.hash} with digest {row.digest}, found {found}")
        self._database.reach("load: proven")
        return journal


def _key(part: LedgerPart) -> dict[str, str]:
    return {"deployment": part.deployment, "market": part.market}


def _of(table: Table, part: LedgerPart) -> ColumnElement[bool]:
    return (table.c.deployment == part.deployment) & (table.c.market == part.market)
