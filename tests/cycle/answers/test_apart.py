"""Long answers: once for each version of a book, and seldom while they take long."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from monitor.cycle.answers.apart import Apart
from monitor.cycle.book import Book
from tests.fakes.clock import FakeClock


class Shelf:
    """What an answer needs of a book."""

    def __init__(self) -> None:
        self.version, self.outlook, self.slots = 1, object(), [1]
        self.journal: Any = SimpleNamespace(ledger=["account"])


def shelf() -> tuple[Any, Book]:
    """Return the same twice: to be changed, and to be asked of."""
    made = Shelf()
    return made, cast("Book", made)


async def test_a_long_answer_is_given_for_a_while_after_the_book_moved_on():
    clock = FakeClock()
    apart, (book, asked) = Apart(clock), shelf()
    loop, made = asyncio.get_running_loop(), 0

    def work(_: Book) -> int:
        nonlocal made
        made += 1
        asyncio.run_coroutine_threadsafe(clock.advance(2), loop).result(5)
        return made

    assert await apart.of(asked, "long", work) == 1
    book.version += 1
    assert await apart.of(asked, "long", work) == 1
    await clock.advance(7.9)
    assert await apart.of(asked, "long", work) == 1
    await clock.advance(0.2)
    assert await apart.of(asked, "long", work) == 2
    assert await apart.of(asked, "other", work) == 3


async def test_a_short_answer_is_another_as_soon_as_the_book_is():
    apart, (book, asked) = Apart(FakeClock()), shelf()
    book.slots = [7]
    assert await apart.of(asked, "short", lambda still: list(cast("Any", still).slots)) == [7]
    book.slots, book.version = [8], 2
    assert await apart.of(asked, "short", lambda still: list(cast("Any", still).slots)) == [8]


async def test_what_is_worked_with_stays_as_it_was_while_the_book_moves_on():
    apart, (book, asked) = Apart(FakeClock()), shelf()
    loop = asyncio.get_running_loop()

    def work(still: Any) -> list[object]:
        loop.call_soon_threadsafe(book.slots.append, 2)
        loop.call_soon_threadsafe(book.journal.ledger.append, "another")
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(5)
        return [*still.slots, *still.journal.ledger]

    assert await apart.of(asked, "still", work) == [1, "account"]
    assert (book.slots, book.journal.ledger) == ([1, 2], ["account", "another"])
    book.outlook, book.version = None, 2
    assert await apart.of(asked, "between two blocks", lambda still: list(cast("Any", still).slots)) == [1]
