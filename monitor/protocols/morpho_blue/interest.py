"""Interest: a market's totals as stored, what they are at a moment, and what they will be when nobody acts.

Contract files: Morpho.sol (_accrueInterest), AdaptiveCurveIrm.sol, ConstantsLib.sol (adaptive-curve-irm).
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor.domain.prices import Unknown
from monitor.protocols.morpho_blue.math import (
    to_shares_down,
    w_div_down,
    w_div_to_zero,
    w_exp,
    w_mul_down,
    w_mul_to_zero,
    w_taylor_compounded,
)
from monitor.units import UINT128_MAX, WAD, YEAR_S, div_to_zero, mul_div_up

if TYPE_CHECKING:
    from monitor.protocols.morpho_blue.market import Market

_TARGET_UTILIZATION_WAD = 9 * WAD // 10
_STEEPNESS_WAD = 4 * WAD
_SPEED_WAD = 50 * WAD // YEAR_S
_FIRST_RATE_WAD = 4 * WAD // 100 // YEAR_S
_LEAST_RATE_WAD = WAD // 1000 // YEAR_S
_MOST_RATE_WAD = 2 * WAD // YEAR_S


@dataclass(frozen=True, slots=True)
class Totals:
    """The contract's `Market` struct: assets in loan token units, shares with their six virtual decimals."""

    supply_assets_raw: int
    supply_shares: int
    borrow_assets_raw: int
    borrow_shares: int
    updated_s: int
    fee_wad: int

    @property
    def words(self) -> tuple[int, ...]:
        """The struct's fields in their order."""
        supply, borrow = (self.supply_assets_raw, self.supply_shares), (self.borrow_assets_raw, self.borrow_shares)
        return (*supply, *borrow, self.updated_s, self.fee_wad)

    def accrued(self, rate_wad: int, now_s: int) -> "Totals | Unknown":
        """Return the totals with interest up to a time (Morpho._accrueInterest).

        Unknown where the contract reverts because they do not fit into 128 bits: nobody can act then.
        """
        elapsed_s = max(now_s - self.updated_s, 0)
        interest = w_mul_down(self.borrow_assets_raw, w_taylor_compounded(rate_wad, elapsed_s))
        supply, borrow = self.supply_assets_raw + interest, self.borrow_assets_raw + interest
        if max(supply, borrow) > UINT128_MAX:
            return Unknown("accruing interest reverts: the totals exceed 128 bits")
        fee = w_mul_down(interest, self.fee_wad)
        return Totals(
            supply_assets_raw=supply,
            supply_shares=self.supply_shares + to_shares_down(fee, supply - fee, self.supply_shares),
            borrow_assets_raw=borrow,
            borrow_shares=self.borrow_shares,
            updated_s=self.updated_s + elapsed_s,
            fee_wad=self.fee_wad,
        )


@dataclass(frozen=True, slots=True)
class Interest:
    """Totals as stored, and the rate since, per second times 1e18: the average that the rate model answers.

    `rate_at_target_wad` is the adaptive curve's state; None where the model is another.
    """

    stored: Totals
    rate_wad: int | Unknown
    rate_at_target_wad: int | None = None

    def totals_at(self, now_s: int) -> Totals | Unknown:
        """Return the totals at the moment of the read."""
        return self.rate_wad if isinstance(self.rate_wad, Unknown) else self.stored.accrued(self.rate_wad, now_s)

    def totals_later(self, then_s: int) -> Totals | Unknown:
        """Return the totals at a later time when nobody acts; a rate that is no adaptive curve's stays as it is."""
        if self.rate_at_target_wad is None:
            return self.totals_at(then_s)
        rate_wad = adaptive_rate_wad(self.stored, self.rate_at_target_wad, max(then_s - self.stored.updated_s, 0))
        return self.stored.accrued(rate_wad, then_s)


def adaptive_rate_wad(stored: Totals, rate_at_target_wad: int, elapsed_s: int) -> int:
    """Return the average rate since the last update (AdaptiveCurveIrm._borrowRate)."""
    supply = stored.supply_assets_raw
    utilization = w_div_down(stored.borrow_assets_raw, supply) if supply else 0
    is_above = utilization > _TARGET_UTILIZATION_WAD
    norm = WAD - _TARGET_UTILIZATION_WAD if is_above else _TARGET_UTILIZATION_WAD
    error = w_div_to_zero(utilization - _TARGET_UTILIZATION_WAD, norm)
    average = _FIRST_RATE_WAD
    if rate_at_target_wad:
        adaptation = w_mul_to_zero(_SPEED_WAD, error) * elapsed_s
        end, middle = (_moved(rate_at_target_wad, by) for by in (adaptation, div_to_zero(adaptation, 2)))
        average = div_to_zero(rate_at_target_wad + end + 2 * middle, 4) if adaptation else rate_at_target_wad
    coefficient = WAD - w_div_to_zero(WAD, _STEEPNESS_WAD) if error < 0 else _STEEPNESS_WAD - WAD
    return w_mul_to_zero(w_mul_to_zero(coefficient, error) + WAD, average)


def _moved(rate_at_target_wad: int, adaptation_wad: int) -> int:
    """AdaptiveCurveIrm._newRateAtTarget."""
    return min(max(w_mul_to_zero(rate_at_target_wad, w_exp(adaptation_wad)), _LEAST_RATE_WAD), _MOST_RATE_WAD)


def later(market: "Market", seconds: int) -> "Market":
    """Return the market that many seconds on, if nobody acts and no price moves.

    An adaptive curve moves its rate meanwhile; any other model's rate is taken to stay.
    """
    at = replace(market.at, timestamp_s=market.at.timestamp_s + seconds)
    return replace(market, at=at, totals=market.interest.totals_later(at.timestamp_s), views=[])


def debt_growth_wad(market: "Market", seconds: int) -> int:
    """Return how much a debt grows in that time by interest, as a part of it, rounded up; 0 where nothing is known."""
    now, then = market.totals, market.interest.totals_later(market.at.timestamp_s + seconds)
    if isinstance(now, Unknown) or isinstance(then, Unknown):
        return 0
    return mul_div_up(max(then.borrow_assets_raw - now.borrow_assets_raw, 0), WAD, now.borrow_assets_raw + 1)
