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


def _cleared(ends: Table, lines: Sequence[float]) -> NDArray[np.int8]:
    count = np.zeros(len(ends), np.int8)
    for line in lines:
        count += ends >= line
    return count
