"""What is owed to people and waits: rows of the outbox that are dropped, acknowledgements, and what was held back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.clock import Clock
from monitor.domain.alerts import Alert, Level
from monitor.domain.people import Acknowledgement, Held
from monitor.store import records, tables
from monitor.store.engine import Database

_PENDING = "pending"
_a, _h, _o, _told = tables.alerts.c, tables.held.c, tables.outbox.c, tables.alerts.alias()
_WAS_TOLD = exists().where(
    _o.recipient == _h.recipient, _o.alert == _told.c.key, _told.c.incident == _a.incident, _o.state != "superseded"
)
# Asked with each block: made once, since making them costs more than asking.
_ACKS = select(tables.acks)
_HELD = (
    select(_h.recipient, _h.held_s, _a.key, _a.alert, _WAS_TOLD.label("was_told"))
    .join(tables.alerts, _a.key == _h.alert)
    .order_by(_a.id)
)


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that a token names: to whom, where, and about what, the worst first."""

    recipient: str
    channel: str
    address: str
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What an acknowledgement for everyone did: how many were told of the incident, and how many had not seen it yet.

    `at_s` is when it was first made by the same name; it holds until `until_s`, None where nobody was told.
    """

    told: int
    fresh: int
    at_s: int
    until_s: int | None


class Owed:
    """Acknowledgements and held alerts; what the rules look at before anybody is told again."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def waiting(self) -> tuple[tuple[Acknowledgement, ...], tuple[Held, ...]]:
        """Return all acknowledgements and all that is held."""
        async with self._database.reading() as connection:
            acks = (await connection.execute(_ACKS)).all()
            held = (await connection.execute(_HELD)).all()
        seen = (Acknowledgement(r.recipient, r.incident, r.position, Level[r.level], r.at_s, r.until_s) for r in acks)
        waiting = (Held(r.recipient, r.key, records.alert_from(r.alert), r.held_s, bool(r.was_told)) for r in held)
        return tuple(seen), tuple(waiting)

    async def sent(self, token: str) -> Sent | None:
        """Return the message that a token was given out with, None where none was."""
        o, a = tables.outbox.c, tables.alerts.c
        mine = select(o.id, o.recipient, o.channel, o.address, o.leader).where(o.token == token)
        order = (o.severity.desc(), o.id)
        async with self._database.reading() as connection:
            row = (await connection.execute(mine)).one_or_none()
            if row is None:
                return None
            together = (
                o.id == row.id if row.leader is None else (o.leader == row.leader) & (o.recipient == row.recipient)
            )
            query = select(a.alert, o.label).join(tables.outbox, a.key == o.alert).where(together).order_by(*order)
            rows = (await connection.execute(query)).all()
        return Sent(row.recipient, row.channel, row.address, tuple(_labelled(one.alert, one.label) for one in rows))

    async def told(self, recipient: str) -> tuple[Alert, ...]:
        """Return the last message about the level of each position that reached a recipient, newest first."""
        o, a = tables.outbox.c, tables.alerts.c
        last = select(func.max(o.id)).where(o.recipient == recipient, o.topic == "level", o.state == "sent")
        newest = o.id.in_(last.group_by(o.position))
        query = select(a.alert, o.label).join(tables.outbox, a.key == o.alert).where(newest).order_by(o.id.desc())
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(_labelled(row.alert, row.label) for row in rows)

    async def acknowledge(self, recipient: str, alert: Alert, for_s: int) -> bool:
        """Note that somebody has seen the incident of an alert, and call off what would go on to further contacts.

        What has got worse since goes on. Return False where it is acknowledged at that level already.
        """
        async with self._database.writing() as connection:
            is_new = await self._note(connection, recipient, alert, for_s)
            self._database.reach("people: acknowledged")
        self._database.reach("people: done")
        return is_new

    async def acknowledge_for_all(self, by: str, alert: Alert, for_s: int) -> Seen:
        """Note that everyone who was told of the incident of an alert has seen it, and who said so, all or nothing.

        The same again changes nothing.
        """
        o, a, b, t = tables.outbox.c, tables.alerts.c, tables.acked_by.c, tables.acks.c
        told = select(o.recipient).join(tables.alerts, a.key == o.alert)
        told = told.where(a.incident == alert.incident, o.state != "superseded").distinct().order_by(o.recipient)
        row = {"incident": alert.incident, "level": alert.level.name, "by": by, "at_s": self._clock.wall_s()}
        async with self._database.writing() as connection:
            names = (await connection.execute(told)).scalars().all()
            fresh = [await self._note(connection, name, alert, for_s) for name in names]
            await connection.execute(self._database.insert_new(tables.acked_by), row)
            mine = (b.incident == alert.incident) & (b.level == alert.level.name) & (b.by == by)
            at_s = (await connection.execute(select(b.at_s).where(mine))).scalar_one()
            holds = select(func.min(t.until_s)).where(t.incident == alert.incident, t.recipient.in_(names))
            until_s = (await connection.execute(holds)).scalar_one()
            self._database.reach("people: acknowledged")
        self._database.reach("people: done")
        return Seen(len(names), sum(fresh), at_s, until_s)

    async def acknowledged_by(self, incident: str) -> tuple[tuple[str, Level, int], ...]:
        """Return who acknowledged an incident for everyone: by which name, at which level, when; oldest first."""
        b = tables.acked_by.c
        query = select(b.by, b.level, b.at_s).where(b.incident == incident).order_by(b.at_s, b.by)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return tuple((row.by, Level[row.level], row.at_s) for row in rows)

    async def _note(self, connection: AsyncConnection, recipient: str, alert: Alert, for_s: int) -> bool:
        now_s, t, o, a = self._clock.wall_s(), tables.acks.c, tables.outbox.c, tables.alerts.c
        mine = (t.recipient == recipient) & (t.incident == alert.incident)
        row = {
            "recipient": recipient,
            "incident": alert.incident,
            "position": str(alert.position),
            "level": alert.level.name,
            "at_s": now_s,
            "until_s": now_s + for_s,
        }
        before = (await connection.execute(select(t.level, t.at_s, t.until_s).where(mine))).one_or_none()
        is_new = before is None or not before.at_s <= now_s < before.until_s or Level[before.level] < alert.level
        if is_new:
            await connection.execute(self._database.upsert(tables.acks), row)
        seen = [level.name for level in Level if level <= alert.level]
        keys = select(a.key).where(a.incident == alert.incident, a.level.in_(seen))
        further = (o.recipient == recipient) & (o.step > 0) & o.alert.in_(keys) & (o.state == _PENDING)
        await connection.execute(update(tables.outbox).where(further).values(state="acknowledged"))
        return is_new


def _labelled(text: str, label: str | None) -> Alert:
    """Return a recorded alert with what its reader calls the owner of the position."""
    alert = records.alert_from(text)
    return replace(alert, facts={**alert.facts, "label": label}) if label else alert


async def hold(connection: AsyncConnection, database: Database, rows: Sequence[dict[str, str | int]]) -> None:
    """Note in a transaction what is held, each as recipient, key of the alert and when."""
    if rows:
        await connection.execute(database.insert_new(tables.held), list(rows))


async def let_go(
    connection: AsyncConnection, released: Sequence[tuple[str, str]], over: Sequence[tuple[str, str]]
) -> None:
    """Forget what was held, by recipient and alert, and who has seen which incident."""
    for recipient, key in released:
        h = tables.held.c
        await connection.execute(delete(tables.held).where((h.recipient == recipient) & (h.alert == key)))
    for recipient, incident in over:
        a = tables.acks.c
        await connection.execute(delete(tables.acks).where((a.recipient == recipient) & (a.incident == incident)))


async def void(connection: AsyncConnection, incidents: Sequence[str]) -> None:
    """Forget in a transaction who has acknowledged incidents: they got worse."""
    if incidents and (await connection.execute(select(tables.acks.c.incident).limit(1))).first() is not None:
        for incident in incidents:
            await connection.execute(delete(tables.acks).where(tables.acks.c.incident == incident))


async def drop(connection: AsyncConnection, which: ColumnElement[bool]) -> None:
    """Drop in a transaction what is owed and not sent yet."""
    still = which & (tables.outbox.c.state == _PENDING)
    await connection.execute(update(tables.outbox).where(still).values(state="stopped"))
