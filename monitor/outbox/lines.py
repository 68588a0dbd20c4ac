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
    text, marked = (sum(sizes) for sizes in zip(*map(_sizes, lines), strict=True)) if lines else (0, 0)
    gone = set[int]()
    for index in sorted(range(len(lines)), key=lambda index: (lines[index].keep, -index)):
        if max(text, marked) <= CHARACTERS or lines[index].keep == KEY:
            break
        size, marked_size = _sizes(lines[index])
        text, marked = text - size, marked - marked_size
        gone.add(index)
    return [line for index, line in enumerate(lines) if index not in gone]


def length(lines: Iterable[Line]) -> int:
    """Return how many UTF-16 units the longer of the two forms has."""
    return max((sum(sizes) for sizes in zip(*map(_sizes, lines), strict=True)), default=0)


def _sizes(line: Line) -> tuple[int, int]:
    return len(line.text.encode("utf-16-le")) // 2 + 1, len(line.html.encode("utf-16-le")) // 2 + 1
