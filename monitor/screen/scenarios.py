"""Many repricings at once: how many accounts, how much debt and collateral would be past the line under each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.errors import UsageError
from monitor.screen import plain
from monitor.screen.factors import Factors, Table
from monitor.screen.kernel import Kernel
from monitor.screen.slots import Slots
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
