"""People and positions on a real store: evaluations go through the rules as a cycle sends them, on a fake clock."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from monitor.cycle.people.audience import Audience
from monitor.cycle.ruling import Ruling
from monitor.domain.alerts import AlertKind, Level, Route
from monitor.domain.ids import Address, PositionId
from monitor.rules.levels import Levels, merged
from monitor.store import Commit, Cursor, Store, tables
from monitor.store.people.owed import Sent
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import CHAIN, block, evaluation, position
from tests.rules.scene import LEVELS, TABLE

CHAT, MAIL, HOOK = Route("telegram", "42"), Route("email", "alice@example.org"), Route("webhook", "ops")
BLOCK_S = 12


@dataclass(frozen=True)
class Owed:
    """One row of the outbox, as a test looks at it."""

    recipient: str
    kind: AlertKind
    level: Level
    channel: str
    step: int
    due_s: int
    incident: str
    position: str
    state: str
    token: str


@dataclass
class Town:
    """One position of number 1 after another is seen; alice watches those of `owners`."""

    store: Store
    clock: FakeClock
    ruling: Ruling
    block: int = 100
    seen_rows: set[int] = field(default_factory=set)

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, wall_s: int = 1_750_000_000) -> AsyncIterator["Town"]:
        clock = FakeClock(wall_s, runs=True)
        async with Store.open(f"sqlite:///{folder / 'town.db'}", clock) as store:
            audience = Audience(lambda own: Levels.parse(TABLE, merged({}, own)), (300, 600))
            yield cls(store, clock, Ruling(store, LEVELS, audience, clock))

    async def move_in(self, name: str, *routes: Route, watches: int | tuple[int, ...] = 1) -> None:
        """Add a subscriber."""
        await self.store.people.add(name)
        for route in routes:
            await self.store.people.reach(name, route)
        for number in (watches,) if isinstance(watches, int) else watches:
            await self.store.people.watch(name, owner(number), "main")

    async def see(self, health: str, cautious: str | None = None, *, after_s: int = BLOCK_S, of: int = 1) -> list[Owed]:
        """Let time pass and one block come; return what is owed since."""
        await self.clock.sleep(after_s)
        return await self.now(health, cautious, of=of)

    async def now(self, health: str, cautious: str | None = None, *, of: int = 1) -> list[Owed]:
        """Let one block come; return what is owed since."""
        self.block += 1
        ruled = await self.ruling.judge([evaluation(health, cautious, of=position(of), at=self.block)])
        one = position(of)
        cursor = Cursor(one.deployment, one.protocol, CHAIN, block(self.block))
        step = Commit(cursor, ruled.evaluations, ruled.states, ruled.notices, heard=ruled.heard)
        await self.ruling.commit(step)
        return await self.news()

    async def news(self) -> list[Owed]:
        """Return the rows of the outbox that were not looked at before."""
        rows = [(id_, row) for id_, row in await self._rows() if id_ not in self.seen_rows]
        self.seen_rows |= {id_ for id_, _ in rows}
        return [row for _, row in rows]

    async def pending(self) -> list[Owed]:
        """Return every row that is still to be sent."""
        return [row for _, row in await self._rows() if row.state == "pending"]

    async def sent(self, row: Owed) -> Sent:
        """Return the message that a row's token names."""
        found = await self.store.owed.sent(row.token)
        assert found is not None
        return found

    async def acknowledge(self, row: Owed, for_s: int = 3600) -> bool:
        """Acknowledge the incident of a row for its recipient."""
        found = await self.sent(row)
        return await self.store.owed.acknowledge(found.recipient, found.alerts[0], for_s)

    async def _rows(self) -> list[tuple[int, Owed]]:
        o, a = tables.outbox.c, tables.alerts.c
        query = select(tables.outbox, a.kind, a.level, a.incident).join(tables.alerts, a.key == o.alert).order_by(o.id)
        async with self.store._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [
            (
                r.id,
                Owed(
                    r.recipient,
                    AlertKind(r.kind),
                    Level[r.level],
                    r.channel,
                    r.step,
                    r.next_try_s,
                    r.incident,
                    r.position,
                    r.state,
                    r.token,
                ),
            )
            for r in rows
        ]


def owner(number: int) -> Address:
    """Return who owns a position."""
    return Address(position(number).key)


def about(number: int) -> PositionId:
    """Return a position by its number."""
    return position(number)


def said(rows: list[Owed]) -> list[tuple[AlertKind, Level]]:
    """Return kinds and levels of what goes to first contacts."""
    return [(row.kind, row.level) for row in rows if not row.step]
