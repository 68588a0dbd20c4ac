"""Fixed-point, share and exponential arithmetic of Morpho Blue and its interest rate model.

Contract files: MathLib.sol, SharesMathLib.sol, ConstantsLib.sol (morpho-blue); ExpLib.sol, MathLib.sol
(morpho-blue-irm, adaptive-curve-irm).
"""

from monitor.units import WAD, div_to_zero, mul_div_down, mul_div_up

ORACLE_PRICE_SCALE = 10**36
VIRTUAL_SHARES = 10**6
VIRTUAL_ASSETS = 1
_LIQUIDATION_CURSOR_WAD = 3 * WAD // 10
_MOST_INCENTIVE_WAD = 115 * WAD // 100
_LN_2_WAD = 693_147_180_559_945_309
_LN_WEI_WAD = -41_446_531_673_892_822_312
_EXP_BOUND_WAD = 93_859_467_695_000_404_319
_EXP_AT_BOUND_WAD = 57_716_089_161_558_943_949_701_069_502_944_508_345_128_422_502_756_744_429_568


def w_mul_down(a: int, b_wad: int) -> int:
    """MathLib.wMulDown."""
    return mul_div_down(a, b_wad, WAD)


def w_div_down(a: int, b: int) -> int:
    """MathLib.wDivDown."""
    return mul_div_down(a, WAD, b)


def w_div_up(a: int, b: int) -> int:
    """MathLib.wDivUp."""
    return mul_div_up(a, WAD, b)


def w_taylor_compounded(rate_wad: int, elapsed_s: int) -> int:
    """MathLib.wTaylorCompounded: three terms of e^(rate · time) − 1, times 1e18."""
    first = rate_wad * elapsed_s
    second = mul_div_down(first, first, 2 * WAD)
    return first + second + mul_div_down(second, first, 3 * WAD)


def to_shares_down(assets_raw: int, total_assets_raw: int, total_shares: int) -> int:
    """SharesMathLib.toSharesDown."""
    return mul_div_down(assets_raw, total_shares + VIRTUAL_SHARES, total_assets_raw + VIRTUAL_ASSETS)


def to_shares_up(assets_raw: int, total_assets_raw: int, total_shares: int) -> int:
    """SharesMathLib.toSharesUp."""
    return mul_div_up(assets_raw, total_shares + VIRTUAL_SHARES, total_assets_raw + VIRTUAL_ASSETS)


def to_assets_down(shares: int, total_assets_raw: int, total_shares: int) -> int:
    """SharesMathLib.toAssetsDown."""
    return mul_div_down(shares, total_assets_raw + VIRTUAL_ASSETS, total_shares + VIRTUAL_SHARES)


def to_assets_up(shares: int, total_assets_raw: int, total_shares: int) -> int:
    """SharesMathLib.toAssetsUp."""
    return mul_div_up(shares, total_assets_raw + VIRTUAL_ASSETS, total_shares + VIRTUAL_SHARES)


def incentive_factor_wad(lltv_wad: int) -> int:
    """Return what a liquidator gets per value repaid, 1e18 for par (Morpho.liquidate)."""
    return min(_MOST_INCENTIVE_WAD, w_div_down(WAD, WAD - w_mul_down(_LIQUIDATION_CURSOR_WAD, WAD - lltv_wad)))


def w_mul_to_zero(a: int, b_wad: int) -> int:
    """MathLib.wMulToZero of the interest rate model."""
    return div_to_zero(a * b_wad, WAD)


def w_div_to_zero(a: int, b: int) -> int:
    """MathLib.wDivToZero of the interest rate model."""
    return div_to_zero(a * WAD, b)


def w_exp(x_wad: int) -> int:
    """ExpLib.wExp: 2^q · (1 + r + r²/2) with x = q · ln 2 + r, q to nearest."""
    if x_wad < _LN_WEI_WAD:
        return 0
    if x_wad >= _EXP_BOUND_WAD:
        return _EXP_AT_BOUND_WAD
    half = _LN_2_WAD // 2
    q = div_to_zero(x_wad + (half if x_wad >= 0 else -half), _LN_2_WAD)
    r = x_wad - q * _LN_2_WAD
    exp_r = WAD + r + r * r // WAD // 2
    return exp_r << q if q >= 0 else exp_r >> -q
