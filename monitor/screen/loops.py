"""The screen's loops, to be compiled: all rows, wide accounts, hits, and many repricings at once.

Arguments named alike mean what they mean in `Slots`, `Wide` and `Factors`. `plain` has their twins in numpy.
"""

from typing import Any

import numpy as np
from numba import prange
from numba.extending import register_jitable

from monitor.screen.factors import FLOOR
from monitor.screen.slots import COLLATERAL_SLOTS, DEBT_SLOTS

Array = Any
"""An array of the type that numba infers."""
Arrays = Any
"""A tuple of such arrays, and a number at its end where the factors have one."""
BLOCK = 4096
"""Rows whose totals one thread sums up."""


def ratio(least: float, most: float, least_owed: float, most_owed: float) -> tuple[float, float]:
    """Return the ends of an account's health from bounds of what it has, weighted, and of what it owes.

    Infinite where nothing is owed, NaN where a bound is.
    """
    both = least + most_owed
    if both != both:  # noqa: PLR0124  # NaN, as the one comparison that the vectoriser takes
        return np.nan, np.nan
    if most_owed == 0.0:
        return np.inf, np.inf
    low = least / most_owed
    high = most / least_owed if least_owed > 0.0 else np.inf
    return (low if low > FLOOR else 0.0), max(high, FLOOR)


register_jitable(ratio)


def screen_all(count: int, columns: Arrays, tables: Arrays, low: Array, high: Array) -> None:
    """Fill in the intervals of the first `count` rows, each by its slots."""
    category, codes, raws, owed_codes, owed_raws = columns
    collateral, debt, slack = tables
    last = collateral.shape[0] - 1
    for row in prange(count):
        own = min(category[row], last)
        least, most, least_owed, most_owed = 0.0, 0.0, 0.0, 0.0
        for slot in range(COLLATERAL_SLOTS):
            code, raw = codes[slot, row], raws[slot, row]
            least += raw * collateral[own, code, 0] - collateral[own, code, 2]
            most += raw * collateral[own, code, 1] + collateral[own, code, 3]
        for slot in range(DEBT_SLOTS):
            code, raw = owed_codes[slot, row], owed_raws[slot, row]
            least_owed += raw * debt[own, code, 0] - debt[own, code, 2]
            most_owed += raw * debt[own, code, 1] + debt[own, code, 3]
        low[row], high[row] = ratio(least - slack, most + slack, least_owed, most_owed)


def screen_some(rows: Array, columns: Arrays, tables: Arrays, low: Array, high: Array) -> None:
    """Fill in the intervals of some rows, each by its slots, and leave those of others as they are."""
    category, codes, raws, owed_codes, owed_raws = columns
    collateral, debt, slack = tables
    last = collateral.shape[0] - 1
    for row in rows:
        own = min(category[row], last)
        least, most, least_owed, most_owed = 0.0, 0.0, 0.0, 0.0
        for slot in range(COLLATERAL_SLOTS):
            code, raw = codes[slot, row], raws[slot, row]
            if code == 0:
                break
            least += raw * collateral[own, code, 0] - collateral[own, code, 2]
            most += raw * collateral[own, code, 1] + collateral[own, code, 3]
        for slot in range(DEBT_SLOTS):
            code, raw = owed_codes[slot, row], owed_raws[slot, row]
            if code == 0:
                break
            least_owed += raw * debt[own, code, 0] - debt[own, code, 2]
            most_owed += raw * debt[own, code, 1] + debt[own, code, 3]
        low[row], high[row] = ratio(least - slack, most + slack, least_owed, most_owed)


def sum_wide(entries: Array, category: Array, runs: Arrays, tables: Arrays, sums: Array) -> None:
    """Fill in the sums (5, E) of wide accounts: least, most, least owed, most owed, worth of the collateral."""
    rows, start, middle, stop, code, raw = runs
    collateral, debt, worth = tables
    last = collateral.shape[0] - 1
    for i in range(entries.size):
        entry = entries[i]
        own = min(category[rows[entry]], last)
        for leg in range(start[entry], middle[entry]):
            bounds = collateral[own, code[leg]]
            sums[0, i] += raw[leg] * bounds[0] - bounds[2]
            sums[1, i] += raw[leg] * bounds[1] + bounds[3]
            sums[4, i] += raw[leg] * worth[own, code[leg]]
        for leg in range(middle[entry], stop[entry]):
            bounds = debt[own, code[leg]]
            sums[2, i] += raw[leg] * bounds[0] - bounds[2]
            sums[3, i] += raw[leg] * bounds[1] + bounds[3]


def choose(low: Array, line: float) -> tuple[Array, Array]:
    """Return the rows that may be below the line, and those that are unknown."""
    hits, unknown = np.empty(low.size, np.int64), np.empty(low.size, np.int64)
    below = blind = 0
    for row in range(low.size):
        hits[below] = row
        unknown[blind] = row
        below += low[row] < line
        blind += low[row] != low[row]  # NaN
    return hits[:below], unknown[:blind]


def total_all(count: int, columns: Arrays, tables: Arrays, line: float, totals: Array) -> None:
    """Fill in the totals (blocks, S, 7) of the first `count` rows under S repricings, each row by its slots.

    The tables and `slack` have S as their first axis. Totals: accounts surely below the line, accounts maybe below it,
    what the former owe at least, what the latter owe at most, the worth of the collateral of the former and of the
    latter, accounts of which the bounds say nothing.
    """
    category, codes, raws, owed_codes, owed_raws = columns
    collateral, debt, worth, slack = tables
    last = collateral.shape[1] - 1
    for block in prange(totals.shape[0]):
        for s in range(totals.shape[1]):
            sure = possible = unknown = 0
            sure_owed, possible_owed, sure_held, possible_held = 0.0, 0.0, 0.0, 0.0
            for row in range(block * BLOCK, min(count, block * BLOCK + BLOCK)):
                own = min(category[row], last)
                least, most, least_owed, most_owed, held = 0.0, 0.0, 0.0, 0.0, 0.0
                for slot in range(COLLATERAL_SLOTS):
                    code, raw = codes[slot, row], raws[slot, row]
                    least += raw * collateral[s, own, code, 0] - collateral[s, own, code, 2]
                    most += raw * collateral[s, own, code, 1] + collateral[s, own, code, 3]
                    held += raw * worth[s, own, code]
                for slot in range(DEBT_SLOTS):
                    code, raw = owed_codes[slot, row], owed_raws[slot, row]
                    least_owed += raw * debt[s, own, code, 0] - debt[s, own, code, 2]
                    most_owed += raw * debt[s, own, code, 1] + debt[s, own, code, 3]
                is_known = least + most_owed < np.inf
                is_sure = is_known & (most + slack[s] < line * least_owed)
                is_possible = is_known & (least - slack[s] < line * most_owed) & (most_owed > 0.0)
                sure += is_sure
                possible += is_possible
                unknown += not is_known
                sure_owed += least_owed if is_sure else 0.0
                possible_owed += most_owed if is_possible else 0.0
                sure_held += held if is_sure else 0.0
                possible_held += held if is_possible else 0.0
            own_totals = totals[block, s]
            own_totals[0], own_totals[1], own_totals[6] = sure, possible, unknown
            own_totals[2], own_totals[3] = sure_owed, possible_owed
            own_totals[4], own_totals[5] = sure_held, possible_held
