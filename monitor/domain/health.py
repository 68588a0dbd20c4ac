"""What an evaluation says about a position: a ratio, no debt, or that it cannot be said."""

from dataclasses import dataclass
from enum import StrEnum

from monitor.units import WAD


class Line(StrEnum):
    """The protocol's own comparison that makes a position liquidatable."""

    NATIVE_BELOW_WAD = "native < 1e18"
    BELOW = "numerator < denominator"
    AT_OR_BELOW = "numerator <= denominator"


@dataclass(frozen=True, slots=True)
class Measured:
    """Risk-adjusted collateral over debt (lending), equity over maintenance requirement (perp).

    `native` is the integer that a view of the contract returns, None where there is none.
    """

    numerator: int
    denominator: int
    line: Line
    native: int | None

    @property
    def is_past_line(self) -> bool:
        """Whether the protocol's own comparison says liquidatable."""
        match self.line:
            case Line.NATIVE_BELOW_WAD:
                return self.native is not None and self.native < WAD
            case Line.BELOW:
                return self.numerator < self.denominator
            case Line.AT_OR_BELOW:
                return self.numerator <= self.denominator

    @property
    def native_factor_wad(self) -> int | None:
        """The contract's own integer where that is a health factor; a ratio that has another line than 1 is none."""
        return self.native if self.line is Line.NATIVE_BELOW_WAD else None

    @property
    def factor_wad_down(self) -> int:
        """Numerator ÷ denominator times 1e18, floored; never used to decide the line."""
        return self.numerator * WAD // self.denominator


@dataclass(frozen=True, slots=True)
class NoDebt:
    """Nothing is owed, so nothing can be liquidated."""


@dataclass(frozen=True, slots=True)
class Unmeasurable:
    """The health is not known; it is neither good nor bad."""

    reason: str


Health = Measured | NoDebt | Unmeasurable
