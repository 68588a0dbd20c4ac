"""A branch at one moment: its terms, batches, what was redistributed, the pool, the price of its collateral."""

from dataclasses import dataclass

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed
from monitor.domain.token import Token
from monitor.pricing.aggregator import Aggregator
from monitor.pricing.graph import PriceGraph
from monitor.protocols.liquity_v2.history import History
from monitor.protocols.liquity_v2.math import Owed, Penalties, Redistributed, interest_raw, period_s
from monitor.units import WAD

COLL, DEBT, SHARES, STAKE, COLL_TERM, DEBT_TERM, RATE, UPDATED, MANAGER, ACTIVE, ZOMBIE = range(11)
"""Kinds of stored numbers. A trove in a batch has `SHARES` and `MANAGER` at the batch's number, one of its own `DEBT`,
`RATE` and `UPDATED`. `ACTIVE` or `ZOMBIE` is 1, so that they add up to what the contract counts."""
ANCHORED, YEARLY = 11, 12
"""Two numbers that follow from `DEBT`, `RATE` and `UPDATED`, kept because the screen only adds terms up: interest of a
year, and the debt as it would be `ANCHOR_YEARS` after 1970."""
ANCHOR_YEARS = 100
ASSET = 0
"""Where all numbers stand that belong to no batch."""
PAR = Node("par:BOLD")
"""The node of what a unit of debt counts for: one dollar, whatever BOLD trades at."""
PRICE_DECIMALS = 18
MANAGER_MASK = 2**128 - 1


@dataclass(frozen=True, slots=True)
class Oracle:
    """An aggregator that the price feed reads, and how old it takes its answers."""

    aggregator: Aggregator
    threshold_s: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The contracts and the terms of a branch, none of which can change."""

    registry: Address
    trove_manager: Address
    sorted_troves: Address
    stability_pool: Address
    trove_nft: Address
    price_feed: Address
    collateral: Token
    bold: Token
    mcr_wad: int
    penalties: Penalties
    oracles: tuple[Oracle, ...]

    @property
    def node(self) -> Node:
        """The node of the collateral's price."""
        return Node(f"feed:{self.price_feed}")


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it is stored: one debt with all its shares, at its manager's rate and fee."""

    manager: Address
    debt_raw: int
    shares: int
    rate_wad: int
    fee_wad: int
    updated_s: int

    def owed(self, now_s: int, shutdown_s: int) -> Owed:
        """Return the debt at a moment (TroveManager._getLatestBatchData)."""
        elapsed_s = period_s(self.updated_s, now_s, shutdown_s)
        interest, fee = (interest_raw(self.debt_raw, rate, elapsed_s) for rate in (self.rate_wad, self.fee_wad))
        return Owed(self.debt_raw, interest, fee, self.shares)


@dataclass(frozen=True, slots=True)
class Market:
    """All that the troves of a branch share. Batch number i is `batches[i - 1]`, and owes `owed[i - 1]` now.

    `troves` are all that are open, `sorted_troves` those that are no zombies. `shutdown_s` is 0 while the branch lives.
    """

    deployment: Deployment
    key: MarketKey
    at: BlockRef
    layout: Layout
    history: History
    batches: tuple[Batch, ...]
    owed: tuple[Owed, ...]
    redistributed: Redistributed
    troves: int
    sorted_troves: int
    pool_raw: int
    shutdown_s: int
    price_source: int | None
    graph: PriceGraph

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
        """The node of the collateral; BOLD has none that anybody quotes, since the contract counts it at par."""
        return ((self.layout.node, self.layout.collateral),)

    def number_of(self, manager: Address) -> int | None:
        """Return the number of a manager's batch, None where there is no such batch."""
        return next((i for i, batch in enumerate(self.batches, start=1) if batch.manager == manager), None)
