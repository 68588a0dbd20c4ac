"""All that the accounts of one clearing house share at one moment: markets, collaterals, ratios, prices."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed
from monitor.domain.token import Token
from monitor.pricing.graph import PriceGraph
from monitor.units import WAD

ACCOUNT = 0
"""The place of what belongs to an account as a whole; markets have odd places, collaterals the even ones above."""

CASH, CASH_OWED = 0, 1
"""Balance in settlement tokens, above zero and below it."""
FEE, REALISED, REALISED_LOSS, DEBT_LIMIT = 2, 3, 4, 5
"""A maker's fees not collected yet, profit and loss not settled yet, and the debt at which collateral is sold."""
COIN = 6
LONG, SHORT = 7, 8
"""The whole size in a market, liquidity included."""
QUOTE, QUOTE_OWED = 9, 10
"""The whole open notional of a market: what a short has received, and what a long has paid."""
FUNDING_DUE, FUNDING_OWED = 11, 12
"""Funding as of the read, to receive and to pay."""
ORDERS = 13
"""How many orders, ranges of liquidity, are open in a market."""
OWN_LONG, OWN_SHORT, OWN_QUOTE, OWN_QUOTE_OWED = 14, 15, 16, 17
"""Base and quote without what lies in the pool, where that differs from the whole: they make the debts of a maker."""


class Status(StrEnum):
    """Whether a market trades."""

    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Contracts:
    """The contracts of one deployment, all found from its clearing house."""

    clearing_house: Address
    vault: Address
    exchange: Address
    order_book: Address
    account_balance: Address
    config: Address
    collateral_manager: Address
    market_registry: Address


@dataclass(frozen=True, slots=True)
class Traded:
    """One market. `node` is the price that values positions; `premium_per_day` what a long pays per unit and day.

    The premium is None while no price is known, and 0 while the market does not trade: funding stops then.
    """

    place: int
    token: Token
    status: Status
    node: Node
    index_node: Node | None
    premium_per_day: int | None


@dataclass(frozen=True, slots=True)
class Coin:
    """One collateral beside the settlement token. `ratio_ppm` is what part of its value counts."""

    place: int
    token: Token
    node: Node
    price_unit: int
    ratio_ppm: int
    discount_ppm: int
    deposit_cap_raw: int


@dataclass(frozen=True, slots=True)
class Ratios:
    """What the configuration says, in millionths. `coin_maintenance_ppm` is the line at which collateral is sold."""

    initial_ppm: int
    maintenance_ppm: int
    penalty_ppm: int
    most_funding_ppm: int
    coin_maintenance_ppm: int
    debt_to_coins_ppm: int


@dataclass(frozen=True, slots=True)
class Sale:
    """How collateral is sold: what part of a debt one call repays, what of that the insurance fund keeps.

    A debt of at most `dust_raw` settlement tokens is repaid whole.
    """

    part_ppm: int
    fee_ppm: int
    dust_raw: int
    is_paused: bool | None


@dataclass(frozen=True, slots=True)
class Layout:
    """What a deployment is made of, as far as its logs tell it up to a block."""

    contracts: Contracts
    settlement: Token
    bases: tuple[Token, ...]
    coins: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Market:
    """One clearing house at one moment; `traded` and `coins` are by place."""

    deployment: Deployment
    key: MarketKey
    at: BlockRef
    layout: Layout
    ratios: Ratios
    sale: Sale
    traded: Mapping[int, Traded]
    coins: Mapping[int, Coin]
    is_paused: bool | None
    graph: PriceGraph

    @property
    def base_unit(self) -> int:
        return WAD

    @property
    def base_is_usd(self) -> bool:
        """Whether amounts are dollars: the contracts count a settlement token as one, and prices are in dollars."""
        return True

    @property
    def base_token(self) -> Address | None:
        return None

    @property
    def prices(self) -> tuple[PriceUsed, ...]:
        return self.graph.prices

    @property
    def tokens(self) -> tuple[tuple[Node, Token], ...]:
        """The node that prices each collateral; what values a position is a price of this venue alone."""
        return tuple((coin.node, coin.token) for coin in self.coins.values())

    @property
    def places(self) -> dict[str, int]:
        """The place of each market and each collateral, by the address of its token."""
        markets = {str(one.token.address): one.place for one in self.traded.values()}
        return markets | {str(coin.token.address): coin.place for coin in self.coins.values()}

    @property
    def settlement_node(self) -> Node:
        return Node(f"par:{self.layout.settlement.address}")


def base_place(number: int) -> int:
    """Return the place of the number-th market."""
    return 2 * number + 1


def coin_place(number: int) -> int:
    """Return the place of the number-th collateral."""
    return 2 * number + 2
