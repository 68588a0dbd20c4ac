"""Requirements that grow in steps with the size of a position: a rate from each boundary on, without a jump."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from monitor.errors import UsageError
from monitor.units import div_up


@dataclass(frozen=True, slots=True)
class Tier:
    """From `lower_base` of notional on, each further unit requires `rate_numerator` ÷ `rate_denominator`."""

    lower_base: int
    rate_numerator: int
    rate_denominator: int


@dataclass(frozen=True, slots=True)
class Tiers:
    """A requirement as a function of notional: N·rate − deduction, in the tier that holds N.

    The deduction of a tier is that of the one below plus lower·(rate − rate below), so that the requirement is the same
    from both sides of a boundary (Hyperliquid documentation, "margin tiers"; brackets of other venues have the same
    form). Everything is held over one `denominator`, so that nothing is rounded before the end. Made by `Tiers.of`.
    """

    lowers_base: tuple[int, ...]
    rates: tuple[int, ...]
    deductions: tuple[int, ...]
    denominator: int

    @classmethod
    def of(cls, tiers: Sequence[Tier]) -> "Tiers":
        """Return the tiers, lowest first.

        Raises UsageError when there is none, the first does not begin at 0, or the boundaries do not rise.
        """
        lowers = tuple(tier.lower_base for tier in tiers)
        is_rising = all(low < high for low, high in pairwise(lowers))
        if not lowers or lowers[0] or not is_rising or any(tier.rate_denominator <= 0 for tier in tiers):
            raise UsageError(f"expected tiers that rise from 0, found boundaries {lowers}")
        denominator = 1
        for tier in tiers:
            denominator *= tier.rate_denominator // _common(denominator, tier.rate_denominator)
        rates = tuple(tier.rate_numerator * (denominator // tier.rate_denominator) for tier in tiers)
        deductions = [0]
        for below, rate, lower in zip(rates, rates[1:], lowers[1:], strict=False):
            deductions.append(deductions[-1] + lower * (rate - below))
        return cls(lowers, rates, tuple(deductions), denominator)

    def scaled(self, notional_base: int) -> int:
        """Return the requirement times `denominator`, exactly; the notional is not negative."""
        place = self._place(notional_base)
        return notional_base * self.rates[place] - self.deductions[place]

    def required_down(self, notional_base: int) -> int:
        """Return the requirement in base units, rounded down."""
        return self.scaled(notional_base) // self.denominator

    def required_up(self, notional_base: int) -> int:
        """Return the requirement in base units, rounded up."""
        return div_up(self.scaled(notional_base), self.denominator)

    def rate(self, notional_base: int) -> tuple[int, int]:
        """Return the marginal rate at a notional, as numerator and denominator."""
        return self.rates[self._place(notional_base)], self.denominator

    def edges(self, value_per_price_numerator: int, value_per_price_denominator: int) -> tuple[int, ...]:
        """Return the prices at which a position of that value per unit of price crosses a boundary, rounded up.

        At such a price the notional is in the upper tier, one below it in the lower one.
        """
        if value_per_price_numerator <= 0:
            return ()
        return tuple(
            div_up(low * value_per_price_denominator, value_per_price_numerator) for low in self.lowers_base[1:]
        )

    def _place(self, notional_base: int) -> int:
        return max((i for i, lower in enumerate(self.lowers_base) if lower <= notional_base), default=0)


def flat(rate_numerator: int, rate_denominator: int) -> Tiers:
    """Return one rate for every size."""
    return Tiers.of([Tier(0, rate_numerator, rate_denominator)])


def by_leverage(rows: Iterable[tuple[int, int]], *, requirement_per_margin: tuple[int, int] = (1, 2)) -> Tiers:
    """Return the maintenance tiers of rows (lower boundary, most leverage): that part of 1 ÷ leverage.

    Hyperliquid's maintenance is half of the initial margin at the most leverage.
    """
    part, whole = requirement_per_margin
    return Tiers.of([Tier(lower, part, whole * leverage) for lower, leverage in rows])


def _common(one: int, other: int) -> int:
    """Return the greatest common divisor (Euclid)."""
    while other:
        one, other = other, one % other
    return one
