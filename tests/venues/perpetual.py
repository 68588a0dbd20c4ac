"""A perpetual account of a venue as its API would state it: exact decimals of the documented margin rules."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

MICRO = Decimal("0.000001")


@dataclass(frozen=True)
class Coin:
    """One perpetual; `tiers` are lower bounds in dollars and the leverage allowed from there on."""

    name: str
    decimals: int
    tiers: tuple[tuple[int, int], ...]
    table: int

    @property
    def leverage(self) -> int:
        return self.tiers[0][1]

    def maintenance(self, notional: Decimal) -> Decimal:
        """Half of the initial requirement at the most leverage, less what lower tiers made cheaper."""
        rate, deduction = self._tier(notional)
        return notional * rate - deduction

    def rate(self, notional: Decimal) -> Decimal:
        """The rate of the tier that a notional is in."""
        return self._tier(notional)[0]

    def _tier(self, notional: Decimal) -> tuple[Decimal, Decimal]:
        rate, deduction = Decimal(0), Decimal(0)
        for bound, leverage in self.tiers:
            if notional < bound and rate:
                break
            here = Decimal(1) / (2 * leverage)
            deduction += bound * (here - rate) if rate else 0
            rate = here
        return rate, deduction


COINS = (
    Coin("BTC", 5, ((0, 40), (150_000_000, 20)), 56),
    Coin("ETH", 4, ((0, 25), (100_000_000, 15)), 55),
    Coin("SOL", 2, ((0, 20), (70_000_000, 10)), 54),
    Coin("HYPE", 2, ((0, 10), (40_000_000, 5)), 52),
)


@dataclass
class Position:
    """One position; `own_cash` is the cash of an isolated one."""

    coin: Coin
    size: Decimal
    entry: Decimal
    leverage: int
    own_cash: Decimal | None = None


@dataclass
class User:
    """One user: the cash of the cross account, and positions. `funded` is what funding did to the cash so far."""

    cash: Decimal
    positions: list[Position] = field(default_factory=list)

    @property
    def cross(self) -> Sequence[Position]:
        return [one for one in self.positions if one.own_cash is None]


def with_health(health: Decimal, coin: Coin, size: Decimal, mark: Decimal) -> User:
    """Return a user of one cross position whose equity is `health` times what the venue requires at that mark."""
    notional = abs(size) * mark
    required = coin.maintenance(notional).quantize(MICRO, ROUND_DOWN)
    cash = (health * required - size * mark).quantize(MICRO, ROUND_DOWN)
    return User(cash, [Position(coin, size, mark, coin.leverage)])


def plain(value: Decimal, places: int = 6) -> str:
    """Write a number as the venue does: no exponent, one decimal at least."""
    text = f"{value.quantize(Decimal(1).scaleb(-places)):f}"
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest.rstrip('0') or '0'}"
