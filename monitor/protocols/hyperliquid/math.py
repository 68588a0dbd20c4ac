"""The integer arithmetic of margin: values with 18 decimals from sizes and prices, requirements, liquidation prices.

Rules: Hyperliquid documentation, "margining", "liquidations", "margin tiers", "portfolio margin".
"""

from collections.abc import Iterable

from monitor.health.tiers import Tiers, by_leverage, flat
from monitor.units import WAD

PRICE_DECIMALS = 10
"""As many as the venue prints of a liquidation price."""
CASH_DECIMALS = 8
"""Spot USDC has eight decimals, the clearinghouse counts six."""
CASH = int(10 ** (18 - CASH_DECIMALS))
MOST_SIZE_DECIMALS = 18 - PRICE_DECIMALS
MICRO = 10**12
"""A millionth of a dollar, in which the venue states requirements."""
MIN_BORROW_OFFSET = 20 * WAD
"""What portfolio margin requires of whoever borrows anything."""
PORTFOLIO_LINE_PERCENT = 95
SINGLE_TIER_IDS = 50
"""A margin table with a lower number has one tier, and the number is its leverage."""


def per_tick(size_raw: int, size_decimals: int) -> int:
    """Return what a signed size gains when its price rises by its last decimal; exact."""
    return size_raw * int(10 ** (MOST_SIZE_DECIMALS - size_decimals))


def value_of(size_raw: int, size_decimals: int, price: int) -> int:
    """Return what a signed size is worth at a price; exact."""
    return per_tick(size_raw, size_decimals) * price


def maintenance(tiers: Tiers, notional: int) -> int:
    """Return the requirement of one position, cut to millionths as `crossMaintenanceMarginUsed` adds them up."""
    return tiers.required_down(notional) // MICRO * MICRO


def tiers_of(rows: Iterable[tuple[int, int]]) -> Tiers:
    """Return a margin table as requirement: half of the initial margin at the most leverage of each tier.

    Rows are (lower bound in dollars × 1e18, most leverage). Raises UsageError where they do not rise from 0.
    """
    return by_leverage(rows)


def one_tier(most_leverage: int) -> Tiers:
    """Return the requirement where one leverage is allowed for every size."""
    return flat(1, 2 * most_leverage)


def liquidation_price(size_raw: int, size_decimals: int, tiers: Tiers, price: int, available: int) -> int | None:
    """Return the price at which equity is the requirement, all else as it is; None where no price above 0 does it.

    `available` is equity less requirement at `price`. One root, in the tier that holds its notional: equity of a long
    falls faster than its requirement, and of a short both move against each other. Rounded down.
    """
    step, whole = per_tick(size_raw, size_decimals), tiers.denominator
    if not step:
        return None
    now = tiers.scaled(abs(step) * price)
    uppers = (*tiers.lowers_base[1:], None)
    for lower, upper, rate, deduction in zip(tiers.lowers_base, uppers, tiers.rates, tiers.deductions, strict=True):
        numerator = whole * (step * price - available) - deduction - now
        denominator = whole * step - abs(step) * rate
        if numerator * denominator <= 0:
            continue
        notional = abs(step) * numerator // denominator
        if notional >= lower and (upper is None or notional < upper):
            return numerator // denominator
    return None
