"""Puts notices into the outbox: one row for each contact of a recipient that will be used, newer ones before older."""

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.domain.alerts import Alert, AlertKind, Notice, Recipient, dedupe_key
from monitor.store import records, tables
from monitor.store.engine import Database
from monitor.store.people import owed
from monitor.store.queue import refused_routes
from monitor.store.records import Record

MOST_ROUNDS = 10
"""How often an incident goes on to further contacts of one recipient: at first, and nine times again."""
_CHUNK = 400
_STOPPED = select(tables.subscribers.c.name).where(tables.subscribers.c.stopped_s.is_not(None))
_SILENCED = select(tables.silences.c.subscriber, tables.silences.c.position)
_Deadlines = dict[tuple[str, str, str, int], int]


async def enqueue(
    connection: AsyncConnection, database: Database, notices: Sequence[Notice], now_s: int, token: Callable[[], str]
) -> None:
    """Write what the notices owe, in the transaction that records their alerts; who has stopped is owed nothing.

    What is owed of the same matter and not sent yet is superseded. A further contact is used when an earlier message
    said so, if that is sooner.
    """
    told = [(n.alert, recipient) for n in notices for recipient in n.recipients if recipient.routes]
    worse = [n.alert.incident for n in notices if n.alert.kind is AlertKind.WORSENED]
    await owed.void(connection, list(dict.fromkeys(worse)))
    waits: list[Record] = [
        {"recipient": name, "alert": records.alert_key(n.alert), "held_s": now_s} for n in notices for name in n.held
    ]
    await owed.hold(connection, database, waits)
    told = await _still_wanted(connection, told)
    if not told:
        return
    refused = await refused_routes(connection, now_s)
    deadlines = await _deadlines(connection, [recipient.name for alert, recipient in told if alert.escalates])
    tired = await _tired(connection, told)
    rows = list[Record]()
    for alert, recipient in told:
        first = records.outbox_record(alert, recipient, now_s, refused)
        rows.append({**first, "token": token()})
        if alert.escalates and (recipient.name, alert.incident) not in tired:
            rows += [{**one, "token": token()} for one in _further(alert, recipient, first, now_s, deadlines)]
    t = tables.outbox.c
    same = (t.recipient == bindparam("to")) & (t.position == bindparam("about")) & (t.topic == bindparam("on"))
    older = same & (t.state == "pending") & (t.alert != bindparam("but"))
    known = [{"to": r["recipient"], "about": r["position"], "on": r["topic"], "but": r["alert"]} for r in rows]
    await connection.execute(update(tables.outbox).where(older).values(state="superseded"), known)
    database.reach("commit: older messages superseded")
    await connection.execute(database.insert_new(tables.outbox), rows)


def _further(alert: Alert, recipient: Recipient, first: Record, now_s: int, deadlines: _Deadlines) -> Iterable[Record]:
    for step, after_s in enumerate(recipient.escalate_s, 1):
        if step >= len(recipient.routes) or step <= first["route"]:
            continue
        route, matter = recipient.routes[step], (recipient.name, first["position"], first["topic"], step)
        due_s = min(now_s + after_s, deadlines.get(matter, now_s + after_s))
        yield {
            **first,
            "dedupe_key": dedupe_key(recipient, alert, step),
            "route": step,
            "channel": route.channel,
            "address": route.address,
            "step": step,
            "next_try_s": due_s,
            "wait_s": after_s,
        }


async def _still_wanted(
    connection: AsyncConnection, told: list[tuple[Alert, Recipient]]
) -> list[tuple[Alert, Recipient]]:
    """Leave out who has stopped since the notices were made; someone the store does not know is told."""
    stopped = set((await connection.execute(_STOPPED)).scalars())
    silenced = {(row.subscriber, row.position) for row in await connection.execute(_SILENCED)}
    return [
        (alert, one)
        for alert, one in told
        if one.name not in stopped and (one.name, str(alert.position)) not in silenced
    ]


async def _deadlines(connection: AsyncConnection, names: Sequence[str]) -> _Deadlines:
    """Return when contacts further on are due by what is owed already."""
    t, found = tables.outbox.c, _Deadlines()
    waits = (t.state == "pending") & (t.step > 0)
    if not names or (await connection.execute(select(t.id).where(waits).limit(1))).first() is None:
        return found
    for start in range(0, len(names), _CHUNK):
        query = select(t.recipient, t.position, t.topic, t.step, t.next_try_s)
        for row in await connection.execute(query.where(waits, t.recipient.in_(names[start : start + _CHUNK]))):
            matter = row.recipient, row.position, row.topic, row.step
            found[matter] = min(row.next_try_s, found.get(matter, row.next_try_s))
    return found


async def _tired(connection: AsyncConnection, told: Sequence[tuple[Alert, Recipient]]) -> set[tuple[str, str]]:
    """Return the recipients and incidents that went on to further contacts as often as they may."""
    t, a = tables.outbox.c, tables.alerts.c
    incidents = list(
        dict.fromkeys(alert.incident for alert, one in told if alert.escalates and alert.seq and one.escalate_s)
    )
    found = set[tuple[str, str]]()
    for start in range(0, len(incidents), _CHUNK):
        some = incidents[start : start + _CHUNK]
        query = select(t.recipient, a.incident).join(tables.alerts, a.key == t.alert).where(t.step == 1)
        often = query.where(a.incident.in_(some)).group_by(t.recipient, a.incident)
        for row in await connection.execute(often.having(func.count() >= MOST_ROUNDS)):
            found.add((row.recipient, row.incident))
    return found
