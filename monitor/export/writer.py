"""One file out of many rows: the suffix names the format, and the file appears whole or not at all."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from monitor.domain.row import Row
from monitor.errors import UsageError
from monitor.export.csv import csv_file
from monitor.export.jsonl import jsonl_file
from monitor.export.parquet import parquet_file

CHUNK_ROWS = 10_000
"""So many rows are held in memory at once, a few tens of megabytes."""

Append = Callable[[Sequence[Row]], None]
FORMATS: dict[str, Callable[[Path], AbstractContextManager[Append]]] = {
    ".csv": csv_file,
    ".jsonl": jsonl_file,
    ".parquet": parquet_file,
}


class Writer:
    """Takes rows for one file, in portions of any size; `rows` counts them."""

    def __init__(self, path: Path, append: Append) -> None:
        self._path = path
        self._append = append
        self._waiting: list[Row] = []
        self.rows = 0

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows, each with every column of `COLUMNS`; other keys are left out.

        Raises UsageError when the file cannot be written; what the iterable raises passes through.
        """
        stream = iter(rows)
        while some := list(islice(stream, CHUNK_ROWS - len(self._waiting))):
            self._waiting += some
            self.rows += len(some)
            if len(self._waiting) >= CHUNK_ROWS:
                self.flush()

    def flush(self) -> None:
        """Hand on the rows that wait for their chunk to fill; the end of the block does so by itself."""
        chunk, self._waiting = self._waiting, []
        if chunk:
            with _refusing(self._path):
                self._append(chunk)


@contextmanager
def writer_for(path: Path) -> Iterator[Writer]:
    """Open a writer in the format of the path's suffix: .csv, .jsonl or .parquet.

    The rows gather beside the path and take its place when the block ends; when it fails, what stood there before
    still stands. Raises UsageError at once for another suffix or a place that cannot be written.
    """
    file = FORMATS.get(path.suffix.lower())
    if file is None:
        raise UsageError(f"expected an output file ending in {', '.join(FORMATS)}, found {str(path)!r}")
    if path.is_dir():
        raise UsageError(f"expected an output file, found the directory {str(path)!r}")
    with ExitStack() as folders, ExitStack() as files:
        with _refusing(path):
            folder = folders.enter_context(TemporaryDirectory(prefix=".hfm-", dir=path.parent))
            append = files.enter_context(file(Path(folder, "part")))
        writer = Writer(path, append)
        yield writer
        writer.flush()
        with _refusing(path):
            files.close()
            _replace(Path(folder, "part"), path)


def _replace(part: Path, path: Path) -> None:
    with part.open("rb") as written:
        os.fsync(written.fileno())
    part.replace(path)


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise UsageError(f"cannot write {str(path)!r}: {e.strerror or e}. Choose another output file") from e
