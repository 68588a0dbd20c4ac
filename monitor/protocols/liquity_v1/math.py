"""Liquity's integer arithmetic: pending redistributions, collateral ratios, gas compensation, seized collateral.

Contract files: TroveManager.sol, Dependencies/LiquityBase.sol, Dependencies/LiquityMath.sol (liquity/dev, 0.6.11).
"""

from dataclasses import dataclass

from monitor.units import UINT256_MAX, WAD


@dataclass(frozen=True, slots=True)
class Trove:
    """What the contract stores of a trove, and the redistribution terms as they were when it was last touched."""

    coll_raw: int = 0
    debt_raw: int = 0
    stake: int = 0
    coll_per_stake_wad: int = 0
    debt_per_stake_wad: int = 0


@dataclass(frozen=True, slots=True)
class Redistributed:
    """What liquidations have given to each unit of stake so far, times 1e18 (L_ETH, L_LUSDDebt)."""

    coll_per_stake_wad: int
    debt_per_stake_wad: int


@dataclass(frozen=True, slots=True)
class Entire:
    """A trove with what redistributions have added to it, and these additions by themselves."""

    coll_raw: int
    debt_raw: int
    pending_coll_raw: int
    pending_debt_raw: int


def entire(trove: Trove, so_far: Redistributed) -> Entire:
    """Return the whole trove (TroveManager.getEntireDebtAndColl, getPendingETHReward, getPendingLUSDDebtReward)."""
    coll_raw = trove.stake * (so_far.coll_per_stake_wad - trove.coll_per_stake_wad) // WAD
    debt_raw = trove.stake * (so_far.debt_per_stake_wad - trove.debt_per_stake_wad) // WAD
    return Entire(trove.coll_raw + coll_raw, trove.debt_raw + debt_raw, coll_raw, debt_raw)


def ratio_wad(coll_raw: int, debt_raw: int, price_wad: int) -> int:
    """Return a collateral ratio, of a trove or of the system (LiquityMath._computeCR)."""
    return coll_raw * price_wad // debt_raw if debt_raw else UINT256_MAX


def new_stake(coll_raw: int, stakes_snapshot: int, coll_snapshot_raw: int) -> int:
    """Return the stake of a trove that was touched (TroveManager._computeNewStake)."""
    return coll_raw * stakes_snapshot // coll_snapshot_raw if coll_snapshot_raw else coll_raw


@dataclass(frozen=True, slots=True)
class Liquidation:
    """Where the debt and the collateral of a liquidated trove go.

    `to_caller_raw` is collateral; LUSD from the gas pool comes on top. `surplus_raw` stays the owner's to claim.
    """

    offset_raw: int
    to_pool_raw: int
    redistributed_debt_raw: int
    redistributed_coll_raw: int
    to_caller_raw: int
    surplus_raw: int


def liquidation(whole: Entire, pool_raw: int, divisor: int) -> Liquidation:
    """Return a liquidation against the pool as far as that goes, the rest to all troves.

    TroveManager._getOffsetAndRedistributionVals, LiquityBase._getCollGasCompensation; with an empty pool all is
    redistributed, as in recovery mode for a ratio of at most 100 %.
    """
    to_caller_raw = whole.coll_raw // divisor
    left_raw = whole.coll_raw - to_caller_raw
    offset_raw = min(whole.debt_raw, pool_raw)
    to_pool_raw = left_raw * offset_raw // whole.debt_raw
    return Liquidation(offset_raw, to_pool_raw, whole.debt_raw - offset_raw, left_raw - to_pool_raw, to_caller_raw, 0)


def capped_liquidation(whole: Entire, mcr_wad: int, price_wad: int, divisor: int) -> Liquidation:
    """Return a liquidation in recovery mode of a trove that is above the minimum (TroveManager._getCappedOffsetVals).

    The pool takes all of the debt and collateral at the minimum ratio; what is above stays the owner's.
    """
    capped_raw = whole.debt_raw * mcr_wad // price_wad
    to_caller_raw = capped_raw // divisor
    return Liquidation(whole.debt_raw, capped_raw - to_caller_raw, 0, 0, to_caller_raw, whole.coll_raw - capped_raw)
