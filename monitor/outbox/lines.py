"""The lines a message is made of, and which of them stay when it is too long."""

import html
from collections.abc import Iterable
from dataclasses import dataclass

CHARACTERS = 4096
KEY = 9


@dataclass(frozen=True, slots=True)
class Line:
    """One line; those with the lowest `keep` go first when a message is too long, those with KEY never."""

    keep: int
    text: str
    html: str


EMPTY = Line(KEY, "", "")


def plain(keep: int, text: str) -> Line:
    """Return a line as it is."""
    return Line(keep, text, html.escape(text))


def strong(keep: int, text: str) -> Line:
    """Return a line that stands out."""
    return Line(keep, text, f"<b>{html.escape(text)}</b>")


def fitting(lines: list[Line]) -> list[Line]:
    """Return the lines without the least important ones, so that either form has at most 4,096 UTF-16 units."""
    while max(_length(line.text for line in lines), _length(line.html for line in lines)) > CHARACTERS:
        least = min(line.keep for line in lines)
        if least == KEY:
            break
        last = max(i for i, line in enumerate(lines) if line.keep == least)
        lines = [*lines[:last], *lines[last + 1 :]]
    return lines


def _length(lines: Iterable[str]) -> int:
    return sum(len(line.encode("utf-16-le")) // 2 + 1 for line in lines)
