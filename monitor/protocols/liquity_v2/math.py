"""The integer arithmetic of BOLD: interest, shares of a batch, redistributions, ratios, seized collateral.

Contract files: TroveManager.sol, Dependencies/LiquityMath.sol, Dependencies/Constants.sol (liquity/bold, 0.8.24).
"""

from dataclasses import dataclass

from monitor.units import UINT256_MAX, WAD, YEAR_S

GAS_DIVISOR = 200
"""Constants.COLL_GAS_COMPENSATION_DIVISOR."""
GAS_CAP_RAW = 2 * WAD
"""Constants.COLL_GAS_COMPENSATION_CAP."""
LEFT_IN_POOL_RAW = WAD
"""Constants.MIN_BOLD_IN_SP: what a liquidation leaves in the pool."""
MIN_DEBT_RAW = 2_000 * WAD
"""Constants.MIN_DEBT."""
MAX_RATE_WAD = 25 * WAD // 10
"""Constants.MAX_ANNUAL_INTEREST_RATE."""


@dataclass(frozen=True, slots=True)
class Trove:
    """What the contract stores of a trove, and the redistribution terms as they were when it was last touched.

    `batch` is the batch's number in the market, 0 for a trove with a rate of its own; then `shares` is 0, else debt,
    rate and time are. `manager` is the lower half of the batch manager's address.
    """

    coll_raw: int = 0
    stake: int = 0
    coll_per_stake_wad: int = 0
    debt_per_stake_wad: int = 0
    debt_raw: int = 0
    rate_wad: int = 0
    updated_s: int = 0
    batch: int = 0
    manager: int = 0
    shares: int = 0
    is_zombie: bool = False


@dataclass(frozen=True, slots=True)
class Redistributed:
    """What liquidations have given to each unit of stake so far, times 1e18 (L_coll, L_boldDebt)."""

    coll_per_stake_wad: int
    debt_per_stake_wad: int


@dataclass(frozen=True, slots=True)
class Owed:
    """A batch's debt at a moment: what was recorded, interest since, the manager's fee since, and all its shares."""

    recorded_raw: int
    interest_raw: int
    fee_raw: int
    shares: int

    @property
    def total_raw(self) -> int:
        """The whole debt without redistributions (LatestBatchData.entireDebtWithoutRedistribution)."""
        return self.recorded_raw + self.interest_raw + self.fee_raw

    def of(self, shares: int) -> int:
        """Return what so many shares owe, each part rounded down (TroveManager._getLatestTroveDataFromBatch)."""
        if not self.shares:
            return 0
        return sum(part * shares // self.shares for part in (self.recorded_raw, self.interest_raw, self.fee_raw))


@dataclass(frozen=True, slots=True)
class Entire:
    """A trove with interest and redistributions."""

    coll_raw: int
    debt_raw: int
    pending_coll_raw: int
    pending_debt_raw: int


def period_s(updated_s: int, now_s: int, shutdown_s: int) -> int:
    """Return how long interest has run (TroveManager._getInterestPeriod); it ends when the branch is shut down."""
    return max(shutdown_s - updated_s, 0) if shutdown_s else now_s - updated_s


def interest_raw(debt_raw: int, rate_wad: int, elapsed_s: int) -> int:
    """Return simple interest, rounded down twice (TroveManager._calcInterest)."""
    return debt_raw * rate_wad * elapsed_s // YEAR_S // WAD


def pending(trove: Trove, so_far: Redistributed) -> tuple[int, int]:
    """Return the collateral and the debt that were redistributed to a trove since it was last touched."""
    coll_raw = trove.stake * (so_far.coll_per_stake_wad - trove.coll_per_stake_wad) // WAD
    return coll_raw, trove.stake * (so_far.debt_per_stake_wad - trove.debt_per_stake_wad) // WAD


def ratio_wad(coll_raw: int, debt_raw: int, price_wad: int) -> int:
    """Return a collateral ratio (LiquityMath._computeCR)."""
    return coll_raw * price_wad // debt_raw if debt_raw else UINT256_MAX


@dataclass(frozen=True, slots=True)
class Liquidation:
    """Where the debt and the collateral of a liquidated trove go. `surplus_raw` stays the owner's to claim."""

    offset_raw: int
    to_pool_raw: int
    redistributed_debt_raw: int
    redistributed_coll_raw: int
    to_caller_raw: int
    surplus_raw: int


@dataclass(frozen=True, slots=True)
class Penalties:
    """What a liquidation may take beyond the debt, times 1e18."""

    pool_wad: int
    redistribution_wad: int


def liquidation(whole: Entire, pool_raw: int, penalties: Penalties, price_wad: int) -> Liquidation:
    """Return a liquidation against the pool as far as that goes, the rest to all troves.

    TroveManager._getOffsetAndRedistributionVals, _getCollGasCompensation, _getCollPenaltyAndSurplus; `pool_raw` is all
    that is deposited. The caller is paid out of the pool's part alone.
    """
    offset_raw = min(whole.debt_raw, max(pool_raw - LEFT_IN_POOL_RAW, 0))
    part_raw = whole.coll_raw * offset_raw // whole.debt_raw
    to_caller_raw = min(part_raw // GAS_DIVISOR, GAS_CAP_RAW)
    to_pool_raw, surplus_raw = _seized(part_raw - to_caller_raw, offset_raw, penalties.pool_wad, price_wad)
    left_raw, given_raw = whole.debt_raw - offset_raw, 0
    if left_raw and whole.coll_raw > part_raw:
        given_raw, surplus_raw = _seized(
            whole.coll_raw - part_raw + surplus_raw, left_raw, penalties.redistribution_wad, price_wad
        )
    return Liquidation(offset_raw, to_pool_raw, left_raw, given_raw, to_caller_raw, surplus_raw)


def _seized(coll_raw: int, debt_raw: int, penalty_wad: int, price_wad: int) -> tuple[int, int]:
    """Return what of the collateral is taken for a debt with its penalty, and what is left over."""
    taken_raw = min(coll_raw, debt_raw * (WAD + penalty_wad) // price_wad)
    return taken_raw, coll_raw - taken_raw
