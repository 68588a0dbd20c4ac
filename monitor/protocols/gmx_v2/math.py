"""The integer arithmetic of the GMX v2.2 contracts, each with its rounding. Dollars and factors have 30 decimals.

Prices are dollars of 30 decimals for one smallest unit of a token, so that amount × price is dollars.
"""

import math
from typing import NamedTuple

from monitor.units import WAD, div_to_zero, mul_div_down, mul_div_up

ONE = 10**30
"""A factor of 1, and a dollar."""
FUNDING_UNIT = 10**45
"""What sums per size are divided by: a dollar, and fifteen digits more."""
_TO_WAD = 10**12
_HALF = WAD // 2
_UNIT = 2**64
_WIDE = 2**512


class Price(NamedTuple):
    """What the oracle says of a token: the lower and the higher end."""

    low: int
    high: int

    @property
    def middle_down(self) -> int:
        return (self.low + self.high) // 2

    def for_pnl(self, is_long: bool, *, is_maximised: bool) -> int:  # noqa: FBT001  # a side
        """Return the end that makes a side's profit least or most (Price.pickPriceForPnl)."""
        return self.high if is_long == is_maximised else self.low


class Sides(NamedTuple):
    """One number for longs and one for shorts, or for what balances a market and what does not."""

    yes: int
    no: int

    def of(self, flag: bool) -> int:  # noqa: FBT001  # a choice of two
        return self.yes if flag else self.no


def part_down(value: int, factor: int) -> int:
    """Return a part of a value that is not negative (Precision.applyFactor)."""
    return mul_div_down(value, factor, ONE)


def pnl_usd(size_usd: int, size_raw: int, index_price: int, *, is_long: bool) -> int:
    """Return profit of a size, or of all of a side (PositionUtils.getPositionPnlUsd, MarketUtils.getPnl)."""
    worth = size_raw * index_price
    return worth - size_usd if is_long else size_usd - worth


def capped_pnl_usd(pnl: int, pool_pnl: int, pool_usd: int, most_factor: int) -> int:
    """Return what is paid of a profit where the pool pays no more than a part of itself to a side.

    `pool_pnl` is the side's whole profit, maximised; a loss is whole (PositionUtils.getPositionPnlUsd,
    MarketUtils.getCappedPnl).
    """
    capped = min(pool_pnl, part_down(pool_usd, most_factor))
    if pnl <= 0 or pool_pnl <= 0 or capped <= 0 or capped == pool_pnl:
        return pnl
    return mul_div_down(pnl, capped, pool_pnl)


def pool_usd(
    interest_usd: Sides, interest_raw: Sides, pool_raw: Sides, index: Price, pool_price: int, *, is_long: bool
) -> tuple[int, int]:
    """Return a side's whole profit, maximised, and what the pool that pays it is worth (MarketUtils.getPnl).

    0 where nothing is open.
    """
    usd, raw = interest_usd.of(is_long), interest_raw.of(is_long)
    profit = pnl_usd(usd, raw, index.for_pnl(is_long, is_maximised=True), is_long=is_long) if usd and raw else 0
    return profit, pool_raw.of(is_long) * pool_price


def interest_for_balance(usd: Sides, raw: Sides, index: Price, *, counts_tokens: bool) -> Sides:
    """Return the open interests that balance is measured by: as opened, or at today's middle price."""
    return Sides(*(side * index.middle_down for side in raw)) if counts_tokens else usd


def borrowing_usd(size_usd: int, factor_now: int, factor_then: int) -> int:
    """Return what a position owes for borrowing (MarketUtils.getBorrowingFees, getNextBorrowingFees)."""
    return part_down(size_usd, factor_now - factor_then)


def funding_fee_raw_up(size_usd: int, per_size_now: int, per_size_then: int) -> int:
    """Return what a position owes for funding, in its collateral (MarketUtils.getFundingAmount, rounded up)."""
    return mul_div_up(size_usd, per_size_now - per_size_then, FUNDING_UNIT)


def claimable_raw_down(size_usd: int, per_size_now: int, per_size_then: int) -> int:
    """Return what a position has earned by funding and not claimed yet (MarketUtils.getFundingAmount)."""
    return mul_div_down(size_usd, per_size_now - per_size_then, FUNDING_UNIT)


def fee_raw_down(size_usd: int, fee_factor: int, collateral_price: int, discount_factor: int) -> int:
    """Return the fee for closing, less the discount (PositionPricingUtils.getPositionFeesAfterReferral)."""
    fee_raw = part_down(size_usd, fee_factor) // collateral_price
    return fee_raw - part_down(fee_raw, discount_factor)


def discount_factor(fee_raw: int, discount_raw: int, candidates: tuple[int, ...] = ()) -> int:
    """Return the part of a fee that a discount takes off: the least candidate that makes it, else the least that does.

    Of a fee too small to show a discount it is the least candidate.
    """
    made = [factor for factor in candidates if factor and part_down(fee_raw, factor) == discount_raw]
    if made:
        return min(made)
    return mul_div_up(discount_raw, ONE, fee_raw) if fee_raw else 0


class Curve(NamedTuple):
    """How the impact of an imbalance grows: factor and exponent, of what balances (`yes`) and what does not."""

    factors: Sides
    exponents: Sides

    def usd(self, imbalance_usd: int, *, is_positive: bool) -> int:
        """Return the impact of an imbalance; none of one below a dollar (PricingUtils.applyImpactFactor).

        The positive factor is at most the negative one (MarketUtils.getAdjustedPositionImpactFactors).
        """
        if imbalance_usd < ONE:
            return 0
        factor, exponent = self.factors.of(is_positive), self.exponents.of(is_positive)
        if is_positive:
            factor = min(self.factors)
        if exponent != ONE:
            imbalance_usd = power_wad_down(imbalance_usd // _TO_WAD, exponent // _TO_WAD) * _TO_WAD
        return part_down(imbalance_usd, factor)


def is_balancing(interest: Sides, size_usd: int, *, is_long: bool) -> bool:
    """Whether closing a whole position leaves the open interests closer together; not where it exceeds them."""
    after = _after(interest, size_usd, is_long=is_long)
    return min(after) >= 0 and abs(after.yes - after.no) < abs(interest.yes - interest.no)


def closing_impact_usd(curve: Curve, interest: Sides, virtual_usd: int | None, size_usd: int, *, is_long: bool) -> int:
    """Return the impact of closing a whole position, before any cap (PositionPricingUtils.getPriceImpactUsd).

    `interest` are the open interests of longs and shorts; `virtual_usd` the inventory that several markets share,
    which makes a negative impact worse and no other, None without one. None where the size exceeds the interest.
    """
    own_usd = _impact_usd(curve, interest, size_usd, is_long=is_long)
    if own_usd >= 0 or virtual_usd is None:
        return own_usd
    shared = Sides(max(-virtual_usd, 0) + size_usd, max(virtual_usd, 0) + size_usd)
    return min(own_usd, _impact_usd(curve, shared, size_usd, is_long=is_long))


def liquidation_impact_usd(
    impact_usd: int, size_usd: int, most_positive_factor: int, pending_usd: int, most_for_liquidations: int
) -> int:
    """Return the impact that the check counts: never positive, and bounded (PositionUtils.isPositionLiquidatable)."""
    capped = min(impact_usd, part_down(size_usd, most_positive_factor))
    return max(min(capped + pending_usd, 0), -part_down(size_usd, most_for_liquidations))


def pending_impact_usd(impact_raw: int, index: Price) -> int:
    """Return what the impact stored when the position was opened is worth now, in index tokens as it is stored."""
    return impact_raw * (index.low if impact_raw > 0 else index.high)


def verdict(remaining: int, least_usd: int | None, least_for_leverage_usd: int) -> str:
    """Return why a position can be liquidated, in the contract's words and order; empty where it cannot.

    `least_usd` is None where the check is asked to leave it out. Mixed strictness: nothing left is not enough even
    where nothing is required; elsewhere as much as is required is enough.
    """
    if least_usd is not None and remaining < least_usd:
        return "min collateral"
    if remaining <= 0:
        return "< 0"
    return "min collateral for leverage" if remaining < least_for_leverage_usd else ""


def entry_price(size_usd: int, size_raw: int) -> int:
    """Return what one smallest unit of the index token was opened at, toward zero."""
    return div_to_zero(size_usd, size_raw)


def shown_liquidation_price(
    size_usd: int,
    size_raw: int,
    required_usd: int,
    owed_usd: int,
    collateral_usd: int,
    collateral_raw: int,
    *,
    is_long: bool,
    is_index: bool,
) -> int | None:
    """Return the liquidation price that the venue shows, of one smallest unit, toward zero; None where there is none.

    `owed_usd` are costs less impact, `is_index` says that the collateral is what the position is in. It holds every
    other price and what is owed still and knows no cap on profits (npm @gmx-io/sdk 1.4.0, getLiquidationPrice).
    """
    if is_index:
        numerator = size_usd + required_usd + owed_usd if is_long else size_usd - required_usd - owed_usd
        denominator = size_raw + collateral_raw if is_long else size_raw - collateral_raw
    else:
        left_usd = collateral_usd - owed_usd - required_usd
        numerator, denominator = size_usd - left_usd if is_long else size_usd + left_usd, size_raw
    price = div_to_zero(numerator, denominator) if denominator else 0
    return price if price > 0 else None


def _after(interest: Sides, size_usd: int, *, is_long: bool) -> Sides:
    return Sides(interest.yes - size_usd * is_long, interest.no - size_usd * (not is_long))


def _impact_usd(curve: Curve, interest: Sides, size_usd: int, *, is_long: bool) -> int:
    after = _after(interest, size_usd, is_long=is_long)
    if min(after) < 0:
        return 0
    before_usd, after_usd = abs(interest.yes - interest.no), abs(after.yes - after.no)
    is_better = after_usd < before_usd
    if (interest.yes <= interest.no) == (after.yes <= after.no):
        apart_usd = abs(curve.usd(before_usd, is_positive=is_better) - curve.usd(after_usd, is_positive=is_better))
        return apart_usd if is_better else -apart_usd
    return curve.usd(before_usd, is_positive=True) - curve.usd(after_usd, is_positive=False)


def _roots() -> tuple[int, ...]:
    """Return 2^(1/2), 2^(1/4) … of 64 binary digits, rounded to nearest: what the library multiplies by, bit by bit."""
    found, root = list[int](), 2 * _WIDE
    for _ in range(64):
        root = math.isqrt(root * _WIDE)
        found.append((root * _UNIT * 2 // _WIDE + 1) // 2)
    return tuple(found)


_ROOTS = _roots()


def power_wad_down(base_wad: int, exponent_wad: int) -> int:
    """Return base^exponent, both times 1e18 (PRBMathUD60x18.pow); the base is at least 1."""
    return _exp2(_log2(base_wad) * exponent_wad // WAD)


def _log2(value_wad: int) -> int:
    """Return the binary logarithm (PRBMathUD60x18.log2, the iterative approximation)."""
    whole = (value_wad // WAD).bit_length() - 1
    found, rest = whole * WAD, value_wad >> whole
    if rest == WAD:
        return found
    step = _HALF
    while step:
        rest = rest * rest // WAD
        if rest >= 2 * WAD:
            found += step
            rest >>= 1
        step >>= 1
    return found


def _exp2(value_wad: int) -> int:
    """Return 2^value (PRBMathUD60x18.exp2, PRBMath.exp2)."""
    scaled = (value_wad << 64) // WAD
    found = 1 << 191
    for place, root in enumerate(_ROOTS):
        if scaled & (1 << (63 - place)):
            found = found * root >> 64
    return found * WAD >> (191 - (scaled >> 64))
