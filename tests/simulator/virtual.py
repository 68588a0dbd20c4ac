"""Virtual time and a database without threads, so that one seed is one order of events, as fast as the processor."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiosqlite import core


class Crash(BaseException):
    """The process is gone at this very place."""


class Stuck(Exception):
    """Nothing is left that could ever happen."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still while anything can run, and else moves on to the next timer."""

    def __init__(self, now: float) -> None:
        super().__init__()
        self._virtual = now
        self._clock_resolution = 1e-9
        selector: Any = vars(self)["_selector"]
        waiting = selector.select

        def select(timeout: float | None = None) -> Any:
            found = waiting(0)
            if not found and timeout is None:
                raise Stuck("expected a timer or something ready to run, found neither")
            if not found and timeout:
                self._virtual += timeout
            return found

        selector.select = select

    def time(self) -> float:
        return self._virtual


class LoopClock:
    """The time of the running virtual loop; `offset_s` is what the wall clock is off by."""

    def __init__(self, wall_s: int) -> None:
        self.offset_s = wall_s

    def wall_s(self) -> int:
        return int(asyncio.get_running_loop().time()) + self.offset_s

    def monotonic_ms(self) -> int:
        return round(asyncio.get_running_loop().time() * 1000)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Disk:
    """Runs what a connection's thread would run, at once; after a crash nothing reaches the file any more."""

    def __init__(self) -> None:
        self.is_lost = False
        self._open: list[sqlite3.Connection] = []

    def run(self, future: asyncio.Future[Any] | None, function: Callable[[], Any]) -> None:
        if self.is_lost:
            if future is not None:
                future.set_exception(sqlite3.OperationalError("the process is gone"))
            return
        try:
            result = function()
        except Exception as e:  # noqa: BLE001  # as the thread does: whoever waits is told
            if future is not None:
                future.set_exception(e)
            return
        if isinstance(result, sqlite3.Connection):
            self._open.append(result)
        if future is not None:
            future.set_result(result)

    def lose(self) -> None:
        """Close the files as the kernel does for a process that is killed: what was not committed is gone."""
        self.is_lost = True
        for connection in self._open:
            connection.close()
        self._open.clear()


@contextmanager
def without_threads(patch: pytest.MonkeyPatch) -> Iterator[Callable[[], Disk]]:
    """Have connections of aiosqlite run their work at once; give what makes the disk of the next life."""
    disks: list[Disk] = []

    class Queue:
        def __init__(self) -> None:
            self._disk = disks[-1]

        def put_nowait(self, item: tuple[asyncio.Future[Any] | None, Callable[[], Any]]) -> None:
            self._disk.run(*item)

    class NoThread:
        daemon = True

        def __init__(self, **_: Any) -> None:
            pass

        def start(self) -> None:
            pass

    def fresh() -> Disk:
        disks.append(Disk())
        return disks[-1]

    patch.setattr(core, "SimpleQueue", Queue)
    patch.setattr(core, "Thread", NoThread)
    yield fresh
