"""Opens the database: one writing connection and a few that only read; SQLite in WAL with every commit on disk."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from monitor.errors import ConfigError
from monitor.store.engine.driver import Connections

BUSY_TIMEOUT_S = 5
READERS = 4
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
_PRAGMAS = ("PRAGMA foreign_keys = ON", "PRAGMA busy_timeout = 5000", "PRAGMA synchronous = FULL")


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


@asynccontextmanager
async def engines(url: URL) -> AsyncIterator[tuple[AsyncEngine, AsyncEngine]]:
    """Give the engine that writes and the one that only reads, and close all their connections at the end.

    The one that writes has one connection; its transactions take the write lock when they begin.
    Raises ConfigError when the driver is not installed.
    """
    ours = Connections()
    write = ("PRAGMA journal_mode = WAL", *_PRAGMAS)
    writer = _engine(url, ours, pool_size=1, begin="BEGIN IMMEDIATE", pragmas=write)
    reader = _engine(url, ours, pool_size=READERS, begin="BEGIN", pragmas=(*_PRAGMAS, "PRAGMA query_only = ON"))
    try:
        yield writer, reader
    finally:
        await reader.dispose()
        await writer.dispose()
        await ours.close()


def _engine(url: URL, ours: Connections, pool_size: int, begin: str, pragmas: tuple[str, ...]) -> AsyncEngine:
    try:
        if url.get_backend_name() != "sqlite":
            return create_async_engine(url, pool_size=pool_size, max_overflow=0, pool_pre_ping=True)
        # isolation_level None stops the driver from opening transactions of its own.
        own = {"isolation_level": None, "timeout": BUSY_TIMEOUT_S}
        engine = create_async_engine(url, pool_size=pool_size, max_overflow=0, connect_args=own)
    except (NoSuchModuleError, ModuleNotFoundError) as e:
        raise ConfigError(f"the database driver {url.drivername} is not installed: pip install 'hfm[postgres]'") from e

    @event.listens_for(engine.sync_engine, "do_connect")
    def _connect(_: Dialect, __: ConnectionPoolEntry, ___: list[str], options: dict[str, Any]) -> None:
        options["async_creator_fn"] = ours.opened

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
