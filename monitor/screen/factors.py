"""What an adapter tells the screen: bounds of what each stored number is worth in one market under one repricing."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MARGIN = 2.0**-39
"""How much every bound is widened, relative to itself: covers the float64 errors of accounts of up to 1,000 legs.

Two limbs to one float, the division that makes a slope, a product, a sum of 1,000 terms and the last division together
err by less than 1,010 × 2^-53 < 2^-42. What is left of the margin covers a contract's rounding of the health itself
to 18 decimals, down to `FLOOR`, and the rounding of a line that the interval is compared with.
"""
FLOOR = 2.0**-17
"""Health below this is only known to be below it."""
_LARGEST = 1e200

Table = NDArray[np.float64]


class Bounds(NamedTuple):
    """A stored number `raw` is worth between low_slope·raw − low_less and high_slope·raw + high_more, base units.

    On the collateral side the worth is weighted by the liquidation threshold.
    """

    low_slope: float
    high_slope: float
    low_less: float
    high_more: float


NOTHING = Bounds(0.0, 0.0, 0.0, 0.0)
UNKNOWN = Bounds(np.nan, np.nan, np.nan, np.nan)
"""What has no price: an account that holds or owes it has no interval."""
UNBOUNDED = Bounds(0.0, 0.0, 0.0, np.inf)
"""What has a price and only the exact evaluator can value: the account's interval straddles every line."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Which kinds of stored numbers are collateral and which are debt; the rest is worth nothing by itself.

    A cell is a kind of one asset; its code on its side is 1 + asset × kinds of the side + place of the kind. Code 0 is
    no cell and worth nothing.
    """

    collateral: tuple[int, ...]
    debt: tuple[int, ...]

    def collateral_code(self, asset: int, kind: int) -> int:
        """Return the code of a cell on the collateral side."""
        return 1 + asset * len(self.collateral) + self.collateral.index(kind)

    def debt_code(self, asset: int, kind: int) -> int:
        """Return the code of a cell on the debt side."""
        return 1 + asset * len(self.debt) + self.debt.index(kind)


@dataclass(frozen=True, slots=True)
class Factors:
    """One market under one repricing, by category and by code; the last category stands for all that are not listed.

    `collateral`, `debt` (categories + 1, codes, 4) are `Bounds`, widened by the margin. `slack` is how far the sum over
    the collateral may be off in either direction, base units. `worth` (categories + 1, codes) is the unweighted worth
    of one raw unit of collateral in base units, an estimate for totals.
    """

    cells: Cells
    collateral: Table
    debt: Table
    worth: Table
    slack: float

    @classmethod
    def blank(cls, cells: Cells, categories: int, assets: int) -> "Factors":
        """Return factors in which every cell is unknown, for an adapter to fill and then to call `widened`."""
        collateral = np.full((categories + 1, 1 + assets * len(cells.collateral), 4), np.nan)
        debt = np.full((categories + 1, 1 + assets * len(cells.debt), 4), np.nan)
        worth = np.full(collateral.shape[:2], np.nan)
        for table in (collateral, debt, worth):
            table[:, 0] = 0.0
        return cls(cells, collateral, debt, worth, 0.0)

    def widened(self, slack: float = 0.0) -> "Factors":
        """Return the factors with every bound moved outward by the margin; a bound too large for it is unknown."""
        return replace(
            self, collateral=_outward(self.collateral), debt=_outward(self.debt), slack=slack * (1.0 + MARGIN)
        )

    def covering(self, collateral_codes: int, debt_codes: int) -> "Factors":
        """Return factors that answer for so many codes; those that were not there are unknown."""
        return replace(
            self,
            collateral=_padded(self.collateral, collateral_codes),
            debt=_padded(self.debt, debt_codes),
            worth=_padded(self.worth, collateral_codes),
        )

    def changed_assets(self, before: "Factors") -> NDArray[np.int64] | None:
        """Return the assets with a cell that differs from before; None where the market has another make-up."""
        if (self.cells, self.slack) != (before.cells, before.slack):
            return None
        found: list[NDArray[np.int64]] = []
        for new, old, kinds in (
            (self.collateral, before.collateral, self.cells.collateral),
            (self.debt, before.debt, self.cells.debt),
        ):
            if new.shape != old.shape:
                return None
            is_same = (new == old) | (np.isnan(new) & np.isnan(old))
            codes = np.flatnonzero(~is_same.all(axis=(0, 2)))
            found.append((codes - 1) // len(kinds))
        return np.unique(np.concatenate(found))


def _outward(table: Table) -> Table:
    low_slope, high_slope, low_less, high_more = np.moveaxis(table, 2, 0)
    wide = np.stack(
        (
            low_slope - abs(low_slope) * MARGIN,
            high_slope + abs(high_slope) * MARGIN,
            low_less * (1.0 + MARGIN),
            high_more * (1.0 + MARGIN),
        ),
        axis=2,
    )
    is_too_large = (abs(wide[:, :, :3]) > _LARGEST).any(axis=2) | ((wide[:, :, 3] > _LARGEST) & np.isfinite(high_more))
    wide[is_too_large] = np.nan
    return wide


def _padded(table: Table, codes: int) -> Table:
    missing = codes - table.shape[1]
    if missing <= 0:
        return table
    return np.concatenate((table, np.full((table.shape[0], missing, *table.shape[2:]), np.nan)), axis=1)
