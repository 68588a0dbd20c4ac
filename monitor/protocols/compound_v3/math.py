"""Comet's integer arithmetic: indices, present values and principals, in the contract's order and rounding.

Contract files: Comet.sol, CometCore.sol, CometMath.sol.
"""

from dataclasses import dataclass

from monitor.units import WAD, div_up

INDEX_SCALE = 10**15
"""BASE_INDEX_SCALE: what an index of 1 is stored as."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One interest rate per second by utilisation, all times 1e18, bent at the kink."""

    base: int
    slope_low: int
    slope_high: int
    kink: int

    def rate_wad(self, utilization_wad: int) -> int:
        """Return the rate per second (Comet.getSupplyRate, getBorrowRate)."""
        if utilization_wad <= self.kink:
            return self.base + self.slope_low * utilization_wad // WAD
        above = self.slope_high * (utilization_wad - self.kink) // WAD
        return self.base + self.slope_low * self.kink // WAD + above


@dataclass(frozen=True, slots=True)
class Indices:
    """What one unit of supplied and of borrowed principal has grown to, times 1e15."""

    supply: int
    borrow: int


@dataclass(frozen=True, slots=True)
class Interest:
    """What interest follows from: stored indices and principals, since when they stand, and the two curves.

    `rests_when_empty`: the service patch of 2026 books none on a side on which nobody stands.
    """

    stored: Indices
    supplied_principal: int
    borrowed_principal: int
    since_s: int
    supply_curve: Curve
    borrow_curve: Curve
    rests_when_empty: bool = False

    @property
    def utilization_wad(self) -> int:
        """Borrowed over supplied at the stored indices (Comet.getUtilization)."""
        supplied = present_value_down(self.supplied_principal, self.stored.supply)
        borrowed = present_value_down(self.borrowed_principal, self.stored.borrow)
        return borrowed * WAD // supplied if supplied else 0

    def indices_at(self, now_s: int) -> Indices:
        """Return both indices at a time (Comet.accruedInterestIndices); before the last accrual, those stored."""
        elapsed_s = max(now_s - self.since_s, 0)
        supply, borrow = self.stored.supply, self.stored.borrow
        supply_rate_wad = self._rate_wad(self.supply_curve, self.supplied_principal)
        borrow_rate_wad = self._rate_wad(self.borrow_curve, self.borrowed_principal)
        return Indices(
            supply + supply * (supply_rate_wad * elapsed_s) // WAD,
            borrow + borrow * (borrow_rate_wad * elapsed_s) // WAD,
        )

    def _rate_wad(self, curve: Curve, principal: int) -> int:
        return 0 if self.rests_when_empty and not principal else curve.rate_wad(self.utilization_wad)


def present_value_down(principal: int, index: int) -> int:
    """Return the token amount of a principal (CometCore.presentValueSupply, presentValueBorrow)."""
    return principal * index // INDEX_SCALE


def borrow_principal_up(amount_raw: int, index: int) -> int:
    """Return the principal of a debt (CometCore.principalValueBorrow)."""
    return div_up(amount_raw * INDEX_SCALE, index)


def value_down(amount_raw: int, price: int, scale: int) -> int:
    """Return an amount's worth in the price's unit (Comet.mulPrice; signedMulPrice rounds toward zero alike)."""
    return amount_raw * price // scale


def weighted_down(value: int, factor_wad: int) -> int:
    """Return the part of a value that a factor leaves (Comet.mulFactor)."""
    return value * factor_wad // WAD
