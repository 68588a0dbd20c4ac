"""A Comet at one moment: its base asset, its collaterals, interest, prices and pause flags."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from monitor.domain.assessment import Accrual
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed
from monitor.domain.token import Token
from monitor.pricing.aggregator import Aggregator
from monitor.pricing.graph import PriceGraph
from monitor.protocols.compound_v3.math import Indices, Interest

BASE = 0
"""The base asset's place among the assets of an account; the i-th collateral has place i + 1."""
SUPPLIED, COLLATERAL, BORROWED = 0, 1, 2
"""Kinds of stored numbers: a positive principal, a collateral balance, a negative principal without its sign."""
PRICE_DECIMALS = 8


@dataclass(frozen=True, slots=True)
class Base:
    """The asset that is supplied for interest and borrowed."""

    token: Token
    node: Node
    scale: int
    borrow_min_raw: int


@dataclass(frozen=True, slots=True)
class Collateral:
    """One collateral. `place` is 1 + its bit in `assetsIn`; factors are times 1e18.

    `liquidate_factor_wad` weights it in the predicate, `liquidation_factor_wad` is what an absorption credits for it.
    """

    place: int
    token: Token
    node: Node
    scale: int
    borrow_factor_wad: int
    liquidate_factor_wad: int
    liquidation_factor_wad: int
    supply_cap_raw: int
    supplied_raw: int


class Paused(NamedTuple):
    """What the pause guardian has stopped."""

    supply: bool
    transfer: bool
    withdraw: bool
    absorb: bool
    buy: bool


@dataclass(frozen=True, slots=True)
class StoreFront:
    """What absorbed collateral is sold for: nothing is for sale once reserves have reached their target."""

    price_factor_wad: int
    target_reserves_raw: int
    reserves_raw: int


@dataclass(frozen=True, slots=True)
class Feed:
    """One price feed as it was found: a constant never moves."""

    aggregator: Aggregator
    is_constant: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """What a Comet is made of, which changes by an upgrade only: base token, then collaterals, and all their feeds.

    `is_patched`: the service patch of 2026, which passes over collateral without a liquidate factor and can pause the
    supply of single assets. Its arithmetic is transcribed, not recorded.
    """

    extension: Address
    is_patched: bool
    tokens: tuple[Token, ...]
    feeds: tuple[Address, ...]
    known_feeds: Mapping[Address, Feed]
    is_usd: bool


@dataclass(frozen=True, slots=True)
class Market:
    """All that the accounts of one Comet share. `indices` are those of `accrual`; `collaterals` are by place.

    `closed_supply` are the places of assets that cannot be supplied now, all of them while supply is paused.
    """

    deployment: Deployment
    key: MarketKey
    at: BlockRef
    layout: Layout
    base: Base
    collaterals: Mapping[int, Collateral]
    interest: Interest
    indices: Indices
    accrual: Accrual
    paused: Paused
    closed_supply: frozenset[int]
    store_front: StoreFront
    graph: PriceGraph

    @property
    def comet(self) -> Address:
        return Address(self.key)

    @property
    def base_unit(self) -> int:
        return int(10**PRICE_DECIMALS)

    @property
    def base_is_usd(self) -> bool:
        """Whether the base asset's feed says that it answers in dollars; some markets price everything in ether."""
        return self.layout.is_usd

    @property
    def base_token(self) -> Address | None:
        """The base asset where its feed is a constant one, as where everything is priced in ether and ether is lent."""
        feed = self.layout.known_feeds[self.layout.feeds[BASE]]
        is_unit = feed.is_constant and self.graph.values[self.base.node] == self.base_unit
        return self.base.token.address if is_unit else None

    @property
    def prices(self) -> tuple[PriceUsed, ...]:
        return self.graph.prices

    @property
    def tokens(self) -> tuple[tuple[Node, Token], ...]:
        """The node that prices each token."""
        return ((self.base.node, self.base.token), *((c.node, c.token) for c in self.collaterals.values()))

    def collateral_of(self, token: Address) -> Collateral | None:
        """Return the collateral of a token, None where it is not listed."""
        return next((c for c in self.collaterals.values() if c.token.address == token), None)
