"""How much one liquidation may take: close factors and seized amounts, by version.

Contract file: LiquidationLogic.sol.
"""

from collections.abc import Callable
from typing import NamedTuple

from monitor.protocols.aave_v3.math import percent_mul_half_up
from monitor.units import BPS, WAD

FULL_CLOSE_BELOW_WAD = 95 * WAD // 100
"""CLOSE_FACTOR_HF_THRESHOLD: at or below it the whole debt of a reserve may be repaid."""
HALF_BPS = BPS // 2
SMALL_POSITION_BASE = 2000 * 10**8
"""MIN_BASE_MAX_CLOSE_FACTOR_THRESHOLD; a constant that assumes an eight-decimal USD base."""
SMALL_REST_BASE = SMALL_POSITION_BASE // 2
"""MIN_LEFTOVER_BASE."""

Percentage = Callable[[int, int], int]
Value = Callable[[int, int, int], int]


class Pair(NamedTuple):
    """One collateral and one debt reserve of an account past its line; amounts raw, prices in the base unit.

    `debt_base` is the debt of this reserve, `total_debt_base` of the whole account.
    """

    health_wad: int
    total_debt_base: int
    debt_raw: int
    debt_base: int
    debt_price: int
    debt_unit: int
    collateral_raw: int
    collateral_price: int
    collateral_unit: int
    bonus_bps: int
    fee_bps: int


class Seizing(NamedTuple):
    """The percentage rounding of `_calculateAvailableCollateralToLiquidate` in one version."""

    with_bonus: Percentage
    without_bonus: Percentage
    par_of: Percentage
    fee_of: Percentage


class Seized(NamedTuple):
    """What one call would move; `collateral_base` values liquidator's share and fee together."""

    debt_raw: int
    to_liquidator_raw: int
    fee_raw: int
    collateral_base: int


def half_of_the_debt(pair: Pair) -> int:
    """The most debt one call may repay up to 3.2 (LiquidationLogic._calculateDebt)."""
    return percent_mul_half_up(pair.debt_raw, HALF_BPS if pair.health_wad > FULL_CLOSE_BELOW_WAD else BPS)


def half_of_the_account(pair: Pair) -> int:
    """The most debt one call may repay from 3.3: all of it, unless account and both legs are large and not too deep.

    Contract: LiquidationLogic.executeLiquidationCall.
    """
    collateral_base = pair.collateral_raw * pair.collateral_price // pair.collateral_unit
    if min(collateral_base, pair.debt_base) < SMALL_POSITION_BASE or pair.health_wad <= FULL_CLOSE_BELOW_WAD:
        return pair.debt_raw
    half_base = percent_mul_half_up(pair.total_debt_base, HALF_BPS)
    return half_base * pair.debt_unit // pair.debt_price if pair.debt_base > half_base else pair.debt_raw


def seize(pair: Pair, cover_raw: int, seizing: Seizing) -> Seized:
    """LiquidationLogic._calculateAvailableCollateralToLiquidate."""
    priced_debt, priced_collateral = pair.debt_price * pair.collateral_unit, pair.collateral_price * pair.debt_unit
    taken = seizing.with_bonus(priced_debt * cover_raw // priced_collateral, pair.bonus_bps)
    debt = cover_raw
    if taken > pair.collateral_raw:
        taken = pair.collateral_raw
        debt = seizing.without_bonus(priced_collateral * taken // priced_debt, pair.bonus_bps)
    fee = seizing.fee_of(taken - seizing.par_of(taken, pair.bonus_bps), pair.fee_bps) if pair.fee_bps else 0
    return Seized(debt, taken - fee, fee, taken * pair.collateral_price // pair.collateral_unit)


def leaves_dust(pair: Pair, seized: Seized, debt_value: Value) -> bool:
    """Whether debt and collateral of the pair both remain and one of them is small (MustNotLeaveDust).

    Contract: LiquidationLogic.executeLiquidationCall.
    """
    debt_rest = pair.debt_raw - seized.debt_raw
    collateral_rest = pair.collateral_raw - seized.to_liquidator_raw - seized.fee_raw
    if debt_rest <= 0 or collateral_rest <= 0:
        return False
    rest_base = collateral_rest * pair.collateral_price // pair.collateral_unit
    return min(rest_base, debt_value(debt_rest, pair.debt_price, pair.debt_unit)) < SMALL_REST_BASE


def largest_without_dust(pair: Pair, cover_raw: int, seizing: Seizing, debt_value: Value) -> int:
    """Return the largest cover up to `cover_raw` that leaves enough of both; 0 where none does.

    Both rests shrink as the cover grows, so the boundary is found by halving.
    """
    enough, too_much = 0, cover_raw
    while too_much - enough > 1:
        middle = (enough + too_much) // 2
        if leaves_dust(pair, seize(pair, middle, seizing), debt_value):
            too_much = middle
        else:
            enough = middle
    return enough
