"""DuckDB in this process: bounded memory, nothing fetched from outside, its failures told as ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from monitor.errors import HistoryError

MEMORY = "512MB"


@contextmanager
def database(drafts: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database without a file; what does not fit in memory waits in `drafts`. Raises HistoryError."""
    own: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "threads": 2,
        "preserve_insertion_order": False,
    }
    if drafts is not None:
        own["temp_directory"] = str(drafts / "spilled")
    try:
        with duckdb.connect(config=own) as opened:
            yield opened
    except duckdb.Error as e:
        raise HistoryError(f"expected history that can be read and written, found: {e}") from e
