"""The family's integer arithmetic: interest, exchange rates and debts, in the contracts' order; every division floors.

Contract files: CToken.sol (accrueInterest, exchangeRateStoredInternal, borrowBalanceStoredInternal),
ExponentialNoError.sol (mul_, mul_ScalarTruncate, mul_ScalarTruncateAddUInt, div_).
"""

from dataclasses import dataclass

from monitor.domain.prices import Unknown, Value
from monitor.units import WAD, mul_div_up


@dataclass(frozen=True, slots=True)
class Standing:
    """What a cToken and a debt have grown to: exchange rate and borrow index, times 1e18."""

    exchange_rate_wad: int
    borrow_index: int


@dataclass(frozen=True, slots=True)
class Interest:
    """What interest of one market follows from, as stored at `since` (a block number, or seconds).

    `extra_raw` is what the exchange rate counts beside the cash: bad debt, tokens lent in a flash loan. `rate_wad` is
    per unit of `since`, `Unknown` where accrueInterest reverts for it. `initial_rate_wad` is the exchange rate while
    nobody has supplied.
    """

    cash_raw: int
    extra_raw: int
    borrows_raw: int
    reserves_raw: int
    supply: int
    reserve_factor_wad: int
    borrow_index: int
    rate_wad: Value
    since: int
    initial_rate_wad: int

    @property
    def standing(self) -> Standing:
        """The stored index, and the exchange rate as the views return it."""
        return Standing(self.exchange_rate_wad, self.borrow_index)

    @property
    def exchange_rate_wad(self) -> int:
        """What a cToken is worth in the underlying (CToken.exchangeRateStoredInternal)."""
        if not self.supply:
            return self.initial_rate_wad
        held_raw = self.cash_raw + self.extra_raw + self.borrows_raw - self.reserves_raw
        return held_raw * WAD // self.supply

    @property
    def is_frozen(self) -> bool:
        """Whether accrueInterest reverts, so that nothing of this market can be repaid, added or liquidated."""
        return isinstance(self.rate_wad, Unknown)

    def accrued(self, now: int) -> Standing:
        """Return index and exchange rate once interest is booked (CToken.accrueInterest); as stored where it cannot."""
        if isinstance(self.rate_wad, Unknown) or now <= self.since:
            return self.standing
        factor_wad = self.rate_wad * (now - self.since)
        interest_raw = factor_wad * self.borrows_raw // WAD
        index = factor_wad * self.borrow_index // WAD + self.borrow_index
        if not self.supply:
            return Standing(self.initial_rate_wad, index)
        reserves_raw = self.reserve_factor_wad * interest_raw // WAD + self.reserves_raw
        held_raw = self.cash_raw + self.extra_raw + self.borrows_raw + interest_raw - reserves_raw
        return Standing(held_raw * WAD // self.supply, index)


@dataclass(frozen=True, slots=True)
class FaceInterest:
    """Interest of a debt that is minted, not borrowed (Venus's VAI): an index that grows by its rate, uncompounded."""

    borrow_index: int
    rate_wad: int
    since: int
    reserve_factor_wad: int = 0
    supply: int = 0
    is_frozen: bool = False

    @property
    def standing(self) -> Standing:
        """The stored index; nothing is supplied."""
        return Standing(0, self.borrow_index)

    def accrued(self, now: int) -> Standing:
        """Return the index once interest is booked (VAIController.accrueVAIInterest)."""
        return Standing(0, self.borrow_index + self.rate_wad * max(now - self.since, 0))


def owed_raw(principal_raw: int, index: int, borrow_index: int) -> int:
    """Return a debt by the index it was last written at (CToken.borrowBalanceStoredInternal)."""
    return principal_raw * borrow_index // index if principal_raw else 0


def minted_owed_raw(minted_raw: int, index: int, bearing_raw: int, now_index: int) -> int:
    """Return a minted debt, of which what is not interest already bears more (VAIController.getVAIRepayAmount)."""
    return minted_raw + (now_index - index) * bearing_raw // WAD


def minted_parts_raw(owed: int, minted_raw: int, past_raw: int, repaid_raw: int) -> tuple[int, int, int]:
    """Return how much of a repayment of a minted debt is burnt, is interest, and is interest booked long ago.

    The first two are paid (VAIController.getVAICalculateRepayAmount).
    """
    interest_raw = past_raw + owed - minted_raw
    if repaid_raw >= owed:
        return owed - interest_raw, interest_raw, past_raw
    part_wad = repaid_raw * WAD // owed
    return (owed - interest_raw) * part_wad // WAD, interest_raw * part_wad // WAD, past_raw * part_wad // WAD


def scaled_up(principal_raw: int, index: int) -> int:
    """Return what a debt would have been at an index of 1e18, rounded up; the contracts do not keep it."""
    return mul_div_up(principal_raw, WAD, index)


def times(a_wad: int, b: int) -> int:
    """Return the truncated product (ExponentialNoError.mul_ and mul_ScalarTruncate)."""
    return a_wad * b // WAD


def seize_ratio_wad(incentive_wad: int, debt_price: int, collateral_price: int, exchange_rate_wad: int) -> int | None:
    """Return the cTokens seized for one unit repaid (Comptroller.liquidateCalculateSeizeTokens).

    None where the collateral is worth so little that the contract divides by zero.
    """
    worth = times(collateral_price, exchange_rate_wad)
    return times(incentive_wad, debt_price) * WAD // worth if worth else None
