"""Exact work: healths, evaluations by one process and by several, and their rows as Parquet."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

from monitor.adapter import Adapter, Market
from monitor.app.evaluating import SHARE, evaluators, glanced_rows, told_rows
from monitor.cli.benching.line import Line, median_s
from monitor.domain.prices import Repricing
from monitor.domain.row import Row, row
from monitor.export.writer import writer_for
from monitor.health.evaluate import evaluation
from monitor.ledger.accounts import Accounts, share

ROWS = 250_000
"""Enough that the end of a file, some tenths of a second, says little about a million."""
_FULL, _SOME, _SHARED = 200, 3_000, 12_000
_TARGET_WAD = 15 * 10**17
_MILLION = 1_000_000
_FEW_RUNS = 3


def exact_lines(adapter: Adapter[Any], market: Market, read: Accounts, cautious: Repricing) -> list[Line]:
    """Return what one exact health and one full assessment take."""
    stored = list(read)
    near = stored[:_FULL]
    exact_s = median_s(lambda: [adapter.health(market, account) for account in stored])
    full_s = median_s(lambda: [evaluation(adapter, market, a, cautious, _TARGET_WAD) for a in near])
    return [
        Line("exact health", exact_s / len(stored) * 1e6, "µs/account", 15),
        Line("full assessment", full_s / len(near) * 1e3, "ms/account", 1),
    ]


async def shared_lines(adapter: Adapter[Any], market: Market, many: Accounts, cautious: Repricing) -> list[Line]:
    """Return what several processes take for a million accounts, as measured on some thousands."""
    some = share(many, 0, _SHARED)
    work = adapter, market, cautious
    shares = [share(some, start, start + SHARE) for start in range(0, len(some), SHARE)]
    with evaluators(2) as several:

        async def timed(told: Callable[..., list[Row]]) -> float:
            loop = asyncio.get_running_loop()
            started = perf_counter()
            await asyncio.gather(*(loop.run_in_executor(several.processes, told, *work, part) for part in shares))
            return (perf_counter() - started) / len(some) * _MILLION

        await timed(glanced_rows)
        both, full = [await timed(glanced_rows) for _ in range(3)], [await timed(told_rows) for _ in range(3)]
    cpu_s = [_cpu_s(told, *work, share(some, 0, _SOME)) / _SOME * _MILLION for told in (glanced_rows, told_rows)]
    said = f"{cpu_s[0]:.0f} s of CPU; with all liquidation prices {sorted(full)[1]:.0f} s, {cpu_s[1]:.0f} s of CPU"
    return [Line("evaluate exactly, 2 processes, both healths", sorted(both)[1], "s per million", 60, beside=said)]


def parquet_lines(rows: list[Row]) -> list[Line]:
    """Return what it takes to write rows that are there."""
    taken = []
    for _ in range(_FEW_RUNS):
        with TemporaryDirectory() as folder:
            path = Path(folder) / "rows.parquet"
            started, cpu = perf_counter(), process_time()
            with writer_for(path) as writer:
                writer.write(rows)
            taken.append((perf_counter() - started, process_time() - cpu))
    each_bytes = sum(len(str(cell)) for one in rows[:1000] for cell in one.values()) / len(rows[:1000])
    per_million, cpu_s = (sorted(times)[_FEW_RUNS // 2] / len(rows) * _MILLION for times in zip(*taken, strict=True))
    best_s = min(taken)[0] / len(rows) * _MILLION
    said = f"best {best_s:.1f} s, {cpu_s:.1f} s of CPU; {len(rows):,} rows of {each_bytes / 1e3:.1f} kB"
    return [Line("rows to Parquet", per_million, "s per million", 8, beside=said)]


def _cpu_s(work: Callable[..., object], *arguments: object) -> float:
    started = process_time()
    work(*arguments)
    return process_time() - started


def rows_of(adapter: Adapter[Any], market: Market, read: Accounts, cautious: Repricing) -> list[Row]:
    """Return rows as evaluations make them, no two with the same key or the same objects, in the order of keys."""
    found = [evaluation(adapter, market, account, cautious) for account in share(read, 0, _SOME)]
    return [row(found[place % len(found)]) | {"key": f"0x{place:040x}"} for place in range(ROWS)]
