"""A consistent copy of a store that is in use."""

import os
import secrets
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, func, select

from monitor.errors import StoreError, UsageError
from monitor.store import tables

BUSY_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds: rows by table, and its size."""

    rows: dict[str, int]
    size_bytes: int


def backup(source: URL, target: Path) -> Copied:
    """Copy a SQLite store as it stands at one moment; the copy is whole and proven before it gets its name.

    The right to work on the store is not copied. Raises UsageError when the store is none of this kind or does not
    exist, or the target cannot be made or is there already; StoreError when the database refuses.
    """
    if source.get_backend_name() != "sqlite":
        raise UsageError("expected a SQLite store; copy a PostgreSQL database with pg_dump --format=custom")
    if not Path(str(source.database)).is_file():
        raise UsageError(f"expected a store at {source.database}, found none")
    if target.exists():
        raise UsageError(f"expected a file that does not exist yet, found {target}: choose another name")
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        _copy(str(source.database), part)
        copied = _proven(part)
        # A link, unlike a rename, never replaces a file that has appeared meanwhile.
        os.link(part, target)
        _flush(target.parent)
    except FileExistsError as e:
        raise UsageError(f"expected a file that does not exist yet, found {target}: choose another name") from e
    except OSError as e:
        raise UsageError(f"expected a place for the copy at {target}: {e.strerror}") from e
    except sqlite3.Error as e:
        raise StoreError(f"expected to copy {source.database} to {target}: {e}") from e
    finally:
        part.unlink(missing_ok=True)
    return copied


def _copy(source: str, part: Path) -> None:
    if not part.parent.is_dir():
        raise UsageError(f"expected a folder at {part.parent}, found none")
    with closing(sqlite3.connect(source, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as connection:
        connection.execute("VACUUM INTO ?", (str(part),))


def _proven(part: Path) -> Copied:
    with closing(sqlite3.connect(part)) as connection:
        (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise StoreError(f"the copy is not whole, so the store is not either: {found}")
        named = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        known = {name for (name,) in named}
        rows = {
            name: int(connection.execute(str(select(func.count()).select_from(table))).fetchone()[0])
            for name, table in sorted(tables.metadata.tables.items())
            if name in known
        }
        if tables.leases.name in known:
            connection.execute("UPDATE leases SET holder = '', place = ''")
        connection.commit()
    _flush(part)
    return Copied(rows, part.stat().st_size)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
