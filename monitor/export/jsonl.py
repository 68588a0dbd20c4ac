"""Rows as JSON lines: one object per line, with every digit of every number."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from monitor.domain.row import COLUMNS, Row
from monitor.export.columns import JSON
from monitor.export.text import text_file


@contextmanager
def jsonl_file(path: Path) -> Iterator[Callable[[Sequence[Row]], None]]:
    """Open a JSON lines file, in ASCII so that no reader finds a line end inside a row.

    The columns that hold JSON are nested values, unknown cells are null, big integers and decimals are strings.
    """
    with text_file(path, "ascii") as file:
        yield lambda rows: file.writelines(map(_line, rows))


def _line(row: Row) -> str:
    cells = ((name, row[name]) for name in COLUMNS)
    nested = {name: json.loads(cell) if name in JSON and isinstance(cell, str) else cell for name, cell in cells}
    return json.dumps(nested, ensure_ascii=True, allow_nan=False) + "\n"
