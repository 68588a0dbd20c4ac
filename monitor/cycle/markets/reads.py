"""Reads of many markets that share their requests, a bounded number at a time; what fails of one is its own."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from monitor.cycle.outlook import A, Reads
from monitor.domain.ids import PositionKey
from monitor.errors import ReadError
from monitor.query import Ask, attempt, together

MARKETS_PER_READ = 50
ACCOUNTS_PER_READ = 20_000

K = TypeVar("K")
T = TypeVar("T")


async def each(source: Reads[A], asks: Sequence[Ask[T]], at: A) -> list[T | ReadError]:
    """Return what each read returns, or its ReadError in its place.

    Raises ReadError when the source itself does not answer.
    """
    found: list[T | ReadError] = []
    for start in range(0, len(asks), MARKETS_PER_READ):
        share = asks[start : start + MARKETS_PER_READ]
        found += await source.read(together(*(attempt(ask) for ask in share)), at)
    return found


def shares(
    wanted: Iterable[tuple[K, Sequence[PositionKey]]], most: int = ACCOUNTS_PER_READ
) -> Iterator[list[tuple[K, Sequence[PositionKey]]]]:
    """Yield in order what to read at once: of each market some keys, those of one with many in several shares.

    A market without keys has one share, an empty one.
    """
    share, count = list[tuple[K, Sequence[PositionKey]]](), 0
    for which, keys in wanted:
        start = 0
        while start < max(len(keys), 1):
            some = keys[start : start + most - count]
            share.append((which, some))
            start, count = start + max(len(some), 1), count + len(some)
            if count == most or len(share) == MARKETS_PER_READ:
                yield share
                share, count = [], 0
    if share:
        yield share
