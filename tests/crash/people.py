"""What people do beside the story: a digest a day, a mute, and an acknowledgement of whatever would go further."""

from sqlalchemy import select

from monitor.domain.alerts import Level, Notice, Recipient, Route
from monitor.domain.ids import Address
from monitor.domain.people import Subscriber
from monitor.rules.hearing.digest import Source, digest
from monitor.rules.hearing.hours import day
from monitor.store import Commit, Heard, Store, records, tables
from tests.crash.story import START_S
from tests.fakes.evaluations import position
from tests.outbox.scene import alert

READER, READER_CHAT = "reader", "1777777"
STAIRS = Recipient("stairs", (Route("telegram", "1888888"), Route("email", "stairs@example.org")), (3600,))
DAY_S = 86_400
FIRST = 10_000
"""Positions from this number on concern only who acknowledges them."""


def dates(number: int) -> str:
    """Return the local date of a day of the story."""
    return day("UTC", START_S + DAY_S * number)


async def act(store: Store) -> None:
    """Do the next thing; whatever a kill left undone is done first."""
    await acknowledge(store)
    who = {one.name: one for one in await store.people.everyone()}.get(READER)
    if who is None:
        await store.people.add(READER)
    elif not who.routes:
        await store.people.reach(READER, Route("telegram", READER_CHAT))
    elif not who.watches:
        await store.people.watch(READER, Address(position().key))
    else:
        await _next_day(store, who)


async def acknowledge(store: Store) -> None:
    """Acknowledge every alert that waits to go on to a mailbox."""
    o, a = tables.outbox.c, tables.alerts.c
    waits = select(o.recipient, a.alert).join(tables.alerts, a.key == o.alert).where(o.step > 0, o.state == "pending")
    async with store._database.reading() as connection:
        rows = (await connection.execute(waits)).all()
    for row in rows:
        await store.owed.acknowledge(row.recipient, records.alert_from(row.alert), 3600)


async def _next_day(store: Store, who: Subscriber) -> None:
    number = 1 + next((n for n in range(FIRST) if who.digested_on == dates(n)), 0)
    told = digest(who, [], [Source(f"day {number}", f"block {number}", 0, True)], START_S + DAY_S * number)
    urgent = alert(Level.CRITICAL, of=position(FIRST + number), incident=f"E{number:09}")
    notices = [Notice(told, (who.recipient(),)), Notice(urgent, (STAIRS,))]
    await store.commit(Commit(None, notices=notices, heard=Heard(digested={READER: dates(number)})))
    await store.people.set(READER, muted_until_s=number)
    await acknowledge(store)
