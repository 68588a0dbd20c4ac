"""Integer arithmetic with the rounding direction in the name, and the fixed-point units of the field."""

from typing import NewType

Raw = NewType("Raw", int)
"""A token amount in the token's smallest unit."""
Wad = NewType("Wad", int)
"""A number times 1e18."""
Ray = NewType("Ray", int)
"""A number times 1e27."""

WAD = 10**18
RAY = 10**27
BPS = 10**4  # 100 % in basis points
PPM = 10**6
UINT128_MAX = 2**128 - 1
UINT256_MAX = 2**256 - 1
YEAR_S = 31_536_000  # 365 days, as the contracts count a year


def div_up(numerator: int, denominator: int) -> int:
    """Return numerator ÷ denominator rounded up; both operands non-negative."""
    return -(-numerator // denominator)


def mul_div_down(a: int, b: int, denominator: int) -> int:
    """Return a·b ÷ denominator rounded down."""
    return a * b // denominator


def mul_div_up(a: int, b: int, denominator: int) -> int:
    """Return a·b ÷ denominator rounded up."""
    return -(-a * b // denominator)


def mul_div_half_up(a: int, b: int, denominator: int) -> int:
    """Return a·b ÷ denominator rounded to nearest, halves up (Aave's and Maker's fixed-point libraries)."""
    return (a * b + denominator // 2) // denominator


def div_to_zero(a: int, b: int) -> int:
    """Return a ÷ b truncated toward zero, as the EVM's signed division does."""
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def rescale_down(amount: int, from_decimals: int, to_decimals: int) -> int:
    """Return the amount with another number of decimals, lost digits dropped."""
    if to_decimals >= from_decimals:
        return amount * int(10 ** (to_decimals - from_decimals))
    return amount // int(10 ** (from_decimals - to_decimals))


def decimal_text(amount: int, decimals: int) -> str:
    """Return the amount as exact decimal text: `decimal_text(1_500_000, 6) == "1.5"`."""
    sign, digits = ("-" if amount < 0 else ""), str(abs(amount)).zfill(decimals + 1)
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :].rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def scaled_from_text(text: str, decimals: int) -> int:
    """Return exact decimal text times 10^decimals.

    Raises ValueError when the text is no plain decimal or has more digits than `decimals` can hold.
    """
    sign, body = (-1, text[1:]) if text.startswith("-") else (1, text)
    whole, _, fraction = body.partition(".")
    digits = whole + fraction
    if not digits or not digits.isascii() or not digits.isdigit() or len(digits) > 78:
        raise ValueError(f"expected a decimal number, found {text[:40]!r}")
    if len(fraction.rstrip("0")) > decimals:
        raise ValueError(f"expected at most {decimals} decimals, found {text[:40]!r}")
    return sign * int(whole + fraction[:decimals].ljust(decimals, "0"))
