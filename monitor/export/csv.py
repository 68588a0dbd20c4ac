"""Rows as CSV that a spreadsheet opens without running anything."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from monitor.domain.row import COLUMNS, Cell, Row
from monitor.export.columns import JSON, NUMBERS
from monitor.export.text import text_file

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_TRIGGER = r"[=+\-@＝＋－＠﹦﹢﹣﹫−]"
_SKIPPED = r"""\s\x00-\x1f\u200b-\u200f\u2060\ufeff"'`´‘’“”＂＇"""
_FORMULA = re.compile(rf"[\t\r\n]|[{_SKIPPED}]*{_TRIGGER}")
# A sheet that splits at semicolons, tabs or bars sees cells inside ours, and each of them may be a formula.
_INNER_FORMULA = re.compile(rf"(?<=[;|\t\r\n])(?=[{_SKIPPED}]*{_TRIGGER})")


@contextmanager
def csv_file(path: Path) -> Iterator[Callable[[Sequence[Row]], None]]:
    """Open a CSV file: RFC 4180 in UTF-8 with a header, empty cells for what is unknown, `true` and `false`.

    Text that a spreadsheet could take for a formula is preceded by an apostrophe; numbers never are.
    """
    with text_file(path, "utf-8") as file:
        sheet = csv.writer(file)
        sheet.writerow(COLUMNS)
        yield lambda rows: sheet.writerows([_cell(name, row[name]) for name in COLUMNS] for row in rows)


def csv_text(rows: Sequence[Row]) -> bytes:
    """Return rows as the same file's bytes."""
    text = io.StringIO(newline="")
    sheet = csv.writer(text)
    sheet.writerow(COLUMNS)
    sheet.writerows([_cell(name, row[name]) for name in COLUMNS] for row in rows)
    return text.getvalue().encode("utf-8", errors="backslashreplace")


def inert(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: an apostrophe stands wherever one would start."""
    safe = _INNER_FORMULA.sub("'", text)
    return f"'{safe}" if _FORMULA.match(safe) else safe


def _cell(column: str, cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case int():
            return str(cell)
        case str() if column in NUMBERS and _NUMBER.fullmatch(cell):
            return cell
        case str() if column in JSON and cell.startswith(("[", "{")):
            # In JSON a semicolon stands only inside a string, where its escape means the same and splits nothing.
            return cell.replace(";", "\\u003b")
        case str():
            return inert(cell)
