"""The outbox: messages that are owed, in the order in which they matter, and what became of each."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.domain.alerts import Alert, Recipient, Route
from monitor.store import due, records, tables
from monitor.store.engine import Database

REFUSED_FOR_S = 3600
_DETAIL_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Deliverable:
    """One message owed to one recipient over the route now in use; who answers to it knows its `token`.

    A `step` above 0 is the same alert over a further route. Once it was about to be sent it has a `leader`: the first
    of those it went out with as one, itself when it was alone, whose key that message had. It `has_company` while
    anything else is owed to its recipient.
    """

    id: int
    key: str
    alert: Alert
    recipient: Recipient
    route_index: int
    attempts: int
    created_s: int
    token: str | None = None
    step: int = 0
    leader: int | None = None
    leader_key: str | None = None
    has_company: bool = False

    @property
    def route(self) -> Route:
        """Where it goes now."""
        return self.recipient.routes[self.route_index]


@dataclass(frozen=True, slots=True)
class Ripe:
    """Up to which ids messages have waited long enough for others: from DANGER on, and less severe ones."""

    urgent_id: int
    other_id: int


@dataclass(frozen=True, slots=True)
class Look:
    """What is due on a channel, worst first; with nothing due, when the next message will be.

    `newest_id` is the largest id of a stored message, 0 when there is none; None when the store could not be asked.
    """

    due: tuple[Deliverable, ...]
    newest_id: int | None
    next_try_s: int | None = None


class Queue:
    """The outbox table; only the dispatcher takes from it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(
        self,
        channel: str,
        limit: int,
        now_s: int,
        without: Sequence[int] = (),
        but_to: Sequence[str] = (),
        ripe: Ripe | None = None,
    ) -> Look:
        """Return what is due on a channel: most severe first, then least time left, then oldest.

        `without` names messages and `but_to` addresses to leave out. With `ripe` only what has waited long enough.
        """
        most = 2**62
        given = {
            "channel": channel,
            "limit": limit,
            "now_s": now_s,
            "without": tuple(without),
            "but_to": tuple(but_to),
            "other_id": most if ripe is None else ripe.other_id,
            "urgent_id": most if ripe is None else ripe.urgent_id,
        }
        async with self._database.reading() as connection:
            rows = (await connection.execute(due.LOOK, given)).all()
        found = tuple(_deliverable(row) for row in rows if row.id is not None)
        return Look(found, rows[0].newest_id, rows[0].next_try_s)

    async def companions(self, head: Deliverable, limit: int, now_s: int, without: Sequence[int]) -> list[Deliverable]:
        """Return what may go out together with a message, itself included, in the order of `look`.

        That is what it was about to go out with before, or else all of its recipient, route and topic that is due
        within the second and never was about to be sent.
        """
        t, where = tables.outbox.c, head.route
        same = (t.channel == where.channel) & (t.address == where.address) & (t.recipient == head.recipient.name)
        if head.leader is not None:
            return await self._found(same & (t.leader == head.leader) & t.id.not_in(without), limit)
        fresh = (t.leader.is_(None) & (t.attempts == 0)) | (t.id == head.id)
        same &= (t.topic == head.alert.topic) & due.at(now_s + 1) & fresh & t.id.not_in(without)
        return await self._found(same, limit)

    async def _found(self, which: ColumnElement[bool], limit: int) -> list[Deliverable]:
        async with self._database.reading() as connection:
            return [_deliverable(row) for row in await connection.execute(due.these(which, limit))]

    async def owed(self, channel: str, at_most: int) -> int:
        """Return how many messages a channel owes, counted no further than `at_most`."""
        given = {"channel": channel, "at_most": at_most}
        async with self._database.reading() as connection:
            count: int = (await connection.execute(due.OWED, given)).scalar_one()
        return count

    async def due_since(self, at_s: int) -> set[str]:
        """Return the channels that owe a message which was due by then already."""
        t = tables.outbox.c
        query = select(t.channel).where(t.state == "pending", t.next_try_s <= at_s, t.created_s <= at_s).distinct()
        async with self._database.reading() as connection:
            return set((await connection.execute(query)).scalars())

    async def bind(self, messages: Sequence[Deliverable]) -> None:
        """Write down that the messages go out as one, led by the first of them."""
        t, reach = tables.outbox.c, self._database.reach
        these = t.id.in_([message.id for message in messages])
        async with self._database.writing() as connection:
            await connection.execute(update(tables.outbox).where(these).values(leader=messages[0].id))
            reach("queue: leader written")
        reach("queue: leader done")

    @asynccontextmanager
    async def claimed(self, messages: Sequence[Deliverable]) -> AsyncIterator[set[int]]:
        """Give the ids of those messages that are still owed where they were; until left, none can be withdrawn.

        Begin to send inside and leave at once: every writer waits.
        """
        t, where = tables.outbox.c, messages[0].route
        here = (t.channel == where.channel) & (t.address == where.address) & (t.state == "pending")
        query = select(t.id).where(t.id.in_([m.id for m in messages]), here).with_for_update()
        async with self._database.writing() as connection:
            yield set((await connection.execute(query)).scalars())

    async def mark_sent(self, messages: Sequence[Deliverable], now_s: int) -> None:
        """Record that the channel accepted the messages, as one."""
        await self._settle(messages, "sent", now_s, "", state="sent")

    async def defer(self, messages: Sequence[Deliverable], now_s: int, wait_s: int, why: str) -> None:
        """Record a failed try, and that the next one is so many seconds from now."""
        await self._settle(messages, "deferred", now_s, why, next_try_s=now_s + wait_s, wait_s=wait_s)

    async def reroute(self, messages: Sequence[Deliverable], now_s: int, why: str) -> str | None:
        """Record that this address refuses, and send all that is owed to it over each recipient's next route.

        Returns the channel these messages go on with, None when there is none left and they are dead.
        """
        t, reach, here = tables.outbox.c, self._database.reach, messages[0].route
        at_it = (t.channel == here.channel) & (t.address == here.address) & (t.state == "pending")
        async with self._database.writing() as connection:
            refusal = {"channel": here.channel, "address": here.address, "at_s": now_s}
            await connection.execute(self._database.upsert(tables.refusals), refusal)
            refused = await refused_routes(connection, now_s)
            reach("queue: refusal written")
            for row in (await connection.execute(select(tables.outbox).where(at_it))).all():
                await self._move(connection, row, refused)
            reach("queue: messages rerouted")
            await connection.execute(tables.deliveries.insert(), _deliveries(messages, "refused", now_s, why))
        reach("queue: refused done")
        left = messages[0].recipient.routes[messages[0].route_index + 1 :]
        return next((route.channel for route in left if route not in refused), None)

    async def _move(self, connection: AsyncConnection, row: Row[Any], refused: set[Route]) -> None:
        t, recipient = tables.outbox.c, records.recipient_from(row.recipient, row.routes)
        on = next((i for i in range(row.route + 1, len(recipient.routes)) if recipient.routes[i] not in refused), None)
        if on is None:
            values: dict[str, str | int] = {"state": "dead"}
        else:
            values = {"channel": recipient.routes[on].channel, "address": recipient.routes[on].address}
            values |= {"route": on, "attempts": 0}
            # A further step that was not due yet keeps its time.
            values |= {} if row.step and not row.attempts else {"next_try_s": 0, "wait_s": 0}
            # What would have gone there later, or to where nothing goes any more, says the same.
            further = (t.alert == row.alert) & (t.recipient == row.recipient) & (t.step > row.step) & (t.route <= on)
            later = update(tables.outbox).where(further, t.state == "pending").values(state="superseded")
            await connection.execute(later)
        await connection.execute(update(tables.outbox).where(t.id == row.id, t.state == "pending").values(values))

    async def delivered(self, connection: AsyncConnection, messages: Sequence[Deliverable], now_s: int) -> None:
        """Record, in a transaction that stores their rows, what was accepted before there were any."""
        t = tables.outbox.c
        for message in messages:
            row = (await connection.execute(select(t.id).where(t.dedupe_key == message.key))).one_or_none()
            if row is not None:
                sent = {"state": "sent", "attempts": message.attempts + 1, "route": message.route_index}
                where = {"channel": message.route.channel, "address": message.route.address}
                await connection.execute(update(tables.outbox).where(t.id == row.id).values(**sent, **where))
                recorded = _deliveries([replace(message, id=row.id)], "sent", now_s, "while nothing could be stored")
                await connection.execute(tables.deliveries.insert(), recorded)

    async def _settle(
        self, messages: Sequence[Deliverable], outcome: str, now_s: int, why: str, **values: str | int
    ) -> None:
        t, reach = tables.outbox.c, self._database.reach
        async with self._database.writing() as connection:
            # A newer message may have superseded one of these while it was under way; what was sent stays sent.
            still = t.state.in_(("pending", "superseded") if outcome == "sent" else ("pending",))
            these = t.id.in_([message.id for message in messages])
            await connection.execute(
                update(tables.outbox).where(these, still).values(attempts=t.attempts + 1, **values)
            )
            reach(f"queue: {outcome} written")
            await connection.execute(tables.deliveries.insert(), _deliveries(messages, outcome, now_s, why))
            reach(f"queue: {outcome} recorded")
        reach(f"queue: {outcome} done")


async def refused_routes(connection: AsyncConnection, now_s: int) -> set[Route]:
    """Return the routes that refused lately and are not worth a try."""
    t = tables.refusals.c
    rows = await connection.execute(select(t.channel, t.address).where(t.at_s > now_s - REFUSED_FOR_S))
    return {Route(row.channel, row.address) for row in rows}


def _deliverable(row: Row[Any]) -> Deliverable:
    return Deliverable(
        id=row.id,
        key=row.dedupe_key,
        alert=records.alert_from(row.alert),
        recipient=records.recipient_from(row.recipient, row.routes, row.label),
        route_index=row.route,
        attempts=row.attempts,
        created_s=row.created_s,
        token=row.token,
        step=row.step,
        leader=row.leader,
        leader_key=row.leader_key,
        has_company=bool(row.company),
    )


def _deliveries(messages: Sequence[Deliverable], outcome: str, now_s: int, why: str) -> list[dict[str, str | int]]:
    what: dict[str, str | int] = {"outcome": outcome, "at_s": now_s, "detail": why[:_DETAIL_CHARACTERS]}
    return [{"outbox": message.id, "channel": message.route.channel, **what} for message in messages]
