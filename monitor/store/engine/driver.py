"""SQLite's connections, each on a thread of its own that ends with it, however its user was cut off."""

import asyncio
import sqlite3
from functools import partial
from typing import Any
from weakref import WeakSet

import aiosqlite

_ROWS_AT_ONCE = 64


class _Connection(aiosqlite.Connection):
    """A connection that is stopped once: asked again, aiosqlite 0.22 waits for ever for a thread that has ended."""

    def __init__(self, file: str, **options: Any) -> None:
        super().__init__(partial(sqlite3.connect, file, **options), _ROWS_AT_ONCE)
        # Whoever is left over must not keep the process from ending.
        self._thread.daemon = True
        self._stopped: asyncio.Future[Any] | None = None

    def stop(self) -> asyncio.Future[Any] | None:
        """Have it closed, after what was asked of it before; return what comes once it is."""
        if self._running:
            self._stopped = super().stop()
        return self._stopped


class Connections:
    """All that were opened and may be open still: the pool forgets one whose user was cut off as it gave it back."""

    def __init__(self) -> None:
        self._made = WeakSet[_Connection]()
        self._is_closed = False

    async def opened(self, file: str, **options: Any) -> aiosqlite.Connection:
        """Open a file, with options of `sqlite3.connect`; raises OperationalError once all are closed."""
        if self._is_closed:
            raise sqlite3.OperationalError("the store is closed")
        connection = _Connection(file, **options)
        self._made.add(connection)
        return await connection

    async def close(self) -> None:
        """Close those that are open, and wait until no thread has anything more to tell this event loop."""
        self._is_closed = True
        ends = [end for connection in self._made if (end := connection.stop()) is not None]
        if ends:
            await asyncio.wait(ends)
