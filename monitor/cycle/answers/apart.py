"""Long answers, worked out beside the service: in a thread, of a copy of the book, once for all who ask."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from copy import copy, deepcopy
from dataclasses import dataclass
from typing import TypeVar, cast

from monitor.clock import Clock
from monitor.courtesy import apart
from monitor.cycle.book import Book

Found = TypeVar("Found")
_RECENT = 256
_LONG_MS, _TIMES = 250, 4
_KEPT_S = 60
"""How long a copy is kept at most: it takes as much memory as the market."""


@dataclass(frozen=True, slots=True)
class _Answer:
    version: int
    made_ms: int
    took_ms: int
    found: object


class Apart:
    """The answers of late, by book and question; one is worked out at a time.

    An answer holds for its version of the book. One that took long holds four times as long besides, so that they take
    a fifth of the time at most while prices move each second; it names its own block.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answers: OrderedDict[tuple[Book, Hashable], _Answer] = OrderedDict()
        self._stills: dict[Book, tuple[int, Book]] = {}
        self._turn = asyncio.Lock()

    async def of(self, book: Book, question: Hashable, work: Callable[[Book], Found]) -> Found:
        """Return what the work makes of a book that has an outlook; raises what the work raises."""
        key = book, question
        if not self._holds(key):
            async with self._turn:
                if not self._holds(key):
                    await self._make(key, work)
        self._answers.move_to_end(key)
        return cast("Found", self._answers[key].found)

    async def _make(self, key: tuple[Book, Hashable], work: Callable[[Book], Found]) -> None:
        book, started_ms = key[0], self._clock.monotonic_ms()
        version, still = self._still(book)
        found = await apart(work, still)
        now_ms = self._clock.monotonic_ms()
        self._answers[key] = _Answer(version, now_ms, now_ms - started_ms, found)
        if len(self._answers) > _RECENT:
            self._answers.popitem(last=False)

    def _still(self, book: Book) -> tuple[int, Book]:
        """Return a copy that stays as it is while the book moves on, and its version.

        It takes some ten milliseconds for 100,000 accounts. Between two blocks the copy of the one before is taken.
        """
        kept = self._stills.get(book)
        if kept is not None and (kept[0] == book.version or book.outlook is None):
            return kept
        still = copy(book)
        still.journal = copy(book.journal)
        still.journal.ledger, still.slots = deepcopy(book.journal.ledger), deepcopy(book.slots)
        kept = self._stills[book] = book.version, still
        asyncio.get_running_loop().call_later(_KEPT_S, self._stills.pop, book, None)
        return kept

    def _holds(self, key: tuple[Book, Hashable]) -> bool:
        answer = self._answers.get(key)
        if answer is None:
            return False
        is_long = answer.took_ms >= _LONG_MS
        age_ms = self._clock.monotonic_ms() - answer.made_ms
        return answer.version == key[0].version or (is_long and age_ms < _TIMES * answer.took_ms)
