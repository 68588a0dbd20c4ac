"""The integer arithmetic of the dYdX chain, each with its rounding: quote quantums are millionths of a USDC.

Sources: dydxprotocol/v4-chain, protocol/lib/margin/risk.go, protocol/lib/quantums.go, x/perpetuals/lib/lib.go,
x/perpetuals/types/liquidity_tier.go, x/perpetuals/funding/funding.go.
"""

from dataclasses import dataclass

from monitor.units import PPM, div_to_zero, mul_div_up

QUOTE_DECIMALS = 6
QUOTE_UNIT: int = 10**QUOTE_DECIMALS


@dataclass(frozen=True, slots=True)
class Risk:
    """Net collateral, initial and maintenance requirement of an account, in quote quantums (risk.go, Risk)."""

    net: int
    initial: int
    maintenance: int

    def __add__(self, other: "Risk") -> "Risk":
        return Risk(self.net + other.net, self.initial + other.initial, self.maintenance + other.maintenance)

    @property
    def is_initially_collateralised(self) -> bool:
        """Whether the account may open more or withdraw (risk.go, IsInitialCollateralized)."""
        return self.net >= self.initial

    @property
    def is_maintenance_collateralised(self) -> bool:
        """Whether net collateral covers the maintenance requirement (risk.go, IsMaintenanceCollateralized)."""
        return self.net >= self.maintenance

    @property
    def is_liquidatable(self) -> bool:
        """Whether the account can be liquidated: something is required and not there (risk.go, IsLiquidatable)."""
        return self.maintenance > 0 and not self.is_maintenance_collateralised

    def compared(self, other: "Risk") -> int:
        """Return 1 where this account is riskier than another, -1 where it is less so (risk.go, Cmp).

        The lower net collateral ÷ maintenance requirement is riskier; then the larger requirement, then the smaller
        collateral.
        """
        pairs = (
            (other.net * self.maintenance, self.net * other.maintenance),
            (self.maintenance, other.maintenance),
            (other.net, self.net),
        )
        return next((1 if mine > theirs else -1 for mine, theirs in pairs if mine != theirs), 0)


def scaled_to_zero(value: int, exponent: int) -> int:
    """Return value × 10^exponent, truncated toward zero (lib.BigMulPow10 and its callers)."""
    return value * int(10**exponent) if exponent >= 0 else div_to_zero(value, int(10**-exponent))


def notional_to_zero(quantums: int, price: int, price_exponent: int, atomic_resolution: int) -> int:
    """Return what a signed size is worth, toward zero (quantums.go, BaseToQuoteQuantums)."""
    return scaled_to_zero(quantums * price, price_exponent + atomic_resolution + QUOTE_DECIMALS)


def funding_ppm(index_now: int, index_position: int, quantums: int) -> int:
    """Return what a position receives in funding, in millionths of a quote quantum (lib.go, GetSettlementPpm…)."""
    return -(index_now - index_position) * quantums


def funding_down(index_now: int, index_position: int, quantums: int) -> int:
    """Return what a position receives in funding, toward minus infinity (updates.go, Euclidean division by 10⁶)."""
    return funding_ppm(index_now, index_position, quantums) // PPM


def open_interest_imf_ppm(base_ppm: int, lower_cap: int, upper_cap: int, open_notional: int) -> int:
    """Return the initial fraction that open interest raises to at most 100 %, floored to a millionth.

    No upper cap, no rise (liquidity_tier.go, GetAdjustedInitialMarginPpm).
    """
    if not upper_cap or open_notional <= lower_cap:
        return base_ppm
    if open_notional >= upper_cap:
        return PPM
    return base_ppm + (PPM - base_ppm) * (open_notional - lower_cap) // (upper_cap - lower_cap)


def initial_up(notional_abs: int, fraction_ppm: int, custom_ppm: int = 0) -> int:
    """Return the initial requirement; an account's own fraction counts where it is more.

    liquidity_tier.go, GetInitialMarginQuoteQuantums.
    """
    return mul_div_up(notional_abs, max(fraction_ppm, custom_ppm), PPM)


def maintenance_up(notional_abs: int, base_ppm: int, fraction_ppm: int) -> int:
    """Return the maintenance requirement: a part of the initial one that no open interest raises, both rounded up.

    liquidity_tier.go, GetMaintenanceMarginQuoteQuantums.
    """
    return mul_div_up(initial_up(notional_abs, base_ppm), fraction_ppm, PPM)
