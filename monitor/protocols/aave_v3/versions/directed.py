"""Rounding of 3.5 to 3.7: collateral down, debt up, health from the un-averaged sum.

Contract files: GenericLogic.sol, TokenMath.sol (protocol/libraries/helpers).
"""

from collections.abc import Mapping, Sequence

from monitor.domain.prices import Unknown
from monitor.ledger.accounts import Balance
from monitor.protocols.aave_v3.math import percent_mul_down, wad_div_half_up
from monitor.protocols.aave_v3.versions.totals import COLLATERAL, Ratio, Term, Totals
from monitor.units import BPS, RAY, mul_div_down, mul_div_up


def collateral_amount(scaled: int, index_ray: int) -> int:
    """TokenMath.getATokenBalance."""
    return mul_div_down(scaled, index_ray, RAY)


def debt_amount(scaled: int, index_ray: int) -> int:
    """TokenMath.getVTokenBalance."""
    return mul_div_up(scaled, index_ray, RAY)


def scaled_supplied(amount_raw: int, index_ray: int) -> int:
    """TokenMath.getATokenMintScaledAmount."""
    return mul_div_down(amount_raw, RAY, index_ray)


def scaled_withdrawn(amount_raw: int, index_ray: int) -> int:
    """TokenMath.getATokenBurnScaledAmount."""
    return mul_div_up(amount_raw, RAY, index_ray)


def scaled_repaid(amount_raw: int, index_ray: int) -> int:
    """TokenMath.getVTokenBurnScaledAmount."""
    return mul_div_down(amount_raw, RAY, index_ray)


def collateral_after(scaled: int, change_raw: int, index_ray: int) -> int:
    """Return the stored balance after the change that a Mint or Burn tells (ScaledBalanceTokenBase._mintScaled).

    The event tells the difference of two rounded balances, so the new one is known, and only one stored balance has it.
    """
    return mul_div_up(collateral_amount(scaled, index_ray) + change_raw, RAY, index_ray)


def debt_after(scaled: int, change_raw: int, index_ray: int) -> int:
    """Return the stored debt after the change that a Mint or Burn tells (ScaledBalanceTokenBase._mintScaled)."""
    return mul_div_down(debt_amount(scaled, index_ray) + change_raw, RAY, index_ray)


def debt_value(amount_raw: int, price: int, unit: int) -> int:
    """Debt in the base unit, rounded up (GenericLogic._getUserDebtInBaseCurrency)."""
    return mul_div_up(amount_raw, price, unit)


def totals(balances: Sequence[Balance], terms: Mapping[int, Term], _now_s: int) -> Totals | Unknown:
    """Sum an account's reserves (GenericLogic.calculateUserAccountData)."""
    collateral = debt = threshold_sum = ltv_sum = 0
    has_zero_ltv = False
    for balance in balances:
        supply_index, debt_index, unit, collateral_price, debt_price, counts, threshold, ltv = terms[balance.asset]
        if balance.kind == COLLATERAL:
            if isinstance(collateral_price, Unknown):
                return collateral_price
            if counts:
                value = balance.raw * supply_index // RAY * collateral_price // unit
                collateral += value
                threshold_sum += value * threshold
                ltv_sum += value * ltv
                has_zero_ltv |= ltv == 0
        else:
            if isinstance(debt_price, Unknown):
                return debt_price
            debt -= -(-balance.raw * debt_index // RAY) * debt_price // -unit
    return Totals(collateral, debt, threshold_sum, ltv_sum, has_zero_ltv)


def ratio(sums: Totals) -> Ratio:
    """Health of an account with debt (GenericLogic.calculateUserAccountData)."""
    native_wad = wad_div_half_up(sums.threshold_sum, sums.debt_base) // BPS
    return Ratio(sums.threshold_sum, sums.debt_base * BPS, native_wad)


def available_borrows(sums: Totals, average_ltv_bps: int) -> int:
    """GenericLogic.calculateAvailableBorrows."""
    return max(percent_mul_down(sums.collateral_base, average_ltv_bps) - sums.debt_base, 0)
