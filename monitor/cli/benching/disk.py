"""The store on this disk: steps that are committed one by one, beside bare SQLite with the same care for the disk."""

import asyncio
import itertools
import sqlite3
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import perf_counter

from monitor.cli.benching.line import RUNS, Line
from monitor.domain.alerts import Notice, Recipient, Route
from monitor.domain.ids import PositionId
from monitor.rules.state import PositionState
from monitor.rules.trial import trial_alert
from monitor.store import Commit, Store

_COMMITS = 20
_NOWHERE = PositionId.parse("eip155:0/none/none/none/none")
_ROW = "x" * 2_000
_TOLD = (Recipient("console", (Route("console", "console"),)),)


async def disk_lines(folder: Path) -> list[Line]:
    """Return how many steps with one alert each are on disk per second, in a database made in a folder."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".hfm-bench-") as place:
        bare_s, ours_s, many_s = await _measured(Path(place))
    rates = [_COMMITS / seconds for seconds in (bare_s, ours_s, many_s)]
    beside = f"bare SQLite, WAL and synchronous=FULL, {rates[0]:,.0f}/s, so {ours_s / bare_s:.1f} ×"
    return [
        Line("steps with an alert committed, one by one", rates[1], "/s", beside=beside),
        Line(f"the same, {_COMMITS} in one transaction", rates[2], "/s", beside=beside.partition(", so")[0]),
    ]


async def _measured(place: Path) -> tuple[float, float, float]:
    """Return the median times of the commits: of bare SQLite, of the store, and of the store with all in one."""
    numbers, times = itertools.count(), [list[float](), list[float](), list[float]()]
    with closing(sqlite3.connect(place / "bare.db", isolation_level=None, check_same_thread=False)) as bare:
        bare.execute("PRAGMA journal_mode = WAL")
        bare.execute("PRAGMA synchronous = FULL")
        bare.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, row TEXT NOT NULL)")
        async with Store.open(f"sqlite:///{place / 'store.db'}") as store:
            for _ in range(RUNS):
                started = perf_counter()
                await asyncio.to_thread(_write, bare)
                times[0].append(perf_counter() - started)
                steps = _steps(numbers)
                started = perf_counter()
                for step in steps:
                    await store.commit(step)
                times[1].append(perf_counter() - started)
                steps = _steps(numbers)
                started = perf_counter()
                await store.commit(*steps)
                times[2].append(perf_counter() - started)
    bare_s, ours_s, many_s = map(statistics.median, times)
    return bare_s, ours_s, many_s


def _write(bare: sqlite3.Connection) -> None:
    for _ in range(_COMMITS):
        bare.execute("INSERT INTO rows (row) VALUES (?)", (_ROW,))


def _steps(numbers: Iterator[int]) -> list[Commit]:
    """Return steps with one position and one alert each."""
    some = [trial_alert(number) for number in itertools.islice(numbers, _COMMITS)]
    return [Commit(None, states=[PositionState(_NOWHERE)], notices=[Notice(alert, _TOLD)]) for alert in some]
