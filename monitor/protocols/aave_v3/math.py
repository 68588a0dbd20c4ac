"""Fixed-point arithmetic and interest of the Aave v3 libraries; what differs by version stands in `versions/`.

Contract files: WadRayMath.sol, PercentageMath.sol, MathUtils.sol (protocol/libraries/math).
"""

from monitor.units import BPS, RAY, WAD, YEAR_S, mul_div_down, mul_div_half_up, mul_div_up


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


def percent_mul_down(value: int, percentage_bps: int) -> int:
    """PercentageMath.percentMulFloor."""
    return mul_div_down(value, percentage_bps, BPS)


def percent_mul_up(value: int, percentage_bps: int) -> int:
    """PercentageMath.percentMulCeil."""
    return mul_div_up(value, percentage_bps, BPS)


def percent_div_half_up(value: int, percentage_bps: int) -> int:
    """PercentageMath.percentDiv."""
    return mul_div_half_up(value, BPS, percentage_bps)


def percent_div_down(value: int, percentage_bps: int) -> int:
    """PercentageMath.percentDivFloor."""
    return mul_div_down(value, BPS, percentage_bps)


def percent_div_up(value: int, percentage_bps: int) -> int:
    """PercentageMath.percentDivCeil."""
    return mul_div_up(value, BPS, percentage_bps)


def linear_interest_ray(rate_ray: int, elapsed_s: int) -> int:
    """MathUtils.calculateLinearInterest."""
    return RAY + rate_ray * elapsed_s // YEAR_S


def binomial_interest_ray(rate_ray: int, elapsed_s: int) -> int:
    """MathUtils.calculateCompoundedInterest up to 3.3: three terms of the binomial expansion."""
    if elapsed_s == 0:
        return RAY
    squared = ray_mul_half_up(rate_ray, rate_ray) // (YEAR_S * YEAR_S)
    cubed = ray_mul_half_up(squared, rate_ray) // YEAR_S
    second = elapsed_s * (elapsed_s - 1) * squared // 2
    third = elapsed_s * (elapsed_s - 1) * max(elapsed_s - 2, 0) * cubed // 6
    return RAY + rate_ray * elapsed_s // YEAR_S + second + third


def taylor_interest_ray(rate_ray: int, elapsed_s: int) -> int:
    """MathUtils.calculateCompoundedInterest from 3.4: three terms of e^x."""
    if elapsed_s == 0:
        return RAY
    x = rate_ray * elapsed_s // YEAR_S
    return RAY + x + ray_mul_half_up(x, x // 2 + ray_mul_half_up(x, x // 6))
