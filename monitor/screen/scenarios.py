"""What-ifs on a market: how many accounts, how much debt and collateral would be past the line, and whose."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor.errors import UsageError
from monitor.screen import plain
from monitor.screen.factors import Factors, Table
from monitor.screen.kernel import Intervals, Kernel
from monitor.screen.slots import Rows, Slots
from monitor.units import WAD


@dataclass(frozen=True, slots=True)
class Exposure:
    """What is below a line under each of S repricings; all arrays (S,), sums in base units.

    The exact number of accounts and sum of debts lie between the two ends. `collateral_*` are estimates of the
    unweighted collateral of the same accounts. `unknown` accounts are in no other number: a price of theirs is unknown,
    or only the exact evaluator can value them.
    """

    least_accounts: NDArray[np.int64]
    most_accounts: NDArray[np.int64]
    least_debt: Table
    most_debt: Table
    least_collateral: Table
    most_collateral: Table
    unknown: NDArray[np.int64]


def exposure(kernel: Kernel, slots: Slots, scenarios: Sequence[Factors], line_wad: int = WAD) -> Exposure:
    """Return what is below the line under each repricing; all of one market, so that their tables are alike.

    Raises UsageError where there is none, or they speak of other cells than the slots.
    """
    if not scenarios or any(factors.cells != slots.cells for factors in scenarios):
        raise UsageError(f"expected factors for the cells {slots.cells}, found none or others")
    scenarios = [factors.covering(slots.collateral_codes, slots.debt_codes) for factors in scenarios]
    collateral, debt, worth = (
        np.stack([getattr(factors, table) for factors in scenarios]) for table in ("collateral", "debt", "worth")
    )
    slack, line = np.array([factors.slack for factors in scenarios]), line_wad / WAD
    totals = np.zeros((-(-len(slots) // kernel.block) if kernel.block else 1, len(scenarios), 7))
    kernel.total_all(len(slots), slots.columns, (collateral, debt, worth, slack), line, totals)
    total = totals.sum(axis=0)
    if len(slots.wide):
        entries = np.arange(len(slots.wide))
        for s, factors in enumerate(scenarios):
            total[s] += plain.tallied(kernel.wide_sums(slots, factors, entries), factors.slack, line)
    accounts = total[:, (0, 1, 6)].astype(np.int64)
    return Exposure(
        least_accounts=accounts[:, 0],
        most_accounts=accounts[:, 1],
        least_debt=total[:, 2],
        most_debt=total[:, 3],
        least_collateral=total[:, 4],
        most_collateral=total[:, 5],
        unknown=accounts[:, 2],
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """The accounts that may be past the line, `rows` in order; of `unknown`, which lack a price, nothing can be said.

    `is_sure` (R,): past it beyond doubt. `least_debt`, `most_debt` (R,) are bounds of what each owes, `collateral` (R,)
    an estimate of the unweighted worth of what it has and `own` (R,) of what it has of one asset; base units.
    """

    rows: Rows
    is_sure: NDArray[np.bool_]
    least_debt: Table
    most_debt: Table
    collateral: Table
    own: Table
    unknown: Rows

    def only(self, chosen: NDArray[np.bool_], is_sure: NDArray[np.bool_]) -> "Standing":
        """Return some of the accounts, of whom nothing is unknown, and who of all was past the line beyond doubt."""
        return Standing(
            self.rows[chosen],
            is_sure[chosen],
            self.least_debt[chosen],
            self.most_debt[chosen],
            self.collateral[chosen],
            self.own[chosen],
            self.unknown[:0],
        )


def standing(
    kernel: Kernel, slots: Slots, factors: Factors, rows: Rows, own: Rows, room: Intervals, line: float = 1.0
) -> Standing:
    """Return who of the rows may be below the line; `own` are the assets whose collateral is told apart.

    `room` has a place for every row of the slots, and is written over.
    """
    kernel.screen_rows(slots, factors, rows, room)
    low, high = room.low[rows], room.high[rows]
    unknown = np.isnan(low)
    may_be = ~unknown & (low < line)
    found = rows[may_be]
    factors = factors.covering(slots.collateral_codes, slots.debt_codes)
    sums = _sums(kernel, slots, factors, found)
    of_own = np.zeros(len(found))
    if len(own):
        codes = np.concatenate([_codes(slots, int(asset)) for asset in own])
        codes, apart = codes[codes < factors.worth.shape[1]], np.zeros_like(factors.worth)
        apart[:, codes] = factors.worth[:, codes]
        of_own = _sums(kernel, slots, replace(factors, worth=apart), found)[4]
    return Standing(found, high[may_be] < line, sums[2], sums[3], sums[4], of_own, rows[unknown])


def exposed(slots: Slots, assets: Rows) -> Rows:
    """Return the rows that have or owe any of the assets, in order."""
    is_exposed, wide = np.zeros(len(slots), np.bool_), slots.wide
    for kinds, codes, first, last in (
        (slots.cells.collateral, slots.collateral_code, wide.start, wide.middle),
        (slots.cells.debt, slots.debt_code, wide.middle, wide.stop),
    ):
        wanted = np.zeros(2**16, np.bool_)
        for place in range(len(kinds)):
            wanted[1 + assets * len(kinds) + place] = True
        for slot in codes[:, : len(slots)]:
            is_exposed |= wanted[slot]
        for entry in range(len(wide)):
            is_exposed[wide.row[entry]] |= wanted[wide.code[first[entry] : last[entry]]].any()
    return np.flatnonzero(is_exposed)


def rows_without(slots: Slots, others: Rows) -> Rows:
    """Return all rows but those."""
    is_wanted = np.ones(len(slots), np.bool_)
    is_wanted[others] = False
    return np.flatnonzero(is_wanted)


def one_of_each(slots: Slots, blind: Rows) -> Rows:
    """Return a row for each code in use, so that every asset that anybody has or owes is among theirs."""
    found = [np.zeros(0, np.int64)]
    seen = np.ones(len(slots), np.bool_)
    seen[blind] = False
    wide, entries = slots.wide, slice(len(slots.wide))
    for codes, first, last in (
        (slots.collateral_code, wide.start, wide.middle),
        (slots.debt_code, wide.middle, wide.stop),
    ):
        for slot in codes[:, : len(slots)]:
            rows = np.flatnonzero((slot != 0) & seen)
            found.append(rows[np.unique(slot[rows], return_index=True)[1]])
        owner, leg = plain.legs(first[entries], last[entries])
        rows = wide.row[owner]
        found.append(rows[seen[rows]][np.unique(wide.code[leg][seen[rows]], return_index=True)[1]])
    return np.unique(np.concatenate(found))


def _codes(slots: Slots, asset: int) -> Rows:
    kinds = len(slots.cells.collateral)
    return 1 + asset * kinds + np.arange(kinds)


def _sums(kernel: Kernel, slots: Slots, factors: Factors, rows: Rows) -> Table:
    """Return least and most of the weighted collateral, least and most owed, worth of the collateral (5, R)."""
    category, codes, raws, owed_codes, owed_raws = (column[..., rows] for column in slots.columns)
    own = np.minimum(category, factors.collateral.shape[0] - 1)
    sums = np.zeros((5, len(rows)))
    plain.add(sums[:2], own, codes, raws, factors.collateral)
    plain.add(sums[2:4], own, owed_codes, owed_raws, factors.debt)
    for code, raw in zip(codes, raws, strict=True):
        sums[4] += raw * factors.worth[own, code]
    wide = slots.wide.among(rows)
    if len(wide):
        entries = slots.wide.entry[wide].astype(np.int64)
        sums[:, np.searchsorted(rows, wide)] = kernel.wide_sums(slots, factors, entries)
    return sums
