"""The integer arithmetic of the perps market's contracts, each with its rounding. Everything has 18 decimals."""

from monitor.units import WAD, div_to_zero, div_up

DAY_S = 86_400
YEAR_S = 31_557_600
"""What interest counts as a year: four years with their leap day, averaged (InterestRate.sol)."""


def mul(a: int, b: int) -> int:
    """Return a product, toward zero (DecimalMath.mulDecimal)."""
    product = a * b
    return product // WAD if product >= 0 else -(-product // WAD)


def div(a: int, b: int) -> int:
    """Return a quotient, toward zero (DecimalMath.divDecimal); the divisor is not 0."""
    return div_to_zero(a * WAD, b)


def funding_velocity(skew: int, skew_scale: int, most_velocity: int) -> int:
    """Return how fast the daily funding rate moves, per day (PerpsMarket.currentFundingVelocity)."""
    if not skew_scale:
        return 0
    return mul(min(max(-WAD, div(skew, skew_scale)), WAD), most_velocity)


def funding_rate(last_rate: int, velocity: int, elapsed_s: int) -> int:
    """Return the daily funding rate that long after it was stored (PerpsMarket.currentFundingRate)."""
    return last_rate + mul(velocity, div(elapsed_s, DAY_S))


def funding_per_price(last_rate: int, rate: int, elapsed_s: int) -> int:
    """Return what one unit has received since funding was stored, as a part of the price (unrecordedFunding)."""
    return mul(-div(last_rate + rate, 2 * WAD), div(elapsed_s, DAY_S))


def interest_since(rate: int, elapsed_s: int) -> int:
    """Return the interest on a dollar since it was stored (InterestRate.unrecordedInterest)."""
    return mul(rate, div(elapsed_s, YEAR_S))


def initial_ratio(size_abs: int, skew_scale: int, initial_margin_ratio: int, least_ratio: int) -> int:
    """Return what part of its notional a position must start with (calculateRequiredMargins)."""
    impact = div(size_abs, skew_scale) if skew_scale else 0
    return mul(impact, initial_margin_ratio) + least_ratio


def discount(amount: int, skew_scale: int, scalar: int, lower: int, upper: int) -> int:
    """Return what part of a collateral does not count (PerpsCollateralConfiguration.valueInUsd)."""
    if not skew_scale:
        return 0
    return min(max(mul(div(amount, skew_scale), scalar), lower), upper)


def windows(size_abs: int, window: int) -> int:
    """Return how many windows a liquidation takes (MathUtil.ceilDivide: none where the window is 0)."""
    return div_up(size_abs, window) if window else 0


def keeper_reward(rewards: int, cost: int, margin: int, guards: tuple[int, int, int, int]) -> int:
    """Return what a keeper gets (GlobalPerpsMarketConfiguration.keeperReward).

    `guards` are the least reward, the least profit on the cost, the most reward, and the most as a part of the margin;
    without margin, as of an account that is flagged already, the last one is left out.
    """
    least_reward, profit_ratio, most_reward, scaling_ratio = guards
    least = max(cost + least_reward, mul(cost, profit_ratio + WAD))
    most = min(mul(margin, scaling_ratio), most_reward) if margin else most_reward
    return min(max(least, rewards + cost), most)


def liquidatable(
    size_abs: int, capacity: int, window: int, most_skew: int, skew_abs: int, skew_scale: int, *, is_used_now: bool
) -> int:
    """Return how much of a position one call takes (PerpsMarket.maxLiquidatableAmount).

    With an empty window one more is given in each block while the skew is small; `is_used_now`: it was, in this block.
    """
    if not window:
        return size_abs
    if capacity:
        return min(capacity, size_abs)
    if most_skew and not is_used_now and skew_scale and div(skew_abs, skew_scale) < most_skew:
        return min(window, size_abs)
    return 0
