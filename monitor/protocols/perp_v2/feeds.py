"""The price graph of a clearing house: the mark of each market from its parts, and the price of each collateral."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from monitor.abi import Call, interface
from monitor.domain.ids import Address
from monitor.domain.prices import Node, PriceUsed, Unknown, Value
from monitor.domain.token import Token
from monitor.errors import UnexpectedAnswer
from monitor.pricing.graph import Derived
from monitor.protocols.perp_v2.market import Contracts, Status, Traded
from monitor.protocols.perp_v2.math import median, premium_per_day, price_of_sqrt_down
from monitor.query import Failed
from monitor.units import WAD

EXCHANGE, BALANCE = interface("perp_v2", "exchange"), interface("perp_v2", "account_balance")
BASE = interface("perp_v2", "base_token")
SPOT_S = 15
"""The shortest average of a market's price that a mark is made of (AccountBalance._getMarkPrice)."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """Over how many seconds prices are averaged: the market's, the premium's, and funding's."""

    market_s: int
    premium_s: int
    funding_s: int


@dataclass(frozen=True, slots=True)
class Mark:
    """The median of the market's short and long average and of the index with its premium.

    Inputs: short average, long average, market over the premium's interval, index over it, index now
    (AccountBalance._getMarkPrice).
    """

    def of(self, values: Sequence[Value]) -> Value:
        for value in values:
            if isinstance(value, Unknown):
                return value
        spot, twap, market, index_twap, index = (value for value in values if isinstance(value, int))
        moved = index + market - index_twap
        return median(spot, twap, moved) if moved >= 0 else Unknown("an index below its discount reverts")


@dataclass(frozen=True, slots=True)
class Priced:
    """One market with its part of the graph."""

    traded: Traded
    inputs: tuple[PriceUsed, ...]
    derived: tuple[Derived, ...]


def questions(contracts: Contracts, base: Address, intervals: Intervals) -> list[Call]:
    """Return the calls that price one market, in the order in which `priced` takes their answers."""
    seconds = (SPOT_S, intervals.market_s, intervals.premium_s, intervals.funding_s)
    return [
        *(BASE[name].at(base) for name in ("isOpen", "isClosed", "getPausedIndexPrice", "getClosedPrice")),
        BALANCE["getMarkPrice"].at(contracts.account_balance, base),
        *(EXCHANGE["getSqrtMarketTwapX96"].at(contracts.exchange, base, s) for s in seconds),
        *(BASE["getIndexPrice"].at(base, s) for s in (intervals.premium_s, 0, intervals.funding_s)),
    ]


def priced(place: int, token: Token, answers: Sequence[Any], most_funding_ppm: int) -> Priced:
    """Return one market and its part of the graph; raises UnexpectedAnswer where its status cannot be told.

    The mark is computed from its parts and held against the contract's own.
    """
    is_open, is_closed, paused_price, closed_price, mark, *parts = answers
    if isinstance(is_open, Failed) or isinstance(is_closed, Failed):
        raise UnexpectedAnswer(f"expected {token.address} to say whether it is open, found {is_open} {is_closed}")
    status = Status.OPEN if is_open else Status.CLOSED if is_closed else Status.PAUSED
    node = Node(f"mark:{token.address}")
    if status is not Status.OPEN:
        fixed = _value(closed_price if is_closed else paused_price)
        used = PriceUsed(node, fixed, 18, token.address, "hardcoded")
        return Priced(Traded(place, token, status, node, None, 0), (used,), ())
    spot, twap, market, funding_market = (_of_sqrt(part) for part in parts[:4])
    index_twap, index, funding_index = (_value(part) for part in parts[4:])
    made = Mark().of((spot, twap, market, index_twap, index))
    told = _value(mark)
    premium = None
    if isinstance(funding_market, int) and isinstance(funding_index, int):
        premium = premium_per_day(funding_market, funding_index, most_funding_ppm)
    if isinstance(made, Unknown) or isinstance(told, Unknown):
        used = PriceUsed(node, told, 18, token.address, "mark")
        return Priced(Traded(place, token, status, node, None, premium), (used,), ())
    if made != told:
        raise UnexpectedAnswer(f"expected market {token.address} to have the mark {made} of its parts, found {told}")
    names = ("spot", "twap", "premium", "index-twap", "index")
    nodes = [Node(f"{name}:{token.address}") for name in names]
    inputs = tuple(
        PriceUsed(one, value, 18, token.address, "market")
        for one, value in zip(nodes, (spot, twap, market, index_twap, index), strict=True)
    )
    derived = Derived(node, Mark(), tuple(nodes), 18, token.address, "mark")
    return Priced(Traded(place, token, status, node, nodes[-1], premium), inputs, (derived,))


def par(node: Node, token: Token) -> PriceUsed:
    """Return the price of the settlement token, which is the unit that everything is counted in."""
    return PriceUsed(node, WAD, 18, token.address, "hardcoded")


def _value(answer: Any) -> Value:
    return Unknown(answer.reason) if isinstance(answer, Failed) else int(answer)


def _of_sqrt(answer: Any) -> Value:
    return Unknown(answer.reason) if isinstance(answer, Failed) else price_of_sqrt_down(int(answer))
