"""The screen's loops without a compiler: numpy, a block of rows at a time, the same numbers to the last bit."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.screen.factors import FLOOR, Table

Array = NDArray[Any]
Arrays = tuple[Any, ...]
BLOCK = 2**14


def ratios(sums: Table, slack: float) -> tuple[Table, Table]:
    """Return the ends of the healths of accounts by their sums (4 or more, N); see `loops.ratio`."""
    least, most, least_owed, most_owed = sums[0] - slack, sums[1] + slack, sums[2], sums[3]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        low, high = least / most_owed, np.where(least_owed > 0.0, most / least_owed, np.inf)
        low, high = np.where(low > FLOOR, low, 0.0), np.where(high > FLOOR, high, FLOOR)
        owes_nothing, is_unknown = most_owed == 0.0, np.isnan(least + most_owed)
    for ends in (low, high):
        ends[owes_nothing] = np.inf
        ends[is_unknown] = np.nan
    return low, high


def tallied(sums: Table, slack: float, line: float) -> Table:
    """Return the totals (7,) of accounts below a line by their sums (5, N); see `loops.total_all`."""
    least, most, least_owed, most_owed, held = sums
    with np.errstate(invalid="ignore"):
        is_known = least + most_owed < np.inf
        surely = is_known & (most + slack < line * least_owed)
        maybe = is_known & (least - slack < line * most_owed) & (most_owed > 0.0)
    unknown = (~is_known).sum()
    return np.array(
        (
            surely.sum(), maybe.sum(), least_owed[surely].sum(), most_owed[maybe].sum(),
            held[surely].sum(), held[maybe].sum(), unknown,
        )
    )  # fmt: skip


def screen_all(count: int, columns: Arrays, tables: Arrays, low: Table, high: Table) -> None:
    """Fill in the intervals of the first `count` rows, each by its slots."""
    category, codes, raws, owed_codes, owed_raws = columns
    collateral, debt, slack = tables
    for start in range(0, count, BLOCK):
        some = slice(start, min(start + BLOCK, count))
        own = np.minimum(category[some], collateral.shape[0] - 1)
        sums = np.zeros((4, len(own)))
        add(sums[:2], own, codes[:, some], raws[:, some], collateral)
        add(sums[2:], own, owed_codes[:, some], owed_raws[:, some], debt)
        low[some], high[some] = ratios(sums, slack)


def screen_some(rows: Array, columns: Arrays, tables: Arrays, low: Table, high: Table) -> None:
    """Fill in the intervals of some rows, each by its slots, and leave those of others as they are."""
    ends = np.empty((2, len(rows)))
    screen_all(len(rows), tuple(column.take(rows, axis=-1) for column in columns), tables, ends[0], ends[1])
    low[rows], high[rows] = ends


def sum_wide(entries: Array, category: Array, runs: Arrays, tables: Arrays, sums: Table) -> None:
    """Fill in the sums (5, E) of wide accounts: least, most, least owed, most owed, worth of the collateral."""
    rows, start, middle, stop, code, raw = runs
    collateral, debt, worth = tables
    own = np.minimum(category[rows[entries]], collateral.shape[0] - 1)
    for least, first, last, table in ((0, start, middle, collateral), (2, middle, stop, debt)):
        owner, leg = legs(first[entries], last[entries])
        bounds, amount = table[own[owner], code[leg]], raw[leg]
        sums[least] = np.bincount(owner, amount * bounds[:, 0] - bounds[:, 2], len(entries))
        sums[least + 1] = np.bincount(owner, amount * bounds[:, 1] + bounds[:, 3], len(entries))
    owner, leg = legs(start[entries], middle[entries])
    sums[4] = np.bincount(owner, raw[leg] * worth[own[owner], code[leg]], len(entries))


def legs(first: Array, last: Array) -> tuple[Array, Array]:
    """Return which run each leg belongs to, and its place in the flat arrays."""
    lengths = last - first
    owner = np.repeat(np.arange(len(lengths)), lengths)
    return owner, np.arange(len(owner)) - (np.cumsum(lengths) - lengths - first)[owner]


def choose(low: Table, line: float) -> tuple[Array, Array]:
    """Return the rows that may be below the line, and those that are unknown."""
    return np.flatnonzero(low < line), np.flatnonzero(np.isnan(low))


def total_all(count: int, columns: Arrays, tables: Arrays, line: float, totals: Table) -> None:
    """Fill in the totals (1, S, 7) of the first `count` rows under S repricings, each row by its slots."""
    category, codes, raws, owed_codes, owed_raws = columns
    collateral, debt, worth, slack = tables
    totals[:] = 0.0
    for start in range(0, count, BLOCK):
        some = slice(start, min(start + BLOCK, count))
        own = np.minimum(category[some], collateral.shape[1] - 1)
        for s in range(totals.shape[1]):
            sums = np.zeros((5, len(own)))
            add(sums[:2], own, codes[:, some], raws[:, some], collateral[s])
            add(sums[2:4], own, owed_codes[:, some], owed_raws[:, some], debt[s])
            for code, raw in zip(codes[:, some], raws[:, some], strict=True):
                sums[4] += raw * worth[s, own, code]
            totals[0, s] += tallied(sums, slack[s], line)


def add(sums: Table, own: Array, codes: Array, raws: Array, table: Table) -> None:
    """Add to the sums (2, N) what the slots of one side are worth at least and at most."""
    for code, raw in zip(codes, raws, strict=True):
        bounds = table[own, code]
        sums[0] += raw * bounds[:, 0] - bounds[:, 2]
        sums[1] += raw * bounds[:, 1] + bounds[:, 3]
