"""Keeps history while the service runs: takes what cycles commit, writes it now and then, and tidies up.

What a cycle offers waits in memory until the next write, at most a bounded number of rows; a crash loses those, and
whatever does not fit is dropped and counted. History never makes a cycle wait or fail.
"""

import asyncio
import fcntl
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from monitor import log
from monitor.clock import Clock
from monitor.domain.row import Evaluation, Row, row
from monitor.errors import ConfigError, HistoryError
from monitor.history.files import Partition
from monitor.history.records import MARKET, WATCHED, Record, record
from monitor.history.tidying import compact, forget, sweep
from monitor.history.writing import Draft

WRITE_EVERY_S, TIDY_EVERY_S = 30, 600
MOST_WAITING = 50_000
_CHUNK_ROWS = 1_000

_log = log.get("history")


class History:
    """The history of one folder; made by `kept`."""

    def __init__(self, root: Path, clock: Clock, keep_days: int) -> None:
        self.root, self.keep_days = root, keep_days
        self._clock = clock
        self._waiting: list[Evaluation] = []
        self._told_dropped = 0
        self._turn = asyncio.Lock()
        self.dropped = 0
        self.written = 0

    def offer(self, evaluations: Sequence[Evaluation]) -> None:
        """Take evaluations of watched positions, as far as there is room; never waits and never fails."""
        room = MOST_WAITING - len(self._waiting)
        self._waiting += evaluations[:room]
        self.dropped += max(len(evaluations) - room, 0)

    async def write(self) -> None:
        """Write what waits; raises HistoryError, and what could not be written is dropped."""
        if self.dropped > self._told_dropped:
            _log.warning("history has no room for rows", dropped=self.dropped)
            self._told_dropped = self.dropped
        taken, self._waiting = self._waiting, []
        if not taken:
            return
        try:
            async with self._turn:
                self.written += await asyncio.to_thread(_written, self.root, taken)
        except HistoryError:
            self.dropped += len(taken)
            raise

    def close(self) -> None:
        """Write what waits, at the end."""
        taken, self._waiting = self._waiting, []
        try:
            self.written += _written(self.root, taken)
        except HistoryError as e:
            _log.warning("history not written", dropped=len(taken), problem=str(e))

    async def market(self, rows: AsyncIterator[Row]) -> int:
        """Keep the rows of whole markets of one deployment at one moment, as one file; return how many they were.

        Raises HistoryError, and whatever the rows raise: nothing is kept then.
        """
        draft, some = None, list[Record]()
        try:
            async for one in rows:
                if draft is None:
                    day = Partition.at(MARKET, str(one["deployment"]), int(str(one["at_time"])))
                    draft = Draft(self.root, day)
                some.append(record(one, MARKET))
                if len(some) >= _CHUNK_ROWS:
                    await asyncio.to_thread(draft.append, some)
                    some = []
            if draft is None:
                return 0
            await asyncio.to_thread(draft.append, some)
            async with self._turn:
                await asyncio.to_thread(draft.finish)
        finally:
            if draft is not None:
                draft.drop()
        self.written += draft.records
        return draft.records

    async def tidy(self) -> None:
        """Put small files together and let old days go; raises HistoryError."""
        async with self._turn:
            now_s = self._clock.wall_s()
            made = await asyncio.to_thread(compact, self.root, now_s)
            old = await asyncio.to_thread(forget, self.root, now_s, self.keep_days)
        if made or old:
            _log.info("history tidied", put_together=len(made), days_removed=len(old))


@contextmanager
def kept(root: Path, clock: Clock, keep_days: int) -> Iterator[History]:
    """Open a folder of history for writing, with what a crash left behind put away.

    What waits at the end is written. Raises HistoryError where another process writes there, ConfigError where nobody
    can.
    """
    with _alone(root):
        removed = sweep(root)
        if removed:
            _log.info("history put away what a crash left", files=removed)
        history = History(root, clock, keep_days)
        try:
            yield history
        finally:
            history.close()


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    try:
        root.mkdir(parents=True, exist_ok=True)
        handle = os.open(root / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as e:
        raise ConfigError(
            f"cannot keep history in {root}: {e.strerror or e}; set [history] path, or enabled = false"
        ) from e
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as e:
        os.close(handle)
        raise HistoryError(f"another process keeps history in {root}: set [history] path, or enabled = false") from e
    try:
        yield
    finally:
        os.close(handle)


def _written(root: Path, evaluations: Sequence[Evaluation]) -> int:
    by_day: dict[Partition, list[Record]] = defaultdict(list)
    for one in evaluations:
        kept_row = record(row(one), WATCHED)
        day = Partition.at(WATCHED, str(kept_row["deployment"]), int(str(kept_row["at_time"])))
        by_day[day].append(kept_row)
    for day, some in by_day.items():
        draft = Draft(root, day)
        try:
            draft.append(some)
            draft.finish()
        finally:
            draft.drop()
    return len(evaluations)
