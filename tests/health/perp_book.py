"""A made-up perpetual account with tiers, shared collateral and several positions, judged in plain integers."""

from dataclasses import dataclass, field

from monitor.domain.assessment import Assessment, Kind, Leg, Side
from monitor.domain.health import Health, Line, Unmeasurable
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionId, PositionKey, Slug
from monitor.domain.moment import VenueMoment
from monitor.domain.perp import Carry, Margin, MarginMode, PerpLeg, Predicate
from monitor.domain.prices import PROTOCOL, Node, PriceUsed, Repricing, Unknown
from monitor.domain.token import Token
from monitor.health.perp import health_of
from monitor.health.tiers import Tiers
from monitor.pricing.graph import PriceGraph, Prices, on_collateral_side

UNIT = 10**6
"""Sizes have six decimals, so that price × size ÷ UNIT is dollars of six decimals."""
AT = VenueMoment("venue:made-up", 7, 1_700_000_000_000, 1_700_000_000)


@dataclass(frozen=True)
class Held:
    """One position of a book: what is traded, its signed size and signed entry notional, and its tiers."""

    name: str
    size: int
    entry: int
    tiers: Tiers
    carry: Carry | None = None
    funding: int = 0


@dataclass(frozen=True)
class Book:
    """One cross account: cash in dollars of six decimals, coins as collateral, positions."""

    cash: int
    prices: dict[str, int | Unknown]
    held: tuple[Held, ...]
    coins: dict[str, int] = field(default_factory=dict)
    line: Line = Line.BELOW

    @property
    def graph(self) -> PriceGraph:
        names = self.prices.items()
        return PriceGraph.of(PriceUsed(Node(f"mark:{name}"), price, 6, "made up", "mark") for name, price in names)

    def health(self, repricing: Repricing = PROTOCOL) -> Health:
        prices = self.graph.evaluate(repricing)
        equity, required = self.cash, 0
        for name, amount in self.coins.items():
            price = _price(prices, name)
            if isinstance(price, Unknown):
                return Unmeasurable(price.reason)
            equity += amount * price // UNIT
        for one in self.held:
            price = _price(prices, one.name)
            if isinstance(price, Unknown):
                return Unmeasurable(price.reason)
            value = one.size * price // UNIT
            equity += value - one.entry + one.funding
            required += one.tiers.required_up(abs(value))
        return health_of(equity, required, self.line)

    def assess(self) -> Assessment:
        health, legs = self.health(), tuple(self._leg(one) for one in self.held)
        measured = None if isinstance(health, Unmeasurable) else health
        equity = getattr(measured, "numerator", None)
        required = getattr(measured, "denominator", None)
        notional = sum(leg.notional_base or 0 for leg in legs)
        return Assessment(
            id=_ID,
            owner=None,
            at=AT,
            kind=Kind.PERP,
            margin_mode=MarginMode.CROSS,
            health=health,
            legs=tuple(self._coin(name, amount) for name, amount in self.coins.items()),
            collateral_base=self.cash,
            debt_base=notional,
            base_unit=UNIT,
            base_is_usd=True,
            positions=legs,
            margin=Margin(
                equity,
                notional,
                None,
                required,
                None,
                self.cash,
                self.cash,
                Predicate("equity < maintenance", self.line),
            ),
        )

    def _leg(self, one: Held) -> PerpLeg:
        price = self.prices[one.name]
        value = one.size * price // UNIT if isinstance(price, int) else None
        return PerpLeg(
            market=one.name,
            token=token(one.name),
            size_raw=one.size,
            node=Node(f"mark:{one.name}"),
            price=price,
            price_decimals=6,
            value_base=value,
            entry_base=one.entry,
            unrealised_pnl_base=None if value is None else value - one.entry,
            funding_base=one.funding,
            edges=one.tiers.edges(abs(one.size), UNIT),
            carry=one.carry,
        )

    def _coin(self, name: str, amount: int) -> Leg:
        price = self.prices[name]
        value = amount * price // UNIT if isinstance(price, int) else None
        return Leg(Side.COLLATERAL, token(name), amount, amount, price, value, 10_000, Node(f"mark:{name}"))


def token(name: str) -> Token:
    return Token(Address(name), name, 6)


def _price(prices: Prices, name: str) -> int | Unknown:
    return on_collateral_side(prices[Node(f"mark:{name}")])


_ID = PositionId(
    ChainId("venue:made-up"), Slug("made_up"), DeploymentName("made-up"), MarketKey("all"), PositionKey("0x01")
)
