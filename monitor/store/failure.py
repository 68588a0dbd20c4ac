"""Turns what the database driver raises into this program's own errors."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from monitor.errors import StoreError, StoreFull

# A full disk is SQLITE_FULL; a quota or a limit on the file's size comes as a failed write or extension of the file.
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE}
_POSTGRES_FULL = "53100"


@contextmanager
def typed() -> Iterator[None]:
    """Raise StoreFull when there is no space left, StoreError for anything else the database refuses."""
    try:
        yield
    except SQLAlchemyError as e:
        cause = driver_error(e)
        if _is_full(cause):
            raise StoreFull(f"no space left for the database: {cause}. Free space; work goes on by itself") from e
        raise StoreError(f"the database refused: {cause}") from e


def driver_error(error: BaseException) -> BaseException:
    """Return what the driver itself said."""
    while isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    return error.__cause__ if error.__cause__ is not None and not hasattr(error, "sqlite_errorcode") else error


def _is_full(cause: BaseException) -> bool:
    if getattr(cause, "sqlstate", None) == _POSTGRES_FULL:
        return True
    return getattr(cause, "sqlite_errorcode", None) in _FULL
