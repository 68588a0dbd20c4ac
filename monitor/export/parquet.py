"""Rows as Parquet: sorted by position, zstd, written by DuckDB from columns."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from operator import itemgetter
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from monitor.domain.row import COLUMNS, Cell, Row
from monitor.errors import UsageError
from monitor.export.columns import FLAGS, INTEGERS, TEXTS

MEMORY = "2GB"
"""What DuckDB may hold; rows beyond it wait on the disk of the output file."""
ROW_GROUP = 40_960
"""Each writing thread holds one group, about 100 MB of lending rows."""
ORDER = ("chain", "protocol", "deployment", "market", "key", "at_time")

_TYPES = {**dict.fromkeys(INTEGERS, np.int64), **dict.fromkeys(FLAGS, np.bool_)}
_cells = itemgetter(*COLUMNS)
_place = itemgetter(*ORDER)


@contextmanager
def parquet_file(path: Path) -> Iterator[Callable[[Sequence[Row]], None]]:
    """Open a Parquet file: `at_block` and `at_time` BIGINT, the flags BOOLEAN, every other column VARCHAR.

    Numbers beyond 64 bits are exact only as text: `CAST(debt_usd AS DECIMAL(38, 2))` where a reader calculates.
    `legs`, `liquidation_prices` and `blockers` are JSON text. Raises UsageError when the file cannot be written.
    """
    own: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "temp_directory": str(path.with_name("waiting")),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(config=own) as database:
        staged = _Staged(database)
        with _typed():
            staged.prepare()
        yield staged.append
        with _typed():
            staged.write(path)


class _Staged:
    """Rows waiting in DuckDB until the last has come."""

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        self._database = database
        self._last: tuple[object, ...] = ()
        self._in_order = True

    def prepare(self) -> None:
        """Make the table that the rows wait in."""
        # No sample of the cells decides a type: all come as text, and the table casts them.
        self._database.execute("SET pandas_analyze_sample = 0")
        self._database.register("chunk", {name: np.empty(0, _TYPES.get(name, np.object_)) for name in COLUMNS})
        self._database.execute("CREATE TABLE staged AS FROM chunk")
        # One transaction, since a commit for each chunk costs six times the chunk, and one thread, since a chunk is
        # too small to share.
        self._database.execute("SET threads = 1")
        self._database.begin()

    def append(self, rows: Sequence[Row]) -> None:
        """Take one chunk; its rows may come in any order."""
        places = [self._last, *map(_place, rows)]
        self._in_order = self._in_order and all(a <= b for a, b in pairwise(places))
        self._last = places[-1]
        cells = zip(*map(_cells, rows), strict=True)
        chunk = {name: _column(name, column) for name, column in zip(COLUMNS, cells, strict=True)}
        with _typed():
            self._database.register("chunk", chunk)
            self._database.execute("INSERT INTO staged FROM chunk")

    def write(self, path: Path) -> None:
        """Write the file; rows that already came in order are not sorted again."""
        self._database.execute("SET threads = 2")
        staged = self._database.table("staged")
        in_order = staged if self._in_order else staged.order(", ".join(ORDER))
        in_order.write_parquet(str(path), compression="zstd", row_group_size=ROW_GROUP)


def _column(name: str, cells: Sequence[Cell]) -> NDArray[np.object_]:
    column = np.empty(len(cells), dtype=object)
    column[:] = cells
    if name in TEXTS:
        for place, cell in enumerate(cells):
            if isinstance(cell, str) and not cell.isascii():
                column[place] = cell.encode(errors="backslashreplace").decode()
    return column


@contextmanager
def _typed() -> Iterator[None]:
    try:
        yield
    except duckdb.Error as e:
        raise UsageError(f"cannot write the Parquet file: {e}. Choose another output file") from e
