"""What the bot says: lines of its own words, in which whatever a stranger wrote has passed `safe_line`."""

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.outbox.lines import KEY, Line, fitting, plain

TOAST_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Button:
    """A button and what it sends, at most 64 bytes that say nothing to anyone else."""

    text: str
    data: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One message of at most 4,096 UTF-16 units, with a row of buttons."""

    text: str
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Toast:
    """What pops up over a button that was pressed.

    `reply` goes into the chat as well. `is_done` says that the button has had its use and goes.
    """

    text: str
    reply: Reply | None = None
    is_done: bool = False


def said(*lines: str, buttons: tuple[Button, ...] = ()) -> Reply:
    """Return a reply of lines that all matter."""
    return listed([plain(KEY - 1, line) for line in lines], buttons)


def listed(lines: Iterable[Line], buttons: tuple[Button, ...] = ()) -> Reply:
    """Return a reply without the least important lines where there are too many."""
    return Reply("\n".join(line.text for line in fitting(list(lines))), buttons)
