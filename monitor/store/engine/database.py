"""Transactions: one that writes at a time, several that read, each whole or not at all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from monitor.store.failure import typed

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
