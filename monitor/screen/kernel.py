"""The screen's kernel: compiled where the machine can, else numpy; which of the two is settled once, at the start."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitor.errors import UsageError
from monitor.screen import plain
from monitor.screen.factors import Factors, Table
from monitor.screen.slots import Rows, Slots

Loop = Callable[..., Any]
FEW = 200_000
"""Up to so many rows one thread is done before it would be worth waiting for another."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """Bounds of the health of N accounts, by row: `low` ≤ exact health ≤ `high`, a health of 1 as 1.0.

    Both infinite where nothing is owed, both NaN where a price is unknown. [0, inf] says nothing: ask the exact
    evaluator.
    """

    low: Table
    high: Table

    @classmethod
    def room(cls, count: int) -> "Intervals":
        """Return room for so many accounts, for a kernel to fill."""
        return cls(np.full(count, np.nan), np.full(count, np.nan))

    def __len__(self) -> int:
        return len(self.low)


@dataclass(frozen=True, slots=True)
class Kernel:
    """The loops in use. `name` says how they run, `reason` why not compiled, in parallel or from a cache.

    `screen_few` is `screen_all` without threads, which few rows do not repay.
    """

    name: str
    reason: str
    screen_all: Loop
    screen_few: Loop
    screen_some: Loop
    sum_wide: Loop
    choose: Loop
    total_all: Loop
    block: int
    """Rows per block of totals; 0 where there is one for all."""

    def screen(self, slots: Slots, factors: Factors, into: Intervals | None = None) -> Intervals:
        """Return the interval of every account under the factors' repricing.

        Fills `into` when it has the right length, so that a caller that screens every block allocates nothing. Raises
        UsageError when slots and factors do not speak of the same cells.
        """
        factors = _fitting(slots, factors)
        if into is None or len(into) != len(slots):
            into = Intervals.room(len(slots))
        loop = self.screen_all if len(slots) > FEW else self.screen_few
        loop(len(slots), slots.columns, _tables(factors), into.low, into.high)
        self._overwrite(slots, factors, np.arange(len(slots.wide)), into)
        return into

    def screen_rows(self, slots: Slots, factors: Factors, rows: Rows, into: Intervals) -> None:
        """Fill in the intervals of some rows alone, each made anew."""
        factors = _fitting(slots, factors)
        self.screen_some(rows, slots.columns, _tables(factors), into.low, into.high)
        wide = slots.wide.among(rows)
        self._overwrite(slots, factors, slots.wide.entry[wide].astype(np.int64), into)

    def wide_sums(self, slots: Slots, factors: Factors, entries: Rows) -> Table:
        """Return the sums (5, E) of entries of `slots.wide`."""
        wide, sums = slots.wide, np.zeros((5, len(entries)))
        legs = wide.row, wide.start, wide.middle, wide.stop, wide.code, wide.raw
        tables = factors.collateral, factors.debt, factors.worth
        self.sum_wide(entries, slots.category, legs, tables, sums)
        return sums

    def _overwrite(self, slots: Slots, factors: Factors, entries: Rows, into: Intervals) -> None:
        if len(entries):
            rows = slots.wide.row[entries]
            into.low[rows], into.high[rows] = plain.ratios(self.wide_sums(slots, factors, entries), factors.slack)


def numpy_kernel(reason: str = "") -> Kernel:
    """Return the kernel that needs no compiler."""
    return Kernel(
        "numpy",
        reason,
        plain.screen_all,
        plain.screen_all,
        plain.screen_some,
        plain.sum_wide,
        plain.choose,
        plain.total_all,
        0,
    )


def _fitting(slots: Slots, factors: Factors) -> Factors:
    if slots.cells != factors.cells:
        raise UsageError(f"expected factors for the cells {slots.cells}, found {factors.cells}")
    return factors.covering(slots.collateral_codes, slots.debt_codes)


def _tables(factors: Factors) -> tuple[Table, Table, float]:
    return factors.collateral, factors.debt, factors.slack
