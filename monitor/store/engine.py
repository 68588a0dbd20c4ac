"""Opens the database: one writing connection and a few that only read; SQLite in WAL with every commit on disk."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing

from sqlalchemy import URL, Connection, Table, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from monitor.errors import ConfigError
from monitor.store.failure import typed

BUSY_TIMEOUT_S = 5
READERS = 4
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
_PRAGMAS = ("PRAGMA foreign_keys = ON", "PRAGMA busy_timeout = 5000", "PRAGMA synchronous = FULL")

Reach = Callable[[str], None]
"""Called with the name of each place where a crash would matter; tests crash there."""
Fence = Callable[[AsyncConnection], Awaitable[None]]
"""Called in each transaction that writes, before anything else; raises when this process may write no more."""


class Database:
    """The one way to write and the few ways to read; with a `fence` for as long as it may write."""

    def __init__(self, writer: AsyncEngine, reader: AsyncEngine, reach: Reach) -> None:
        self._writer = writer
        self._reader = reader
        self._turn = asyncio.Lock()
        self._upserts: dict[str, sqlite.Insert | postgresql.Insert] = {}
        self.reach = reach
        self.fence: Fence | None = None

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Give the writing connection for one transaction: all of it is on disk afterwards, or none.

        Raises StoreFull, StoreError, and what the fence raises.
        """
        with typed():
            async with self._turn, self._writer.begin() as connection:
                if self.fence is not None:
                    await self.fence(connection)
                yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection that sees one consistent state; raises StoreError."""
        with typed():
            async with self._reader.begin() as connection:
                yield connection

    def upsert(self, table: Table) -> "sqlite.Insert | postgresql.Insert":
        """Return an INSERT that replaces the row of the same primary key."""
        if table.name not in self._upserts:
            insert = self._insert(table)
            keys = [column.name for column in table.primary_key]
            rest = {column.name: insert.excluded[column.name] for column in table.columns if not column.primary_key}
            self._upserts[table.name] = insert.on_conflict_do_update(index_elements=keys, set_=rest)
        return self._upserts[table.name]

    def insert_new(self, table: Table) -> "sqlite.Insert | postgresql.Insert":
        """Return an INSERT that leaves alone what is there already."""
        return self._insert(table).on_conflict_do_nothing()

    def _insert(self, table: Table) -> "sqlite.Insert | postgresql.Insert":
        return sqlite.insert(table) if self._writer.dialect.name == "sqlite" else postgresql.insert(table)


def database_url(text: str) -> URL:
    """Return the URL with the driver this program uses.

    Raises ConfigError when it names no SQLite file and no PostgreSQL database.
    """
    try:
        url = make_url(text)
    except ArgumentError as e:
        raise ConfigError(f"expected a database such as sqlite:///hfm.db, found {text[:80]!r}") from e
    backend = url.get_backend_name()
    if backend not in _DRIVERS or (backend == "sqlite" and url.database in {None, "", ":memory:"}):
        raise ConfigError(f"expected a SQLite file or a PostgreSQL database, found {url.render_as_string()!r}")
    return url.set(drivername=_DRIVERS[backend])


def probe(url: URL) -> None:
    """Open the file and take its write lock once, before anything else runs.

    Raises ConfigError saying what is wrong with it.
    """
    if url.get_backend_name() != "sqlite":
        return
    try:
        with closing(sqlite3.connect(str(url.database), timeout=BUSY_TIMEOUT_S, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as e:
        raise ConfigError(f"expected a database that can be written at {url.database}: {e}") from e


def writer(url: URL) -> AsyncEngine:
    """Return the engine of the one connection that writes; its transactions take the write lock when they begin."""
    return _engine(url, pool_size=1, begin="BEGIN IMMEDIATE", pragmas=("PRAGMA journal_mode = WAL", *_PRAGMAS))


def reader(url: URL) -> AsyncEngine:
    """Return the engine of the connections that read and cannot write."""
    return _engine(url, pool_size=READERS, begin="BEGIN", pragmas=(*_PRAGMAS, "PRAGMA query_only = ON"))


def _engine(url: URL, pool_size: int, begin: str, pragmas: tuple[str, ...]) -> AsyncEngine:
    try:
        if url.get_backend_name() != "sqlite":
            return create_async_engine(url, pool_size=pool_size, max_overflow=0, pool_pre_ping=True)
        # isolation_level None stops the driver from opening transactions of its own.
        own = {"isolation_level": None, "timeout": BUSY_TIMEOUT_S}
        engine = create_async_engine(url, pool_size=pool_size, max_overflow=0, connect_args=own)
    except (NoSuchModuleError, ModuleNotFoundError) as e:
        raise ConfigError(f"the database driver {url.drivername} is not installed: pip install 'hfm[postgres]'") from e

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
