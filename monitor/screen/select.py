"""Who needs a look: the accounts that may be below a line, riskiest first, and those that only exactness can place."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.errors import UsageError
from monitor.screen.factors import Table
from monitor.screen.kernel import Intervals, Kernel
from monitor.screen.slots import Rows
from monitor.units import WAD


@dataclass(frozen=True, slots=True)
class Selection:
    """The accounts that may be below the highest of some lines, by the low end of their intervals.

    `clear` is how many of the ascending lines an account is surely not below, `may_clear` how many it may not be below:
    where the two differ, only the exact evaluator can say. `unknown` are the rows without an interval, in order.
    """

    lines_wad: tuple[int, ...]
    rows: Rows
    low: Table
    clear: NDArray[np.int8]
    may_clear: NDArray[np.int8]
    unknown: Rows

    @property
    def straddling(self) -> Rows:
        """The rows that the intervals cannot place, riskiest first."""
        found: Rows = self.rows[self.clear != self.may_clear]
        return found

    def surely_below(self, line_wad: int) -> Rows:
        """Return the rows that are below one of the lines without doubt, riskiest first."""
        return self.rows[self.may_clear <= self.lines_wad.index(line_wad)]


def select(kernel: Kernel, intervals: Intervals, lines_wad: Sequence[int]) -> Selection:
    """Return who may be below the highest line, and which lines; raises UsageError where there is none."""
    if not lines_wad:
        raise UsageError("expected a line to select by, found none")
    ascending = tuple(sorted(lines_wad))
    lines = [line / WAD for line in ascending]
    found, unknown = kernel.choose(intervals.low, lines[-1])
    low, high = intervals.low[found], intervals.high[found]
    order = np.argsort(low)
    return Selection(
        ascending, found[order], low[order], _cleared(low, lines)[order], _cleared(high, lines)[order], unknown.copy()
    )


@dataclass(frozen=True, slots=True)
class Near:
    """Rows that may be below a line, by the low ends `low` of the first view; those without one at the end."""

    rows: Rows
    low: Table

    def least_wad(self, place: int) -> int | None:
        """Return what the health of no row from a place on is below; None where nothing is known of them."""
        known = place < len(self.low) and np.isfinite(self.low[place])
        return int(self.low[place] * WAD) if known else None


def near(views: Sequence[Intervals], line_wad: int, also: Rows) -> Near:
    """Return who may be below the line in any of the views, or has no interval there, and the rows of `also`."""
    line = line_wad / WAD
    is_near = np.zeros(len(views[0]), np.bool_)
    for view in views:
        is_near |= ~(view.low >= line)
    rows, low = np.flatnonzero(is_near), views[0].low[is_near]
    order = np.argsort(low, kind="stable")
    more = also[~np.isin(also, rows)]
    return Near(np.concatenate((rows[order], more)), np.concatenate((low[order], np.full(len(more), np.nan))))


def nearest_first(views: Sequence[Intervals], rows: Rows) -> Rows:
    """Return the places of the rows, the worse low end of any view first; rows that were not screened last."""
    low: Table = np.full(len(rows), np.nan)
    known = (rows >= 0) & (rows < len(views[0]))
    for view in views:
        low[known] = np.fmin(low[known], view.low[rows[known]])
    order: Rows = np.argsort(low, kind="stable")
    return order


def _cleared(ends: Table, lines: Sequence[float]) -> NDArray[np.int8]:
    count = np.zeros(len(ends), np.int8)
    for line in lines:
        count += ends >= line
    return count
