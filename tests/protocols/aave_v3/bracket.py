"""Whether the screen's intervals contain the exact health, and how wide they are."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from monitor.domain.health import Health, Measured, NoDebt, Unmeasurable
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.ledger.accounts import Accounts
from monitor.protocols.aave_v3.health import healths
from monitor.protocols.aave_v3.market import Market
from monitor.protocols.aave_v3.screen import CELLS, factors
from monitor.screen.kernel import Kernel
from monitor.screen.slots import Slots
from monitor.units import WAD


@dataclass
class Bracket:
    """What a comparison found; `widths` are relative to the health, of intervals with two finite ends."""

    compared: int = 0
    outside: list[str] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)
    open_ended: int = 0
    unknown: int = 0

    def __str__(self) -> str:
        median, most, worst = np.quantile(self.widths, (0.5, 0.9, 1.0)) if self.widths else (0.0, 0.0, 0.0)
        return (
            f"{self.compared} compared, {len(self.outside)} outside; width median {median:.1e}, 90 % below {most:.1e}, "
            f"widest {worst:.1e}; {self.open_ended} without an upper end, {self.unknown} unknown"
        )


def compare(
    kernel: Kernel, market: Market, accounts: Accounts, repricing: Repricing = PROTOCOL, into: Bracket | None = None
) -> Bracket:
    """Hold every interval against the exact health."""
    found = into or Bracket()
    intervals = kernel.screen(Slots.of(CELLS, accounts), factors(market, repricing))
    ends = zip(intervals.low.tolist(), intervals.high.tolist(), strict=True)
    exact = healths(market, accounts, repricing)
    for account, health, (low, high) in zip(accounts, exact, ends, strict=True):
        found.compared += 1
        if not _holds(health, low, high):
            found.outside.append(f"{account}: {health} is not in [{low!r}, {high!r}]")
        if isinstance(health, Measured) and health.numerator and high < np.inf:
            found.widths.append((high - low) * health.denominator / health.numerator)
        found.open_ended += isinstance(health, Measured) and high == np.inf
        found.unknown += low != low  # noqa: PLR0124  # NaN
    return found


def values(health: Measured) -> Iterator[Fraction]:
    """Every number that a measured health is known by."""
    yield Fraction(health.numerator, health.denominator)
    yield Fraction(health.factor_wad_down, WAD)
    if health.native is not None:
        yield Fraction(health.native, WAD)


def _holds(health: Health, low: float, high: float) -> bool:
    match health:
        case Unmeasurable():
            return bool(np.isnan(low) and np.isnan(high))
        case NoDebt():
            return low <= high == np.inf
        case Measured():
            if np.isnan(low) or np.isnan(high) or low == np.inf:
                return False
            return all(_is_between(value, low, high) for value in values(health))


def _is_between(value: Fraction, low: float, high: float) -> bool:
    return Fraction(low) <= value and (high == np.inf or value <= Fraction(high))


def is_below(health: Health, line_wad: int) -> bool:
    """Whether the exact health puts the account below a line, by the contract's own integer."""
    if not isinstance(health, Measured):
        return False
    return health.native < line_wad if health.native is not None else health.factor_wad_down < line_wad
