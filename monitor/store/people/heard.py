"""What one step says of those who are told: what they remember on their own, and what no longer waits for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.rules.state import PositionState
from monitor.store import records, tables
from monitor.store.engine import Database
from monitor.store.people import owed
from monitor.store.people.people import bump


@dataclass(frozen=True, slots=True)
class Heard:
    """A part of a commit.

    `own` is what is remembered of positions for subscribers with thresholds of their own. `released` are held alerts
    by recipient and key, `over` acknowledgements by recipient and incident, that wait no longer. `digested` says for
    whom the digest of which local date is among the notices.
    """

    own: Sequence[tuple[str, PositionState]] = ()
    released: Sequence[tuple[str, str]] = ()
    over: Sequence[tuple[str, str]] = ()
    digested: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


async def write(connection: AsyncConnection, database: Database, heard: Heard) -> None:
    """Write the part in the transaction of its commit."""
    if heard.own:
        rows = [
            {"subscriber": name, "position": str(state.position), "state": records.state_record(state)["state"]}
            for name, state in heard.own
        ]
        await connection.execute(database.upsert(tables.own_states), rows)
    await owed.let_go(connection, heard.released, heard.over)
    for name, day in heard.digested.items():
        mine = tables.subscribers.c.name == name
        await connection.execute(update(tables.subscribers).where(mine).values(digested_on=day))
    if heard.digested:
        await bump(connection, database)
    database.reach("commit: people written")
