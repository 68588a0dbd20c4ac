"""Rows as Parquet: sorted by position, zstd, written by DuckDB from columns while the rows come."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from queue import Full, Queue

import duckdb

from monitor.domain.row import COLUMNS, Row
from monitor.errors import UsageError
from monitor.export.arrow import FLAG, INTEGER, TEXT, Batch, Stream, column
from monitor.export.columns import FLAGS, INTEGERS

MEMORY = "2GB"
"""What DuckDB may hold; rows to be sorted wait beyond it on the disk of the output file."""
BATCH_ROWS = 2_048
"""So many rows are turned into columns at a time, few enough to stay in the processor's cache."""
ORDER = ("chain", "protocol", "deployment", "market", "key", "at_time")

# Each writing thread holds a group of rows, about 100 MB of lending rows.
_AS_THEY_CAME = "COPY (FROM feed) TO $path (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 40960)"
_SORTED = """COPY (FROM came ORDER BY chain, protocol, deployment, market, key, at_time)
TO $path (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 40960)"""
_FORMATS = {name: INTEGER if name in INTEGERS else FLAG if name in FLAGS else TEXT for name in COLUMNS}
_CELLS = tuple((form, itemgetter(name)) for name, form in _FORMATS.items())
_AHEAD = 4
_PATIENCE_S = 0.1
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
        "threads": 2,
    }
    with duckdb.connect(config=own) as database, ThreadPoolExecutor(1) as thread:
        came, feed = path.with_name("came"), _Feed()
        database.register("feed", feed.stream)
        feed.writing = thread.submit(_write, database, _AS_THEY_CAME, came)
        try:
            yield feed.append
        finally:
            feed.end()
        with _typed():
            feed.writing.result()
            if feed.in_order:
                came.replace(path)
            else:
                database.read_parquet(str(came)).create_view("came")
                _write(database, _SORTED, path)


class _Feed:
    """Rows on their way to the thread that writes them, a few batches ahead of it."""

    def __init__(self) -> None:
        self._batches: Queue[Batch | None] = Queue(_AHEAD)
        self._last: tuple[object, ...] = ()
        self.stream = Stream(_FORMATS, iter(self._batches.get, None))
        self.writing: Future[None] = Future()
        self.in_order = True

    def append(self, rows: Sequence[Row]) -> None:
        """Take rows, in any order; raises UsageError where the writing has failed."""
        for start in range(0, len(rows), BATCH_ROWS):
            some = rows[start : start + BATCH_ROWS]
            places = [self._last, *map(_place, some)]
            self.in_order = self.in_order and all(a <= b for a, b in pairwise(places))
            self._last = places[-1]
            columns = [column(form, list(map(cells, some))) for form, cells in _CELLS]
            self._put((len(some), columns))
            if self.writing.done():
                with _typed():
                    self.writing.result()

    def end(self) -> None:
        """Let the writing come to its end; what it came to stands in `writing`."""
        self._put(None)

    def _put(self, batch: Batch | None) -> None:
        while not self.writing.done():
            with suppress(Full):
                self._batches.put(batch, timeout=_PATIENCE_S)
                break


def _write(database: duckdb.DuckDBPyConnection, statement: str, path: Path) -> None:
    # Not by `write_parquet`, which keeps Python waiting while it writes.
    database.execute(statement, {"path": str(path)})


@contextmanager
def _typed() -> Iterator[None]:
    try:
        yield
    except duckdb.Error as e:
        raise UsageError(f"cannot write the Parquet file: {e}. Choose another output file") from e
