"""Fixed-point arithmetic and interest of the Aave v2 libraries.

Contract files: WadRayMath.sol, PercentageMath.sol, MathUtils.sol (protocol/libraries/math).
"""

from monitor.units import BPS, RAY, WAD, YEAR_S, mul_div_half_up


def ray_mul_half_up(a: int, b_ray: int) -> int:
    """WadRayMath.rayMul."""
    return mul_div_half_up(a, b_ray, RAY)


def ray_div_half_up(a: int, b_ray: int) -> int:
    """WadRayMath.rayDiv."""
    return mul_div_half_up(a, RAY, b_ray)


def wad_div_half_up(a: int, b: int) -> int:
    """WadRayMath.wadDiv."""
    return mul_div_half_up(a, WAD, b)


def percent_mul_half_up(value: int, percentage_bps: int) -> int:
    """PercentageMath.percentMul."""
    return mul_div_half_up(value, percentage_bps, BPS)


def percent_div_half_up(value: int, percentage_bps: int) -> int:
    """PercentageMath.percentDiv."""
    return mul_div_half_up(value, BPS, percentage_bps)


def linear_interest_ray(rate_ray: int, elapsed_s: int) -> int:
    """MathUtils.calculateLinearInterest."""
    return RAY + rate_ray * elapsed_s // YEAR_S


def compounded_interest_ray(rate_ray: int, elapsed_s: int) -> int:
    """MathUtils.calculateCompoundedInterest: three terms of the binomial expansion, from a rate cut to seconds."""
    if elapsed_s == 0:
        return RAY
    per_second = rate_ray // YEAR_S
    squared = ray_mul_half_up(per_second, per_second)
    cubed = ray_mul_half_up(squared, per_second)
    second = elapsed_s * (elapsed_s - 1) * squared // 2
    third = elapsed_s * (elapsed_s - 1) * max(elapsed_s - 2, 0) * cubed // 6
    return RAY + per_second * elapsed_s + second + third


def stable_amount(principal_raw: int, rate_ray: int, elapsed_s: int) -> int:
    """StableDebtToken.balanceOf."""
    return ray_mul_half_up(principal_raw, compounded_interest_ray(rate_ray, elapsed_s))
