"""Interest, shares, debts, ramps and caps of an Euler vault, with the contract's own rounding and overflow rules.

Contract files: Cache.sol (initVaultCache), RPow.sol, ConversionHelpers.sol, Owed.sol, LTVConfig.sol, AmountCap.sol.
"""

from dataclasses import dataclass, replace

from monitor.units import BPS, RAY, UINT256_MAX, div_up

DEBT_SHIFT = 31
"""Debts are kept in units of 2^-31 of the asset's smallest."""
VIRTUAL = 10**6
"""Assets and shares that every vault counts beside what it has (VIRTUAL_DEPOSIT_AMOUNT)."""
MOST_RAW = 2**112 - 1
MOST_OWED = MOST_RAW << DEBT_SHIFT


@dataclass(frozen=True, slots=True)
class Totals:
    """What a vault has at one time.

    `borrowed` is in units of 2^-31; `accumulator_ray` is what one unit of debt has grown to; `rate_ray` per second.
    """

    updated_s: int
    cash_raw: int
    shares: int
    borrowed: int
    accumulator_ray: int
    rate_ray: int
    fee_bps: int

    @property
    def assets_raw(self) -> int:
        """Cash and everything lent (Cache.totalAssetsInternal)."""
        return self.cash_raw + div_up(self.borrowed, 1 << DEBT_SHIFT)

    @property
    def assets_per_share(self) -> tuple[int, int]:
        """Numerator and denominator of what a share is worth (ConversionHelpers.conversionTotals)."""
        return self.assets_raw + VIRTUAL, self.shares + VIRTUAL

    def accrued(self, now_s: int) -> "Totals":
        """Return the totals with interest up to a time; what overflows stays as it was (Cache.initVaultCache)."""
        elapsed_s = now_s - self.updated_s
        if elapsed_s <= 0:
            return self
        accumulator_ray = self.accumulator_ray
        multiplier = rpow_ray(self.rate_ray + RAY, elapsed_s)
        if multiplier is not None and accumulator_ray * multiplier <= UINT256_MAX:
            accumulator_ray = accumulator_ray * multiplier // RAY
        borrowed = self.borrowed
        if borrowed * accumulator_ray <= UINT256_MAX:
            borrowed = borrowed * accumulator_ray // self.accumulator_ray
        if borrowed > MOST_OWED:
            return self
        shares = self._shares_with_fees(borrowed)
        return replace(self, updated_s=now_s, borrowed=borrowed, accumulator_ray=accumulator_ray, shares=shares)

    def _shares_with_fees(self, borrowed: int) -> int:
        fee_raw = (borrowed - self.borrowed) * self.fee_bps // (BPS << DEBT_SHIFT)
        if not fee_raw:
            return self.shares
        assets_raw = self.cash_raw + div_up(borrowed, 1 << DEBT_SHIFT)
        shares = assets_raw * self.shares // (assets_raw - fee_raw)
        return shares if shares <= MOST_RAW else self.shares


@dataclass(frozen=True, slots=True)
class Ltv:
    """What a vault lends against a collateral; the threshold of liquidation falls from `initial_bps` along a ramp."""

    borrow_bps: int
    liquidation_bps: int
    initial_bps: int
    target_s: int
    ramp_s: int

    def liquidation_at(self, now_s: int) -> int:
        """Return the threshold of liquidation at a time, in basis points (LTVConfig.getLTV)."""
        if now_s >= self.target_s or self.liquidation_bps >= self.initial_bps:
            return self.liquidation_bps
        fall_bps = self.initial_bps - self.liquidation_bps
        return self.liquidation_bps + fall_bps * (self.target_s - now_s) // self.ramp_s


def rpow_ray(base_ray: int, times: int) -> int | None:
    """Return base^times, halves rounded up at every step; None where a step exceeds 256 bits (RPow.rpow)."""
    result, half = base_ray if times % 2 else RAY, RAY // 2
    times //= 2
    while times:
        square = base_ray * base_ray + half
        if base_ray >> 128 or square > UINT256_MAX:
            return None
        base_ray = square // RAY
        if times % 2:
            product = result * base_ray + half
            if product > UINT256_MAX:
                return None
            result = product // RAY
        times //= 2
    return result


def owed_now(owed: int, user_accumulator_ray: int, accumulator_ray: int) -> int:
    """Return a stored debt with interest, in units of 2^-31, rounded down (BorrowUtils.getCurrentOwed)."""
    return owed * accumulator_ray // user_accumulator_ray if owed else 0


def assets_up(owed: int) -> int:
    """Return a debt in the asset's smallest units, rounded up (Owed.toAssetsUp)."""
    return div_up(owed, 1 << DEBT_SHIFT)


def scaled_up(owed: int, user_accumulator_ray: int) -> int:
    """Return a stored debt as it was at an accumulator of one ray, in the asset's smallest units, rounded up."""
    return div_up(owed * RAY, user_accumulator_ray << DEBT_SHIFT)


def cap_raw(packed: int) -> int:
    """Return a cap in the asset's smallest units: ten bits of hundredths and six of exponent; none is 0."""
    return UINT256_MAX if not packed else 10 ** (packed & 63) * (packed >> 6) // 100
