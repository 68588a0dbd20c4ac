"""The price adapters seen in production, each with the order and rounding of its contract.

A formula is a value with its parameters as read at one moment; anything that reverts on chain is `Unknown` here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from monitor.domain.prices import Unknown, Value
from monitor.units import BPS, WAD, YEAR_S, div_to_zero


class Formula(Protocol):
    """Computes a node from its inputs, in the integers of the contract."""

    def of(self, values: Sequence[Value]) -> Value:
        """Return the node's value; one argument per input, in their order."""
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """Passes its one input on."""

    def of(self, values: Sequence[Value]) -> Value:
        return values[0]


@dataclass(frozen=True, slots=True)
class PositiveOrFallback:
    """A positive answer, else the fallback oracle (AaveOracle.sol, getAssetPrice). Inputs: answer, fallback."""

    def of(self, values: Sequence[Value]) -> Value:
        answer, fallback = values
        if isinstance(answer, Unknown):
            return answer
        return answer if answer > 0 else fallback


@dataclass(frozen=True, slots=True)
class Positive:
    """A positive answer, where there is no fallback oracle to ask (AaveOracle.sol, getAssetPrice). Input: answer."""

    def of(self, values: Sequence[Value]) -> Value:
        (answer,) = values
        if isinstance(answer, Unknown) or answer > 0:
            return answer
        return Unknown("an answer that is not positive reverts, since there is no fallback oracle")


@dataclass(frozen=True, slots=True)
class FixedCap:
    """Never above a fixed price (PriceCapAdapterStable.sol, latestAnswer). Input: answer."""

    cap: int

    def of(self, values: Sequence[Value]) -> Value:
        (answer,) = values
        if isinstance(answer, Unknown):
            return answer
        return self.cap if answer > self.cap else max(answer, 0)

    def limit(self, values: Sequence[Value]) -> tuple[Value, Value]:
        """Return what is capped and at which value."""
        return values[0], self.cap


@dataclass(frozen=True, slots=True)
class RatioCap:
    """Base price times a ratio that may grow at most linearly (PriceCapAdapterBase.sol, latestAnswer).

    Inputs: base answer, ratio. `scaling` is 1e6 where the contract has getMaxRatioGrowthPerSecondScaled, else 1.
    """

    snapshot_ratio: int
    snapshot_time_s: int
    growth_per_second: int
    scaling: int
    ratio_decimals: int
    now_s: int

    @property
    def max_ratio(self) -> int:
        """The highest ratio let through at this moment."""
        return self.snapshot_ratio + self.growth_per_second * (self.now_s - self.snapshot_time_s) // self.scaling

    def of(self, values: Sequence[Value]) -> Value:
        base, ratio = values
        if isinstance(base, Unknown):
            return base
        if isinstance(ratio, Unknown):
            return ratio
        if base <= 0 or ratio <= 0:
            return 0
        return int(base * min(ratio, self.max_ratio) // 10**self.ratio_decimals)

    def limit(self, values: Sequence[Value]) -> tuple[Value, Value]:
        """Return what is capped and at which value."""
        return values[1], self.max_ratio


@dataclass(frozen=True, slots=True)
class PeggedCap:
    """Never above another feed times a ratio (EURPriceCapAdapterStable.sol, latestAnswer). Inputs: asset, base."""

    cap_ratio: int
    ratio_decimals: int

    def of(self, values: Sequence[Value]) -> Value:
        asset, cap = self.limit(values)
        if isinstance(asset, Unknown):
            return asset
        if isinstance(cap, Unknown):
            return cap
        return min(asset, cap)

    def limit(self, values: Sequence[Value]) -> tuple[Value, Value]:
        """Return what is capped and at which value."""
        asset, base = values
        if isinstance(base, Unknown):
            return asset, base
        return asset, div_to_zero(base * self.cap_ratio, 10**self.ratio_decimals)


@dataclass(frozen=True, slots=True)
class LinearDiscount:
    """A principal token's price, discount falling linearly to maturity (PendlePriceCapAdapter.sol, latestAnswer).

    Input: price of the asset at maturity. `rate_per_year` is times 1e18.
    """

    maturity_s: int
    rate_per_year: int
    now_s: int

    @property
    def discount_wad(self) -> int:
        """The discount at this moment (getCurrentDiscount)."""
        return max(self.maturity_s - self.now_s, 0) * self.rate_per_year // YEAR_S

    def of(self, values: Sequence[Value]) -> Value:
        (asset,) = values
        if isinstance(asset, Unknown):
            return asset
        if self.discount_wad > WAD:
            return Unknown("a discount above 100 % reverts")
        return 0 if asset <= 0 else asset * (WAD - self.discount_wad) // WAD


@dataclass(frozen=True, slots=True)
class LinearDiscountBps:
    """The first generation of the principal token adapter: rate in basis points, and the discount rounds down.

    Input: price of the asset at maturity (PendlePriceCapAdapter.sol before discountRatePerYear, latestAnswer).
    """

    maturity_s: int
    rate_per_year_bps: int
    now_s: int

    @property
    def discount_bps(self) -> int:
        """The discount at this moment (getCurrentDiscount)."""
        return max(self.maturity_s - self.now_s, 0) * self.rate_per_year_bps // YEAR_S

    def of(self, values: Sequence[Value]) -> Value:
        (asset,) = values
        if isinstance(asset, Unknown):
            return asset
        return 0 if asset <= 0 else asset - asset * self.discount_bps // BPS


@dataclass(frozen=True, slots=True)
class Product:
    """The product of two feeds over a unit, toward zero. Inputs: price, ratio."""

    unit: int

    def of(self, values: Sequence[Value]) -> Value:
        price, ratio = values
        if isinstance(price, Unknown):
            return price
        if isinstance(ratio, Unknown):
            return ratio
        return div_to_zero(price * ratio, self.unit)


@dataclass(frozen=True, slots=True)
class Quotient:
    """A feed times a unit over another, toward zero (CLSynchronicityPriceAdapter.sol, latestAnswer).

    Inputs: asset, base. The pessimistic side of a quotient takes the optimistic side of its base.
    """

    unit: int

    def of(self, values: Sequence[Value]) -> Value:
        asset, base = values
        if isinstance(asset, Unknown):
            return asset
        if isinstance(base, Unknown):
            return base
        return div_to_zero(asset * self.unit, base) if base else Unknown("a division by a zero price reverts")


@dataclass(frozen=True, slots=True)
class Scaled:
    """A feed with other decimals, up exactly or down toward zero (ScaledPriceAdapter.sol, latestAnswer)."""

    factor: int
    is_up: bool

    def of(self, values: Sequence[Value]) -> Value:
        (answer,) = values
        if isinstance(answer, Unknown):
            return answer
        return answer * self.factor if self.is_up else div_to_zero(answer, self.factor)
