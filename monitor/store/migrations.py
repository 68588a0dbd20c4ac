"""Named changes to the tables, each applied once in a transaction of its own; a newer database is refused."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, event, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from monitor.clock import Clock
from monitor.errors import ConfigError
from monitor.store import tables


@dataclass(frozen=True, slots=True)
class Migration:
    """One change; its name never changes once it has been released."""

    name: str
    apply: Callable[[Connection], None]


_PROFIT_KEY = (
    "ALTER TABLE positions ADD COLUMN profit_key TEXT NOT NULL DEFAULT '99999999999999999999999999999999999999999'"
)
_PROFIT_CENTS = {
    "sqlite": "ALTER TABLE positions ADD COLUMN profit_cents INTEGER",
    "postgresql": "ALTER TABLE positions ADD COLUMN profit_cents BIGINT",
}
_LEDGERS = (tables.ledgers, tables.ledger_parts, tables.ledger_steps)
_PEOPLE = (
    tables.subscribers,
    tables.contacts,
    tables.watches,
    tables.silences,
    tables.acks,
    tables.held,
    tables.links,
    tables.own_states,
    tables.revisions,
)


def _first_light(connection: Connection) -> None:
    others = (tables.events, tables.audits, tables.probations, tables.api_keys, tables.leases, tables.acked_by)
    later = (*_LEDGERS, *_PEOPLE, *others)
    first = [table for table in tables.metadata.sorted_tables if table not in later]
    tables.metadata.create_all(connection, tables=first)


def _ledgers(connection: Connection) -> None:
    tables.metadata.create_all(connection, tables=_LEDGERS)


def _events(connection: Connection) -> None:
    tables.metadata.create_all(connection, tables=(tables.events,))


def _time_to_liquidation(connection: Connection) -> None:
    known = {column["name"] for column in inspect(connection).get_columns(tables.positions.name)}
    if tables.positions.c.time_to_liquidation_s.name not in known:
        connection.execute(text("ALTER TABLE positions ADD COLUMN time_to_liquidation_s INTEGER"))


def _nearness(connection: Connection) -> None:
    known = {column["name"] for column in inspect(connection).get_columns(tables.positions.name)}
    if tables.positions.c.nearness.name not in known:
        connection.execute(text("ALTER TABLE positions ADD COLUMN nearness TEXT"))


def _audits(connection: Connection) -> None:
    tables.metadata.create_all(connection, tables=(tables.audits,))


def _probations(connection: Connection) -> None:
    tables.metadata.create_all(connection, tables=(tables.probations,))


def _people(connection: Connection) -> None:
    known = {column["name"] for column in inspect(connection).get_columns(tables.outbox.name)}
    if tables.outbox.c.token.name not in known:
        connection.execute(text("ALTER TABLE outbox ADD COLUMN wait_s INTEGER NOT NULL DEFAULT 0"))
        connection.execute(text("ALTER TABLE outbox ADD COLUMN step INTEGER NOT NULL DEFAULT 0"))
        connection.execute(text("ALTER TABLE outbox ADD COLUMN leader INTEGER"))
        connection.execute(text("ALTER TABLE outbox ADD COLUMN token TEXT"))
        connection.execute(text("ALTER TABLE outbox ADD COLUMN label TEXT"))
        connection.execute(text("CREATE UNIQUE INDEX outbox_token ON outbox (token)"))
    tables.metadata.create_all(connection, tables=_PEOPLE)


def _keepers(connection: Connection) -> None:
    known = {column["name"] for column in inspect(connection).get_columns(tables.positions.name)}
    if tables.positions.c.profit_key.name not in known:
        connection.execute(text(_PROFIT_KEY))
        connection.execute(text(_PROFIT_CENTS[connection.dialect.name]))
        connection.execute(text("ALTER TABLE positions ADD COLUMN is_liquidatable INTEGER"))
        connection.execute(text("ALTER TABLE positions ADD COLUMN tokens TEXT"))
    tables.metadata.create_all(connection, tables=(tables.api_keys,))


def _leases(connection: Connection) -> None:
    tables.metadata.create_all(connection, tables=(tables.leases,))


def _retention(connection: Connection) -> None:
    for table, name in ((tables.outbox, "outbox_by_alert"), (tables.deliveries, "deliveries_by_outbox")):
        next(index for index in table.indexes if index.name == name).create(connection, checkfirst=True)


def _acked_by(connection: Connection) -> None:
    tables.metadata.create_all(connection, tables=(tables.acked_by,))


MIGRATIONS = (
    Migration("first_light", _first_light),
    Migration("ledgers", _ledgers),
    Migration("events", _events),
    Migration("time_to_liquidation", _time_to_liquidation),
    Migration("audits", _audits),
    Migration("probations", _probations),
    Migration("nearness", _nearness),
    Migration("people", _people),
    Migration("keepers", _keepers),
    Migration("leases", _leases),
    Migration("retention", _retention),
    Migration("acked_by", _acked_by),
)


async def pending(engine: AsyncEngine, known: tuple[Migration, ...] = MIGRATIONS) -> tuple[Migration, ...]:
    """Return what the database still lacks.

    Raises ConfigError when it holds a change this program does not know.
    """
    async with engine.connect() as connection:
        applied = await connection.run_sync(_applied)
    unknown = applied - {m.name for m in known}
    if unknown:
        raise ConfigError(
            f"the database was written by a newer hfm (it has {', '.join(sorted(unknown))}): "
            "use that version again, or restore a backup made before the upgrade"
        )
    return tuple(m for m in known if m.name not in applied)


async def migrate(
    engine: AsyncEngine, clock: Clock, reach: Callable[[str], None], known: tuple[Migration, ...] = MIGRATIONS
) -> None:
    """Apply what is pending, in order; one that is cut short leaves nothing."""
    for migration in await pending(engine, known):
        async with engine.begin() as connection:
            event.listen(connection.sync_connection, "before_cursor_execute", _reaching(reach))
            reach("migration: begun")
            await connection.run_sync(migration.apply)
            reach("migration: applied")
            row = {"name": migration.name, "applied_s": clock.wall_s()}
            await connection.execute(tables.migrations.insert().values(row))
            reach("migration: recorded")
        reach("migration: committed")


def _reaching(reach: Callable[[str], None]) -> Callable[..., None]:
    def executing(*_: object) -> None:
        reach("migration: statement")

    return executing


def _applied(connection: Connection) -> set[str]:
    if not inspect(connection).has_table(tables.migrations.name):
        return set()
    return set(connection.execute(select(tables.migrations.c.name)).scalars())
