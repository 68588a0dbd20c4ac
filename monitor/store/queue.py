"""The outbox: messages that are owed, in the order in which they matter, and what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, nulls_last, or_, select, update

from monitor.domain.alerts import Alert, Recipient, Route
from monitor.store import records, tables
from monitor.store.engine import Database

LONGEST_WAIT_S = 3600
_DETAIL_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Deliverable:
    """One message owed to one recipient over the route now in use."""

    id: int
    key: str
    alert: Alert
    recipient: Recipient
    route_index: int
    attempts: int
    created_s: int

    @property
    def route(self) -> Route:
        """Where it goes now."""
        return self.recipient.routes[self.route_index]


class Queue:
    """The outbox table; only the dispatcher takes from it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pending(self, channel: str, limit: int, now_s: int, without: Sequence[int] = ()) -> list[Deliverable]:
        """Return what is due on a channel: most severe first, then least time left, then oldest."""
        t, a = tables.outbox.c, tables.alerts.c
        order = (t.severity.desc(), nulls_last(t.time_to_liquidation_s.asc()), t.id)
        query = (
            select(t.id, t.dedupe_key, t.recipient, t.routes, t.route, t.attempts, t.created_s, a.alert)
            .join(tables.alerts, a.key == t.alert)
            .where(t.state == "pending", t.channel == channel, _due(now_s), t.id.not_in(without))
            .order_by(*order)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [
            Deliverable(
                id=row.id,
                key=row.dedupe_key,
                alert=records.alert_from(row.alert),
                recipient=records.recipient_from(row.recipient, row.routes),
                route_index=row.route,
                attempts=row.attempts,
                created_s=row.created_s,
            )
            for row in rows
        ]

    async def next_try_s(self, channel: str) -> int | None:
        """Return when the channel's next message is due, None when nothing is owed."""
        t = tables.outbox.c
        query = select(func.min(t.next_try_s)).where(t.state == "pending", t.channel == channel)
        async with self._database.reading() as connection:
            due_s: int | None = (await connection.execute(query)).scalar_one()
        return due_s

    async def mark_sent(self, message: Deliverable, now_s: int) -> None:
        """Record that the channel accepted the message."""
        await self._settle(message, "sent", now_s, "", state="sent", attempts=message.attempts + 1)

    async def defer(self, message: Deliverable, now_s: int, next_try_s: int, why: str) -> None:
        """Record a failed try and when the next one is."""
        await self._settle(message, "deferred", now_s, why, next_try_s=next_try_s, attempts=message.attempts + 1)

    async def reroute(self, message: Deliverable, now_s: int, why: str) -> None:
        """Record that this route refuses, and go on with the recipient's next one; without one the message is dead."""
        index = message.route_index + 1
        if index == len(message.recipient.routes):
            await self._settle(message, "refused", now_s, why, state="dead", attempts=message.attempts + 1)
            return
        route = message.recipient.routes[index]
        where: dict[str, str | int] = {"route": index, "channel": route.channel, "address": route.address}
        await self._settle(message, "refused", now_s, why, attempts=0, next_try_s=0, **where)

    async def _settle(self, message: Deliverable, outcome: str, now_s: int, why: str, **values: str | int) -> None:
        t, reach = tables.outbox.c, self._database.reach
        async with self._database.writing() as connection:
            # A newer message may have superseded this one while it was under way; what was sent stays sent.
            still = t.state.in_(("pending", "superseded") if outcome == "sent" else ("pending",))
            await connection.execute(update(tables.outbox).where(t.id == message.id, still).values(**values))
            reach(f"queue: {outcome} written")
            record = {"outbox": message.id, "channel": message.route.channel, "outcome": outcome, "at_s": now_s}
            record["detail"] = why[:_DETAIL_CHARACTERS]
            await connection.execute(tables.deliveries.insert().values(record))
            reach(f"queue: {outcome} recorded")
        reach(f"queue: {outcome} done")


def _due(now_s: int) -> ColumnElement[bool]:
    # A deadline further ahead than any wait was set by a clock that has since been put back.
    t = tables.outbox.c.next_try_s
    return or_(t <= now_s, t > now_s + LONGEST_WAIT_S)
