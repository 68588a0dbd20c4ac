"""The way of one price: who holds or owes an asset, so that a move of few assets recomputes few rows."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.screen.factors import Factors
from monitor.screen.kernel import Intervals, Kernel
from monitor.screen.slots import Rows, Slots

_WORTH_IT = 8
"""A row by itself costs about as much as this many in passing."""


@dataclass(slots=True)
class Holders:
    """Rows by asset, as they stood when it was made, and the rows that have changed since.

    `rows` are the legs' rows sorted by asset, those of asset a at `offsets[a]:offsets[a + 1]`. Rows in `changed` count
    as holders of every asset, so that it is worth being made anew when they are many.
    """

    rows: NDArray[np.int32]
    offsets: NDArray[np.int64]
    changed: NDArray[np.int32]

    @classmethod
    def of(cls, slots: Slots) -> "Holders":
        """Return the holders of every asset."""
        assets: list[NDArray[np.uint16]] = []
        rows: list[NDArray[np.int32]] = []
        wide, everyone = slots.wide, np.arange(len(slots), dtype=np.int32)
        for kinds, codes, first, last in (
            (slots.cells.collateral, slots.collateral_code, wide.start, wide.middle),
            (slots.cells.debt, slots.debt_code, wide.middle, wide.stop),
        ):
            for slot in codes[:, : len(slots)]:
                held = np.flatnonzero(slot)
                assets.append((slot[held] - np.uint16(1)) // np.uint16(len(kinds)))
                rows.append(everyone[held])
            for entry in range(len(wide)):
                legs = wide.code[first[entry] : last[entry]]
                assets.append((legs - np.uint16(1)) // np.uint16(len(kinds)))
                rows.append(np.full(len(legs), wide.row[entry], np.int32))
        asset = np.concatenate(assets)
        order = np.argsort(asset, kind="stable")
        offsets = np.concatenate(([0], np.cumsum(np.bincount(asset))))
        return cls(np.concatenate(rows)[order], offsets, np.zeros(0, np.int32))

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        return self.rows.nbytes + self.offsets.nbytes + self.changed.nbytes

    def note(self, rows: Rows) -> None:
        """Take note that rows have changed."""
        self.changed = np.union1d(self.changed, rows.astype(np.int32))

    def of_assets(self, assets: Iterable[int], count: int) -> Rows:
        """Return the rows below `count` that hold or owe one of the assets, or may since they have changed."""
        found = np.concatenate((self.changed, *(self._of(asset) for asset in assets)))
        found = np.sort(found[found < count], kind="stable")
        rows: Rows = found[np.diff(found, prepend=-1) != 0].astype(np.int64)
        return rows

    def legs_of(self, assets: Iterable[int]) -> int:
        """Return how many rows `of_assets` finds at most."""
        return len(self.changed) + sum(len(self._of(asset)) for asset in assets)

    def _of(self, asset: int) -> NDArray[np.int32]:
        start, stop = self.offsets[asset : asset + 2] if asset + 1 < len(self.offsets) else (0, 0)
        return self.rows[start:stop]


def rescreen(
    kernel: Kernel, slots: Slots, holders: Holders, before: Factors, after: Factors, into: Intervals
) -> Rows | None:
    """Bring intervals that were made with `before` to `after`; return the rows recomputed, None for all.

    Only the rows of assets whose factors changed are made anew, from their balances, so that nothing drifts; all rows
    where that is cheaper, or where the market has another make-up.
    """
    assets = after.changed_assets(before)
    if assets is None or len(into) != len(slots) or holders.legs_of(assets.tolist()) * _WORTH_IT > len(slots):
        kernel.screen(slots, after, into)
        return None
    rows = holders.of_assets(assets.tolist(), len(slots))
    kernel.screen_rows(slots, after, rows, into)
    return rows
