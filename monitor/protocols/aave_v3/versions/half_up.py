"""Rounding of 3.0 to 3.4: balances to nearest, debt value down, health from a threshold averaged to whole bps.

Contract files: GenericLogic.sol, ScaledBalanceTokenBase.sol, StableDebtToken.sol.
"""

from collections.abc import Mapping, Sequence

from monitor.domain.prices import Unknown
from monitor.ledger.accounts import Balance
from monitor.protocols.aave_v3.math import (
    binomial_interest_ray,
    percent_mul_half_up,
    ray_div_half_up,
    ray_mul_half_up,
    wad_div_half_up,
)
from monitor.protocols.aave_v3.versions.totals import (
    COLLATERAL,
    PLAIN_DEBT,
    SCALED_DEBT,
    STABLE_PRINCIPAL,
    STABLE_RATE,
    STABLE_SINCE,
    Ratio,
    Term,
    Totals,
)
from monitor.units import RAY

HALF_RAY = RAY // 2

collateral_amount = ray_mul_half_up
debt_amount = ray_mul_half_up
scaled_supplied = ray_div_half_up
scaled_withdrawn = ray_div_half_up
scaled_repaid = ray_div_half_up


def debt_value(amount_raw: int, price: int, unit: int) -> int:
    """Debt in the base unit, rounded down (GenericLogic._getUserDebtInBaseCurrency)."""
    return amount_raw * price // unit


def collateral_after(scaled: int, change_raw: int, index_ray: int) -> int:
    """Return the stored balance after the change that a Mint or Burn tells (ScaledBalanceTokenBase._mintScaled)."""
    moved = ray_div_half_up(abs(change_raw), index_ray)
    return scaled + moved if change_raw > 0 else scaled - moved


debt_after = collateral_after


def totals(balances: Sequence[Balance], terms: Mapping[int, Term], now_s: int) -> Totals | Unknown:
    """Sum an account's reserves (GenericLogic.calculateUserAccountData)."""
    collateral = debt = threshold_sum = ltv_sum = 0
    rate_ray = since_s = stable_raw = 0
    has_zero_ltv = False
    for balance in balances:
        kind, raw = balance.kind, balance.raw
        supply_index, debt_index, unit, collateral_price, debt_price, counts, threshold, ltv = terms[balance.asset]
        if kind == COLLATERAL:
            if isinstance(collateral_price, Unknown):
                return collateral_price
            if counts:
                value = (raw * supply_index + HALF_RAY) // RAY * collateral_price // unit
                collateral += value
                threshold_sum += value * threshold
                ltv_sum += value * ltv
                has_zero_ltv |= ltv == 0
        elif kind >= SCALED_DEBT:
            if isinstance(debt_price, Unknown):
                return debt_price
            amount = raw if kind == PLAIN_DEBT else (raw * debt_index + HALF_RAY) // RAY
            debt += (amount + stable_raw) * debt_price // unit
            stable_raw = 0
        elif kind == STABLE_RATE:
            rate_ray = raw
        elif kind == STABLE_SINCE:
            since_s = raw
        elif kind == STABLE_PRINCIPAL:
            stable_raw = stable_amount(raw, rate_ray, now_s - since_s)
    return Totals(collateral, debt, threshold_sum, ltv_sum, has_zero_ltv)


def stable_amount(principal_raw: int, rate_ray: int, elapsed_s: int) -> int:
    """StableDebtToken.balanceOf."""
    return ray_mul_half_up(principal_raw, binomial_interest_ray(rate_ray, elapsed_s))


def ratio(sums: Totals) -> Ratio:
    """Health of an account with debt (GenericLogic.calculateUserAccountData)."""
    average = sums.threshold_sum // sums.collateral_base if sums.collateral_base else 0
    adjusted = percent_mul_half_up(sums.collateral_base, average)
    return Ratio(adjusted, sums.debt_base, wad_div_half_up(adjusted, sums.debt_base))


def available_borrows(sums: Totals, average_ltv_bps: int) -> int:
    """GenericLogic.calculateAvailableBorrows."""
    return max(percent_mul_half_up(sums.collateral_base, average_ltv_bps) - sums.debt_base, 0)
