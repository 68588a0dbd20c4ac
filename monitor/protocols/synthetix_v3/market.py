"""All that the accounts of one perps market share at one moment: markets, collaterals, guards, costs, prices."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed, Unknown
from monitor.domain.token import Token
from monitor.ledger.accounts import Balance
from monitor.pricing.graph import PriceGraph
from monitor.protocols.synthetix_v3.math import (
    funding_per_price,
    funding_rate,
    funding_velocity,
    interest_since,
)
from monitor.units import WAD

ACCOUNT = 0
"""The place of what belongs to an account as a whole; markets have odd places, collaterals the even ones above."""
USD = 2
"""The place of snxUSD, the collateral with the id 0."""

DEBT = 0
"""What an account owes in dollars after losses that its snxUSD did not cover."""
COIN = 1
"""An amount of a collateral."""
LONG, SHORT = 2, 3
"""The size of a position, and the price, the funding and the interest at which it was last changed."""
ENTRY, FUNDED, FUNDED_BELOW, CHARGED = 4, 5, 6, 7
PAID, RECEIVED, INTEREST, SQUARE, COIN_SQUARE = 8, 9, 10, 11, 12
"""Made of the above for the screen, which knows sums only: size × (entry + funding), size × interest, squares."""
FLAGGED = 13
"""1 for an account that is flagged: it can be liquidated whatever its margin is."""
SQUARE_UNIT = 10**27
"""A square is stored in units of this, so that it fits into 128 bits."""
MOST_FEEDS = 8
"""Accounts are told apart by how many price feeds a liquidation has to update, up to so many."""


@dataclass(frozen=True, slots=True)
class Contracts:
    """The contracts of one deployment, all found from its perps market."""

    perps_market: Address
    account_token: Address
    spot_market: Address
    oracle_manager: Address


@dataclass(frozen=True, slots=True)
class Terms:
    """What the configuration of one market says."""

    initial_margin_ratio: int
    least_initial_ratio: int
    maintenance_scalar: int
    flag_reward_ratio: int
    least_margin: int
    skew_scale: int
    most_velocity: int
    locked_ratio: int
    most_skew: int


@dataclass(frozen=True, slots=True)
class Traded:
    """One market. `rate` and `per_price` are its funding as of the moment, made of what was stored at `funded_s`.

    `capacity` is how much can be liquidated now of the `window`, in which `liquidated_s` was the last liquidation.
    """

    place: int
    id: int
    token: Token
    node: Node
    terms: Terms
    skew: int
    size: int
    stored_rate: int
    stored_funding: int
    funded_s: int
    velocity: int
    rate: int
    per_price: int
    capacity: int
    window: int
    liquidated_s: int

    def at(self, now_s: int) -> "Traded":
        """Return the market at another second in which nobody has acted."""
        velocity = funding_velocity(self.skew, self.terms.skew_scale, self.terms.most_velocity)
        elapsed_s = now_s - self.funded_s
        rate = funding_rate(self.stored_rate, velocity, elapsed_s)
        made = funding_per_price(self.stored_rate, rate, elapsed_s)
        return replace(self, velocity=velocity, rate=rate, per_price=made)


@dataclass(frozen=True, slots=True)
class Coin:
    """One collateral. `cap_raw` is how much all accounts may hold, `held_raw` how much they do."""

    place: int
    id: int
    token: Token
    node: Node
    skew_scale: int
    scalar: int
    lower: int
    upper: int
    cap_raw: int
    held_raw: int


@dataclass(frozen=True, slots=True)
class Costs:
    """What a keeper's transactions cost in dollars: flagging by the number of feeds to update, and liquidating."""

    flag: tuple[int, ...]
    liquidate: int


@dataclass(frozen=True, slots=True)
class Interest:
    """Interest on locked open interest, per dollar: as stored at `stored_s`, and as of the moment."""

    rate: int
    stored: int
    stored_s: int
    accrued: int

    def at(self, now_s: int) -> "Interest":
        return replace(self, accrued=self.stored + interest_since(self.rate, now_s - self.stored_s))


@dataclass(frozen=True, slots=True)
class Layout:
    """What a deployment is made of and what stays as it is: contracts, the dollar, names."""

    contracts: Contracts
    usd: Token
    names: Mapping[int, str]
    coins: Mapping[int, Token]


@dataclass(frozen=True, slots=True)
class Market:
    """One perps market at one moment; `traded` and `coins` are by place.

    `guards` are the least reward, the least profit, the most reward, and the most as a part of the margin.
    """

    deployment: Deployment
    key: MarketKey
    at: BlockRef
    layout: Layout
    traded: Mapping[int, Traded]
    coins: Mapping[int, Coin]
    interest: Interest
    costs: Costs | Unknown
    guards: tuple[int, int, int, int]
    collateral_reward_ratio: int
    flagged: frozenset[int]
    total_debt: int
    is_closed: bool | None
    graph: PriceGraph

    @property
    def base_unit(self) -> int:
        return WAD

    @property
    def base_is_usd(self) -> bool:
        """Whether amounts are dollars: the contracts count snxUSD as one, and prices are in dollars."""
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
        return tuple((coin.node, coin.token) for coin in self.coins.values() if coin.place != USD)

    def later(self, now_s: int) -> "Market":
        """Return the market at a later second in which nobody has acted: its moment has not been."""
        return replace(
            self,
            at=replace(self.at, timestamp_s=now_s),
            traded={place: one.at(now_s) for place, one in self.traded.items()},
            interest=self.interest.at(now_s),
        )


def market_place(number: int) -> int:
    """Return the place of the number-th market."""
    return 2 * number + 1


def coin_place(synth_id: int) -> int:
    """Return the place of a collateral."""
    return 2 * synth_id + 2


def feeds_of(balances: Iterable[Balance]) -> int:
    """Return how many feeds flagging has to update: positions, and collaterals beside snxUSD (KeeperCosts.sol)."""
    return sum(b.kind in (LONG, SHORT) or (b.kind == COIN and b.asset != USD) for b in balances)
