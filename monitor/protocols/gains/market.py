"""All that the trades of one deployment share at one moment: pairs, collaterals, fees, what has accrued, and prices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import At, BlockRef, VenueMoment
from monitor.domain.prices import Node, PriceUsed, Unknown, Value
from monitor.domain.token import Token
from monitor.pricing.graph import PriceGraph
from monitor.protocols.gains.math import ONE, Borrowing, Funding, OldGroup
from monitor.protocols.gains.wire import CHARTS, DECIMALS, Prices

MOST_APART_S = 60
"""How far the prices may lie from the block that trades are read at; the venue publishes each twice a second."""
TOKEN_USD_DECIMALS = 8
COLLATERALS = 8
"""A place is a pair with a collateral, each pair having room for collaterals numbered 1 to 7."""


class Pair(NamedTuple):
    """One pair and the fee for closing in it; parts and dollars times `ONE`."""

    name: str
    spread: int
    fee: int
    least_usd: int
    counter_multiplier: int


class Old(NamedTuple):
    """Borrowing of version 1 in one pair with one collateral: its groups, of longs and of shorts, and its last group.

    Where `per_block` is 0 the pair itself accrues no more; `now` and `group_now` hold longs and shorts.
    """

    groups: tuple[tuple[OldGroup, ...], tuple[OldGroup, ...]]
    group: int | None
    per_block: int
    now: tuple[int, int]
    group_now: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Running:
    """What accrues in one pair with one collateral."""

    funding: Funding
    borrowing: Borrowing
    old: Old


@dataclass(frozen=True, slots=True)
class Layout:
    """What holds between blocks. `olds` are by place, as of `rules_block`; `active` are places with open interest.

    `tokens` are the collaterals by their number. Logs since `rules_block` tell whether all this still holds.
    """

    diamond: Address
    tokens: Mapping[int, Token]
    pairs: tuple[Pair, ...]
    olds: Mapping[int, Old]
    active: tuple[int, ...]
    rules_block: int


@dataclass(frozen=True, slots=True)
class Market:
    """One deployment at one moment.

    `running` is by place, or says why it was not read. `told_ms` is when the prices were told; `state` is the diamond's
    own: 0 trading, 1 closing only, 2 paused.
    """

    deployment: Deployment
    key: MarketKey
    at: BlockRef
    layout: Layout
    running: Mapping[int, Running | str]
    told_ms: int | None
    state: int
    graph: PriceGraph

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
        """The node that prices each collateral; what values a trade is the venue's own price alone."""
        return tuple((token_node(number), token) for number, token in self.layout.tokens.items())


def place_of(collateral: int, pair: int) -> int:
    """Return the place of a pair with a collateral, which numbers what is stored."""
    return pair * COLLATERALS + collateral


def collateral_at(place: int) -> int:
    """Return the number of the collateral of a place."""
    return place % COLLATERALS


def pair_at(place: int) -> int:
    """Return the number of the pair of a place."""
    return place // COLLATERALS


def pair_node(pair: int) -> Node:
    """Return the node of a pair's index price, dollars × 10^10."""
    return Node(f"index:{pair}")


def token_node(collateral: int) -> Node:
    """Return the node of a collateral's price, dollars × 10^8."""
    return Node(f"collateral:{collateral}")


def graph(pairs: Sequence[Pair], told: Prices | str, tokens: Mapping[int, Value], at: BlockRef) -> PriceGraph:
    """Return the prices of pairs and collaterals; `told` is the reason where the API told no price at all."""
    seen_s = None if isinstance(told, str) else told.told_ms // 1000
    inputs = [
        PriceUsed(pair_node(pair), _index(pair, told, at), DECIMALS, CHARTS, "market", seen_s)
        for pair in range(len(pairs))
    ]
    inputs += [
        PriceUsed(token_node(number), price, TOKEN_USD_DECIMALS, "getCollateralPriceUsd", "market", at.timestamp_s)
        for number, price in tokens.items()
    ]
    return PriceGraph.of(inputs)


def sources(at: BlockRef, venue: str, told_ms: int | None) -> tuple[At, ...]:
    """Return the moments an assessment is joined from: the block, and that of the prices."""
    return (at,) if told_ms is None else (at, VenueMoment(venue, None, told_ms, told_ms // 1000))


def _index(pair: int, told: Prices | str, at: BlockRef) -> Value:
    if isinstance(told, str):
        return Unknown(told)
    apart_s = -(-abs(told.told_ms - at.timestamp_s * 1000) // 1000)
    if apart_s > MOST_APART_S:
        return Unknown(f"expected prices within {MOST_APART_S} s of the block, found them {apart_s} s from it")
    price = told.by_pair[pair] if pair < len(told.by_pair) else None
    return Unknown("the price API does not quote the pair") if price is None else price
