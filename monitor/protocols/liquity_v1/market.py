"""Liquity at one moment: its terms, the sums of the whole system, what was redistributed, the price of ether."""

from dataclasses import dataclass

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed
from monitor.domain.token import Token
from monitor.pricing.aggregator import Aggregator
from monitor.pricing.graph import PriceGraph
from monitor.protocols.liquity_v1.math import Redistributed
from monitor.units import WAD

COLL, DEBT, STAKE, COLL_TERM, DEBT_TERM = range(5)
"""Kinds of stored numbers: collateral, debt, stake, and the redistribution terms when the trove was last touched."""
ASSET = 0
"""There is one collateral and one debt, so that all numbers stand at one asset."""
ETHER = Token(Address("0x" + "ee" * 20), "ETH", 18)
"""Ether itself, at the address that EIP-7528 gives it."""
PAR = Node("par:LUSD")
"""The node of what a unit of debt counts for: one dollar, whatever LUSD trades at."""
PRICE_DECIMALS = 18


@dataclass(frozen=True, slots=True)
class Terms:
    """What is fixed in the contract. Ratios are times 1e18; `divisor` is of collateral paid for gas."""

    mcr_wad: int
    ccr_wad: int
    min_net_debt_raw: int
    gas_debt_raw: int
    divisor: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The contracts that belong together. `aggregator` is the one the price feed reads first, where it says so."""

    trove_manager: Address
    borrower_operations: Address
    stability_pool: Address
    active_pool: Address
    price_feed: Address
    lusd: Token
    terms: Terms
    aggregator: Aggregator | None

    @property
    def node(self) -> Node:
        """The node of ether's price."""
        return Node(f"feed:{self.price_feed}")


@dataclass(frozen=True, slots=True)
class System:
    """The sums of all troves, with the pool's deposits; the snapshots are those since the last liquidation."""

    coll_raw: int
    debt_raw: int
    troves: int
    total_stakes: int
    stakes_snapshot: int
    coll_snapshot_raw: int
    pool_raw: int


@dataclass(frozen=True, slots=True)
class Market:
    """All that the troves share."""

    deployment: Deployment
    key: MarketKey
    at: BlockRef
    layout: Layout
    system: System
    redistributed: Redistributed
    graph: PriceGraph

    @property
    def terms(self) -> Terms:
        return self.layout.terms

    @property
    def base_unit(self) -> int:
        return WAD

    @property
    def base_is_usd(self) -> bool:
        return True

    @property
    def base_token(self) -> Address | None:
        """None: prices are in dollars."""
        return None

    @property
    def prices(self) -> tuple[PriceUsed, ...]:
        return self.graph.prices

    @property
    def tokens(self) -> tuple[tuple[Node, Token], ...]:
        """The node of ether; LUSD has none that anybody quotes, since the contract counts it at par."""
        return ((self.layout.node, ETHER),)
