"""Accounts and factors made up at random, of no protocol, as many as a test or a measurement wants."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.screen.factors import Cells, Factors

CELLS = Cells(collateral=(0,), debt=(4, 5))
IGNORED = 2
ASSETS, CATEGORIES = 60, 8
Random = np.random.Generator


@dataclass(frozen=True)
class Made:
    """Accounts in columns, as a ledger gives them."""

    category: NDArray[np.uint16]
    offsets: NDArray[np.int64]
    asset: NDArray[np.uint16]
    kind: NDArray[np.uint8]
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]

    def some(self, rows: NDArray[np.int64]) -> "Made":
        """The accounts of these rows, in this order."""
        lengths = np.diff(self.offsets)[rows]
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        legs = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        return Made(self.category[rows], offsets, *(c[legs] for c in (self.asset, self.kind, self.high, self.low)))


def accounts(count: int, random: Random, held: Any = (1, 2, 3, 4, 6), owed: Any = (0, 1, 2, 3, 5)) -> Made:
    """Accounts with so many collaterals and debts, assets by a Zipf law, amounts worth about the same on both sides."""
    legs = random.choice(held, count), random.choice(owed, count)
    total = legs[0] + legs[1]
    owner = np.repeat(np.arange(count), total)
    place = np.arange(total.sum()) - np.repeat(np.cumsum(total) - total, total)
    is_debt = place >= legs[0][owner]
    odds = 1 / np.arange(1, ASSETS + 1)
    asset = random.choice(ASSETS, len(owner), p=odds / odds.sum())
    size = random.lognormal(20, 3, count)[owner]
    raw = random.lognormal(0, 0.4, len(owner)) * size * np.where(is_debt, 0.35, 1.0)
    kind = np.where(is_debt, random.choice((4, 4, 4, 4, 4, 5), len(owner)), 0)
    kind[random.random(len(owner)) < 0.001] = IGNORED
    return Made(
        category=np.where(random.random(count) < 0.85, 0, random.integers(0, CATEGORIES + 1, count)).astype(np.uint16),
        offsets=np.concatenate(([0], np.cumsum(total))).astype(np.int64),
        asset=asset.astype(np.uint16),
        kind=kind.astype(np.uint8),
        high=np.floor(raw / 2.0**64).astype(np.uint64),
        low=(raw % 2.0**64).astype(np.uint64),
    )


def factors(random: Random, unknown: tuple[int, ...] = ()) -> Factors:
    """Factors near one for every asset, with small absolute errors; a category is a little off its neighbours."""
    made = Factors.blank(CELLS, CATEGORIES, ASSETS)
    for table in (made.collateral, made.debt):
        slopes = random.uniform(0.8, 1.2, table.shape[:2])
        table[:-1, 1:, 0], table[:-1, 1:, 1] = slopes[:-1, 1:], slopes[:-1, 1:]
        table[:-1, 1:, 2:] = random.uniform(0.0, 2.0, (*table.shape[:2], 2))[:-1, 1:]
    made.worth[:-1, 1:] = 1.3 * made.collateral[:-1, 1:, 1]
    for asset in unknown:
        made.collateral[:, 1 + asset] = np.nan
        made.debt[:, 1 + 2 * asset : 3 + 2 * asset] = np.nan
    return made.widened(0.5)
