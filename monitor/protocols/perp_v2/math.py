"""The integer arithmetic of the curie contracts, each with its rounding."""

from monitor.units import PPM, WAD, div_to_zero, div_up

Q96 = 2**96
DAY_S = 86_400
DUST = 10
"""A total position of fewer units is none (AccountBalance.sol, _DUST)."""
WHOLE_AT_MOST = 100 * WAD
"""A position worth no more is liquidated whole (AccountBalance.sol, _MIN_PARTIAL_LIQUIDATE_POSITION_VALUE)."""


def ratio_down(value: int, ratio_ppm: int) -> int:
    """Return a part of a value that is not negative, rounded down (PerpMath.mulRatio)."""
    return value * ratio_ppm // PPM


def value_to_zero(size_wad: int, price_wad: int) -> int:
    """Return what a signed size is worth, toward zero (AccountBalance._getPositionValue, PerpMath.mulDiv)."""
    return div_to_zero(size_wad * price_wad, WAD)


def settled_down(amount_wad: int, decimals: int) -> int:
    """Return 18 decimals as settlement tokens, toward minus infinity (SettlementTokenMath.formatSettlementToken)."""
    return amount_wad // int(10 ** (18 - decimals))


def parsed(amount_raw: int, decimals: int) -> int:
    """Return settlement tokens with 18 decimals (SettlementTokenMath.parseSettlementToken)."""
    return amount_raw * int(10 ** (18 - decimals))


def coin_value_down(amount_raw: int, token_decimals: int, price: int, price_unit: int) -> int:
    """Return what a collateral is worth with 18 decimals (Vault._getSettlementByCollateral)."""
    if token_decimals > 18:
        return amount_raw * price // price_unit // int(10 ** (token_decimals - 18))
    return amount_raw * int(10 ** (18 - token_decimals)) * price // price_unit


def coin_raw_up_down(worth_wad: int, token_decimals: int, price: int, price_unit: int) -> int:
    """Return how much collateral is worth that: rounded up with 18 decimals, then down to fewer.

    Contract function: Vault._getCollateralBySettlement.
    """
    if token_decimals > 18:
        return div_up(worth_wad * int(10 ** (token_decimals - 18)) * price_unit, price)
    return div_up(worth_wad * price_unit, price) // int(10 ** (18 - token_decimals))


def price_of_sqrt_down(sqrt_price_x96: int) -> int:
    """Return a pool's price with 18 decimals (PerpMath.formatSqrtPriceX96ToPriceX96, formatX96ToX10_18)."""
    return sqrt_price_x96 * sqrt_price_x96 // Q96 * WAD // Q96


def median(one: int, two: int, three: int) -> int:
    """Return the middle one (PerpMath.findMedianOfThree)."""
    return max(min(one, two), min(max(one, two), three))


def premium_per_day(market_twap: int, index_twap: int, most_ppm: int) -> int:
    """Return what a long pays for each unit and day, 18 decimals (Exchange._getDeltaTwapX96).

    The contract counts in 96 binary digits; this agrees with it to one unit.
    """
    most = ratio_down(index_twap, most_ppm)
    return max(-most, min(most, market_twap - index_twap))


def liquidatable_size(size: int, value_abs: int, all_values_abs: int, equity: int, maintenance: int) -> int:
    """Return how much of a position one call may take, signed as it (AccountBalance.getLiquidatablePositionSize)."""
    if equity >= maintenance or not size:
        return 0
    if value_abs <= WHOLE_AT_MOST:
        return size
    part_ppm = PPM
    if equity >= maintenance // 2:
        part_ppm = min(all_values_abs * PPM // (2 * value_abs), PPM)
    return div_to_zero(size * part_ppm, PPM)
