"""One measurement, held against its promise."""

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

from rich.table import Table

RUNS = 15


@dataclass(frozen=True, slots=True)
class Line:
    """One measurement; `budget` is the promise or None, a floor where `is_rate`, else a ceiling.

    `is_relative` where the figure does not depend on how fast or busy the machine is: a ratio of two times taken in
    turns, a size or a count. Only those are checked.
    """

    work: str
    value: float
    unit: str
    budget: float | None = None
    is_rate: bool = False
    is_relative: bool = False
    beside: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether the promise holds in this run."""
        return self.budget is None or (self.value >= self.budget if self.is_rate else self.value <= self.budget)


def table_of(lines: Sequence[Line]) -> Table:
    """Return the lines as people read them; what is checked is marked."""
    table = Table(header_style="bold", caption="× of the time beside it in the same run; * is what --check holds")
    for name in ("work", "measured", "promised", "beside it, in the same run"):
        table.add_column(name, justify="right" if name in ("measured", "promised") else "left")
    for line in lines:
        budget = "" if line.budget is None else f"{'≥' if line.is_rate else '≤'} {line.budget:,.0f}"
        style = "green" if line.is_kept else "bold yellow"
        mark = " *" if line.is_relative and line.budget is not None else ""
        measured = f"[{style}]{_figure(line.value)} {line.unit}[/{style}]"
        table.add_row(line.work, measured, budget + mark, line.beside)
    return table


def median_s(work: Callable[[], object], runs: int = RUNS) -> float:
    """Return the median time of a work, after one run that is not counted."""
    return in_turns([work], runs)[0]


def in_turns(works: Sequence[Callable[[], object]], runs: int = RUNS) -> list[float]:
    """Return the median time of each work, done in turns so that what else the machine does falls on all alike."""
    taken: list[list[float]] = [[] for _ in works]
    for run in range(runs + 1):
        for work, times in zip(works, taken, strict=True):
            started = perf_counter()
            work()
            if run:
                times.append(perf_counter() - started)
    return [statistics.median(times) for times in taken]


async def median_s_of(work: Callable[[], Awaitable[object]], runs: int = RUNS) -> float:
    """Return the median time of something awaited."""
    taken = []
    for _ in range(runs):
        started = perf_counter()
        await work()
        taken.append(perf_counter() - started)
    return statistics.median(taken)


def _figure(value: float) -> str:
    return f"{value:,.2f}" if value < 10 else f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"
