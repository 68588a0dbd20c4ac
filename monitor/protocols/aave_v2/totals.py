"""What the sums of an account are made from: kinds of stored numbers, the terms of each reserve, and their summing.

Contract file: GenericLogic.sol (calculateUserAccountData).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from monitor.domain.prices import Unknown, Value
from monitor.ledger.accounts import Balance
from monitor.protocols.aave_v2.math import percent_mul_half_up, stable_amount, wad_div_half_up
from monitor.units import RAY

COLLATERAL = 0
"""Scaled aToken balance of a reserve the account uses as collateral."""
STABLE_RATE = 1
"""Yearly rate of the account's stable debt, ray."""
STABLE_SINCE = 2
"""Time the stable debt was last touched, seconds."""
STABLE_PRINCIPAL = 3
"""Stable debt at that time, raw token units; stands after its rate and time."""
SCALED_DEBT = 4
"""Scaled variable debt of a reserve the account borrows, zero where it owes at a stable rate only.

The last number of its reserve. It may be zero with no other debt beside it: a liquidation that pays all leaves the bit.
"""
HALF_RAY = RAY // 2


class Term(NamedTuple):
    """What one reserve means to an account under one repricing.

    Prices are per whole token in the base unit, `unit` is 10^decimals. Collateral without a threshold does not count.
    """

    supply_index_ray: int
    debt_index_ray: int
    unit: int
    collateral_price: Value
    debt_price: Value
    threshold_bps: int
    ltv_bps: int


class Totals(NamedTuple):
    """Sums over an account's reserves in the base unit; the weighted ones are times 10^4."""

    collateral_base: int
    debt_base: int
    threshold_sum: int
    ltv_sum: int


class Ratio(NamedTuple):
    """Both sides of the health ratio and the integer the contract returns for it."""

    numerator: int
    denominator: int
    native_wad: int


def totals(balances: Sequence[Balance], terms: Mapping[int, Term], now_s: int) -> Totals | Unknown:
    """Sum an account's reserves (GenericLogic.calculateUserAccountData).

    The price of every reserve with a bit is read, whether it counts or not.
    """
    collateral = debt = threshold_sum = ltv_sum = 0
    rate_ray = since_s = stable_raw = 0
    for balance in balances:
        kind, raw = balance.kind, balance.raw
        supply_index, debt_index, unit, collateral_price, debt_price, threshold, ltv = terms[balance.asset]
        if kind == COLLATERAL:
            if isinstance(collateral_price, Unknown):
                return collateral_price
            if threshold:
                value = (raw * supply_index + HALF_RAY) // RAY * collateral_price // unit
                collateral += value
                threshold_sum += value * threshold
                ltv_sum += value * ltv
        elif kind == SCALED_DEBT:
            if isinstance(debt_price, Unknown):
                return debt_price
            debt += ((raw * debt_index + HALF_RAY) // RAY + stable_raw) * debt_price // unit
            stable_raw = 0
        elif kind == STABLE_RATE:
            rate_ray = raw
        elif kind == STABLE_SINCE:
            since_s = raw
        elif kind == STABLE_PRINCIPAL:
            stable_raw = stable_amount(raw, rate_ray, now_s - since_s)
    return Totals(collateral, debt, threshold_sum, ltv_sum)


def ratio(sums: Totals) -> Ratio:
    """Return the health of an account with debt (GenericLogic.calculateHealthFactorFromBalances)."""
    average = sums.threshold_sum // sums.collateral_base if sums.collateral_base else 0
    adjusted = percent_mul_half_up(sums.collateral_base, average)
    return Ratio(adjusted, sums.debt_base, wad_div_half_up(adjusted, sums.debt_base))


def available_borrows_base(sums: Totals, average_ltv_bps: int) -> int:
    """GenericLogic.calculateAvailableBorrowsETH."""
    return max(percent_mul_half_up(sums.collateral_base, average_ltv_bps) - sums.debt_base, 0)
