"""All that the subaccounts of the chain share at one moment: perpetual markets, their tiers, oracle prices."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.domain.moment import VenueMoment
from monitor.domain.prices import Node, PriceUsed
from monitor.domain.token import Token
from monitor.pricing.graph import PriceGraph
from monitor.protocols.dydx_v4.math import QUOTE_DECIMALS, QUOTE_UNIT, notional_to_zero, open_interest_imf_ppm

MARKET = MarketKey("subaccounts")
"""Every subaccount of the chain: one may trade any market with the same collateral."""
KEY_BYTES = 24
CHILDREN_FROM = 128
"""Subaccounts from this number on are children of the one whose number is the rest: made to hold one position each."""
USDC = Token(Address("USDC"), "USDC", QUOTE_DECIMALS)
PAR = Node("par:USDC")

ACCOUNT = 0
"""The place of what belongs to a subaccount as a whole; a market's place is one more than its order book's id."""
CASH, CASH_OWED = 0, 1
"""USDC in quote quantums with the funding that is not settled yet, above zero and below it."""
LONG, SHORT = 2, 3
"""The size in base quantums."""
ENTRY = 4
"""What the position was opened for, in quote quantums, without the sign that the size has."""
HEIGHT = 5
"""The block up to which the indexer knew the subaccount."""


class Status(StrEnum):
    """What can be done in a market; only in an active one are positions liquidated."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    CANCEL_ONLY = "CANCEL_ONLY"
    POST_ONLY = "POST_ONLY"
    INITIALIZING = "INITIALIZING"
    FINAL_SETTLEMENT = "FINAL_SETTLEMENT"


@dataclass(frozen=True, slots=True)
class Tier:
    """A market's liquidity tier: fractions in millionths, caps in quote quantums."""

    initial_ppm: int
    maintenance_fraction_ppm: int
    lower_cap: int
    upper_cap: int


@dataclass(frozen=True, slots=True)
class Traded:
    """One perpetual market.

    Sizes are base quantums of 10^atomic_resolution units; a price counts 10^-price_decimals dollars. `funding_wad` is
    the rate of the coming hour as far as it is known now, what a long pays of its notional; None where it is not told.
    """

    place: int
    ticker: str
    token: Token
    node: Node
    status: Status
    is_isolated: bool
    atomic_resolution: int
    price_decimals: int
    tier: Tier
    open_interest: int
    funding_wad: int | None

    def value(self, quantums: int, price: int) -> int:
        """Return what a signed size is worth at a price, in quote quantums, toward zero."""
        return notional_to_zero(quantums, price, -self.price_decimals, self.atomic_resolution)

    def initial_ppm(self, price: int) -> int:
        """Return the initial fraction at a price, open interest included."""
        tier, open_notional = self.tier, self.value(self.open_interest, price)
        return open_interest_imf_ppm(tier.initial_ppm, tier.lower_cap, tier.upper_cap, open_notional)

    @property
    def size_unit(self) -> int:
        """Units of the token in one base quantum, more than one where a quantum is more than a whole one."""
        unit: int = 10 ** max(self.atomic_resolution, 0)
        return unit


@dataclass(frozen=True, slots=True)
class FillablePrice:
    """How a liquidation order's price moves from the oracle's toward bankruptcy (clob, FillablePriceConfig)."""

    bankruptcy_adjustment_ppm: int
    spread_to_maintenance_ppm: int


@dataclass(frozen=True, slots=True)
class Market:
    """The chain at one moment; `traded` is by place. `fillable` is None where no node told it."""

    deployment: Deployment
    key: MarketKey
    at: VenueMoment
    traded: Mapping[int, Traded]
    fillable: FillablePrice | None
    graph: PriceGraph

    @property
    def base_unit(self) -> int:
        return QUOTE_UNIT

    @property
    def base_is_usd(self) -> bool:
        """Whether amounts are dollars: the chain counts a USDC as one, and oracle prices are in dollars."""
        return True

    @property
    def base_token(self) -> Address | None:
        return None

    @property
    def prices(self) -> tuple[PriceUsed, ...]:
        return self.graph.prices

    @property
    def tokens(self) -> tuple[tuple[Node, Token], ...]:
        """None: the only collateral is the unit that everything is counted in."""
        return ()

    @property
    def places(self) -> dict[str, int]:
        """The place of each market by its ticker."""
        return {one.ticker: place for place, one in self.traded.items()}


def key_of(owner: Address, number: int) -> PositionKey:
    """Return the key of a subaccount: the owner's 20 bytes, then its number in four."""
    return PositionKey(f"{owner}{number:08x}")


def owner_of(key: PositionKey) -> Address:
    """Return whose subaccount a key names."""
    return Address(key[:42])


def number_of(key: PositionKey) -> int:
    """Return the number of the subaccount that a key names."""
    return int(key[42:], 16)
