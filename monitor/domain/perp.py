"""What a perpetual account has beside its balances: positions, margin, and the predicate that closes it."""

from dataclasses import dataclass
from enum import StrEnum

from monitor.domain.health import Line
from monitor.domain.prices import Node, Value
from monitor.domain.token import Token
from monitor.units import WAD, mul_div_up


class MarginMode(StrEnum):
    """How widely an account's margin is shared: by all its positions, by none, or by a scenario of all its assets."""

    CROSS = "cross"
    ISOLATED = "isolated"
    PORTFOLIO = "portfolio"


class Direction(StrEnum):
    """Which way a position earns."""

    LONG = "long"
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class Carry:
    """What holding a position costs or earns from the moment of the read on, in base units × 1e18.

    `funding_wad_per_s` is signed, positive is received; `funding_wad_per_s2` is how fast that rate itself moves, not 0
    where funding is quadratic in time (Synthetix). `borrow_wad_per_s` is what is owed more each second.
    """

    funding_wad_per_s: int = 0
    funding_wad_per_s2: int = 0
    borrow_wad_per_s: int = 0


@dataclass(frozen=True, slots=True)
class PerpLeg:
    """One open position. Everything ending in `_base` is in the market's base unit, None where it is not known.

    `market` is the venue's own name of what is traded; `token` the asset, its address the venue's name where there is
    no contract. `size_raw` is signed, long above zero, in units of `token.decimals`. `node` is the price that values
    the position by the venue's rule (mark or oracle), `price` its value; `index_node` is the underlying's own price
    where that is another. `value_base` is size × price and `entry_base` what it was opened for, both signed as the
    size. `funding_base` is accrued and not settled yet, positive is received; `borrow_fee_base` and `close_fee_base`
    are costs, never negative. `initial_base` and `maintenance_base` are the position's own part of the requirements.
    `edges` are values of `node` at which the requirement bends: the boundaries of its tiers.
    """

    market: str
    token: Token
    size_raw: int
    node: Node
    price: Value
    price_decimals: int
    value_base: int | None
    entry_base: int | None
    unrealised_pnl_base: int | None
    funding_base: int | None
    borrow_fee_base: int | None = 0
    close_fee_base: int | None = 0
    initial_base: int | None = None
    maintenance_base: int | None = None
    index_node: Node | None = None
    edges: tuple[int, ...] = ()
    carry: Carry | None = None
    label: str = ""

    @property
    def direction(self) -> Direction:
        return Direction.LONG if self.size_raw > 0 else Direction.SHORT

    @property
    def notional_base(self) -> int | None:
        """The size of the exposure, without a sign."""
        return None if self.value_base is None else abs(self.value_base)


@dataclass(frozen=True, slots=True)
class Predicate:
    """The venue's own rule, in its words, and what the venue itself said where it was asked.

    `net_base` is the venue's one number where it states margin as such (liquidatable below zero); the health is then
    mark-to-market value ÷ (that value - net). `venue_says` is the answer of the venue's own view, None where none was
    read.
    """

    rule: str
    line: Line
    net_base: int | None = None
    venue_says: bool | None = None


@dataclass(frozen=True, slots=True)
class Margin:
    """The margin of one liquidatable unit, in base units; None where a part is not known.

    `equity_base` is what the predicate compares, every accrued cost included. `collateral_base` is what the venue
    counts, `undiscounted_base` the same before its haircuts; our own haircuts are in the cautious assessment.
    `free_collateral_base` is what the venue lets its owner take out. `pending_base` are fees earned and not paid out.
    """

    equity_base: int | None
    notional_base: int | None
    initial_base: int | None
    maintenance_base: int | None
    free_collateral_base: int | None
    collateral_base: int | None
    undiscounted_base: int | None
    predicate: Predicate
    pending_base: int = 0

    @property
    def surplus_base(self) -> int | None:
        """Equity beyond the maintenance requirement; additive across accounts."""
        if self.equity_base is None or self.maintenance_base is None:
            return None
        return self.equity_base - self.maintenance_base

    @property
    def leverage_wad_up(self) -> int | None:
        """Notional ÷ equity times 1e18; None where equity is not above zero, which no leverage describes."""
        if self.equity_base is None or self.notional_base is None or self.equity_base <= 0:
            return None
        return mul_div_up(self.notional_base, WAD, self.equity_base)

    @property
    def venue_haircut_base(self) -> int | None:
        """What the venue's own haircuts take off the collateral."""
        if self.undiscounted_base is None or self.collateral_base is None:
            return None
        return self.undiscounted_base - self.collateral_base
