"""Work that goes on side by side: a few pieces at a time, or beside the caller."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")
Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
"""Starts work that goes on beside the caller, and whose end somebody else awaits."""

WIDTH = 4


async def in_parallel(jobs: Iterable[Callable[[], Awaitable[T]]]) -> list[T]:
    """Return the results in the order of the jobs, which are taken one by one as earlier ones end.

    The first failure cancels the others and is raised as it is.
    """
    results: dict[int, T] = {}
    waiting = enumerate(jobs)

    async def worker() -> None:
        for position, job in waiting:
            results[position] = await job()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(WIDTH):
                group.create_task(worker())
    except BaseExceptionGroup as failures:
        raise _first(failures) from None
    return [results[i] for i in range(len(results))]


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
