"""All that the positions of one deployment share at one moment: its markets, their rules and state, and the prices."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import At, BlockRef, VenueMoment
from monitor.domain.prices import Node, PriceUsed, Unknown, Value
from monitor.domain.token import Token
from monitor.pricing.formula import Identity
from monitor.pricing.graph import Derived, PriceGraph
from monitor.protocols.gmx_v2.math import ONE, Curve, Sides
from monitor.protocols.gmx_v2.wire import TICKERS, Quoted

MOST_APART_S = 60
"""How far a price may lie from the block that positions are read at; the venue updates each within seconds."""
_DECIMALS = 30


class Listed(NamedTuple):
    """One market of the deployment, named by its token; the long and the short token are what it is backed by."""

    market: Address
    index_token: Address
    long_token: Address
    short_token: Address

    @property
    def is_one_token(self) -> bool:
        """Whether one token backs both sides: then the contract keeps sums twice."""
        return self.long_token == self.short_token

    def collateral(self, is_short: bool) -> Address:  # noqa: FBT001  # a choice of two
        return self.short_token if is_short else self.long_token


@dataclass(frozen=True, slots=True)
class Terms:
    """The parameters of one market; of pairs `yes` is longs, what balances the market, or what is positive."""

    least_factor: int
    least_factor_for_liquidation: int
    most_impact_for_liquidations: int
    most_impact: Sides
    fee_factor: Sides
    curve: Curve
    most_pnl_factor: Sides
    interest_multiplier: Sides
    virtual_id: bytes


class PerToken(NamedTuple):
    """One number for each collateral of each side."""

    long_long: int
    long_short: int
    short_long: int
    short_short: int

    def of(self, is_long: bool, is_short_token: bool) -> int:  # noqa: FBT001  # choices of two
        return self[2 * (not is_long) + is_short_token]


class Accrued(NamedTuple):
    """Cumulative borrowing, and funding to pay and to claim per size, as stored or as of the moment."""

    borrowing: Sides
    fees: PerToken
    claimable: PerToken


@dataclass(frozen=True, slots=True)
class State:
    """What trades, time and prices have made of one market.

    Rates are parts of a size each second, times 1e30; `funding_rate` is what the paying side pays.
    """

    pool_raw: Sides
    interest_usd: Sides
    interest_raw: Sides
    stored: Accrued
    now: Accrued
    virtual_usd: int | None
    borrowing_rate: Sides
    funding_rate: int
    do_longs_pay: bool
    is_disabled: bool


@dataclass(frozen=True, slots=True)
class Traded:
    """One market. `state` is the reason where it could not be read: its positions cannot be measured then."""

    place: int
    listed: Listed
    terms: Terms
    state: State | str


@dataclass(frozen=True, slots=True)
class Contracts:
    """The roots of a deployment; `referrals` is the zero address where there are none."""

    reader: Address
    store: Address
    referrals: Address
    emitter: Address


@dataclass(frozen=True, slots=True)
class Layout:
    """What holds between blocks: contracts, markets in the order of their places, tokens, and the rules.

    `rules_block` is the block they were read at; logs since then tell whether they still hold.
    """

    contracts: Contracts
    listed: tuple[Listed, ...]
    tokens: Mapping[Address, Token]
    terms: tuple[Terms, ...]
    least_usd: int
    counts_tokens: bool
    rules_block: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Market:
    """One deployment at one moment. `quoted_ms` is when the venue last updated the price of each token."""

    deployment: Deployment
    key: MarketKey
    at: BlockRef
    layout: Layout
    traded: tuple[Traded, ...]
    quoted_ms: Mapping[Address, int]
    graph: PriceGraph

    @property
    def places(self) -> dict[str, int]:
        """The place of each market, by its token."""
        return {str(one.market): place for place, one in enumerate(self.layout.listed)}

    @property
    def base_unit(self) -> int:
        return ONE

    @property
    def base_is_usd(self) -> bool:
        return True

    @property
    def base_token(self) -> Address | None:
        return None

    @property
    def prices(self) -> tuple[PriceUsed, ...]:
        return self.graph.prices

    @property
    def tokens(self) -> tuple[tuple[Node, Token], ...]:
        """The node that prices each token as collateral; what values a position is the venue's own price alone."""
        held = dict.fromkeys(token for one in self.traded for token in (one.listed.long_token, one.listed.short_token))
        return tuple((collateral_node(token), self.layout.tokens[token]) for token in held)


def price_node(token: Address) -> Node:
    """Return the node of the lower end of a token's price, which everything else of it follows."""
    return Node(f"price:{token}")


def high_node(token: Address) -> Node:
    """Return the node of the upper end."""
    return Node(f"high:{token}")


def collateral_node(token: Address) -> Node:
    """Return the node of the token where it backs a position: the lower end, with haircuts where there are any."""
    return Node(f"collateral:{token}")


@dataclass(frozen=True, slots=True)
class Spread:
    """The upper end of a price, which keeps its relation to the lower one; toward zero, exact where neither moved."""

    low: int
    high: int

    def of(self, values: Sequence[Value]) -> Value:
        (price,) = values
        return price if isinstance(price, Unknown) else price * self.high // self.low


def graph(tokens: Iterable[Token], quoted: Mapping[Address, Quoted] | str, at: BlockRef) -> PriceGraph:
    """Return the graph of these tokens; `quoted` is the reason where the API told no price at all."""
    inputs, derived = list[PriceUsed](), list[Derived]()
    for token in tokens:
        one = quoted if isinstance(quoted, str) else quoted.get(token.address, "the price API does not quote it")
        value = _value(one, at)
        decimals = _DECIMALS - token.decimals
        seen_s = None if isinstance(one, str) else one.updated_ms // 1000
        spread = Spread(1, 1) if isinstance(one, str) else Spread(one.low, one.high)
        node = price_node(token.address)
        inputs.append(PriceUsed(node, value, decimals, TICKERS, "market", seen_s))
        derived.append(Derived(high_node(token.address), spread, (node,), decimals, TICKERS))
        derived.append(Derived(collateral_node(token.address), Identity(), (node,), decimals, TICKERS))
    return PriceGraph.of(inputs, derived)


def sources(at: BlockRef, venue: str, quoted_ms: Iterable[int]) -> tuple[At, ...]:
    """Return the moments an assessment is joined from: the block, the oldest and the newest of the prices it uses."""
    times = sorted(quoted_ms)
    ends = dict.fromkeys((*times[:1], *times[-1:]))
    return (at, *(VenueMoment(venue, None, time_ms, time_ms // 1000) for time_ms in ends))


def _value(one: Quoted | str, at: BlockRef) -> Value:
    if isinstance(one, str):
        return Unknown(one)
    apart_s = -(-abs(one.updated_ms - at.timestamp_s * 1000) // 1000)
    if apart_s > MOST_APART_S:
        return Unknown(f"expected a price within {MOST_APART_S} s of the block, found one {apart_s} s from it")
    return one.low
