"""What independent sources say about a market's prices at a moment, and the cautious repricing made of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from monitor import log
from monitor.adapter import Market
from monitor.domain.ids import Address, ChainId
from monitor.domain.moment import At, BlockRef, time_ms
from monitor.domain.prices import Node, PriceUsed, Unknown
from monitor.errors import ReadError
from monitor.pricing.haircuts import Haircuts
from monitor.pricing.reference import ReferenceCoin, ReferenceFeed, aggregator_prices, http_prices, in_base
from monitor.pricing.repricing import Outlook, cautious
from monitor.query import Ask, together
from monitor.risk.model import RiskModel

T = TypeVar("T")
A = TypeVar("A", bound=At)
A_contra = TypeVar("A_contra", bound=At, contravariant=True)
_log = log.get("cycle")


class Reads(Protocol[A_contra]):
    """Where reads are answered, all of one read at one moment."""

    async def read(self, ask: Ask[T], at: A_contra) -> T:
        """Return what the read returns; raises ReadError."""
        ...


Source = Reads[BlockRef]
"""A chain: all of one read at one block."""


class Venue(Protocol):
    """An HTTP feed."""

    async def read(self, ask: Ask[T]) -> T:
        """Return what the read returns; raises ReadError."""
        ...


@dataclass(frozen=True, slots=True)
class Reference:
    """An independent price of a token: an aggregator on its chain, or a coin of the HTTP feed."""

    feed: Address | None
    coin: str | None
    max_age_s: int


@dataclass(frozen=True, slots=True)
class Outlooks:
    """The independent prices that are configured, the haircuts, and how assets move; None where nobody asks that."""

    references: Mapping[tuple[ChainId, Address], Reference]
    haircuts: Haircuts
    venue: Venue | None = None
    venue_name: str = ""
    risk: RiskModel | None = None

    async def of(self, source: Reads[A], market: Market, at: A) -> Outlook:
        """Return the cautious view of the market's prices; a reference that fails is unknown, never left out."""
        (outlook,) = await self.each(source, [market], at)
        return outlook

    async def each(self, source: Reads[A], markets: Sequence[Market], at: A) -> list[Outlook]:
        """Return the cautious view of each market's prices, asked for at once."""
        found = await source.read(together(*(self.feeds(market, at) for market in markets)), at)
        coins = await self.coins(markets, at)
        return [self.outlook(market, {**feeds, **coins}) for market, feeds in zip(markets, found, strict=True)]

    def outlook(self, market: Market, independent: Mapping[Node, PriceUsed]) -> Outlook:
        """Return the cautious view made of independent dollar prices by node.

        Where the market counts in a token, they are told in that; without a price of that token none can be used.
        """
        if not market.base_is_usd:
            base = market.base_token and independent.get(_base_node(market.base_token))
            independent = {node: in_base(price, base) for node, price in independent.items()} if base else {}
        return cautious(market.tokens, market.graph, independent, self.haircuts, market.deployment.chain)

    def feeds(self, market: Market, at: At) -> Ask[Mapping[Node, PriceUsed]]:
        """Return the independent prices of the market's tokens that stand on its chain."""
        feeds = [
            ReferenceFeed(node, known.feed, known.max_age_s)
            for node, known in self._known(market)
            if known.feed is not None
        ]
        return (yield from aggregator_prices(feeds, _time_s(at))) if feeds else {}

    async def coins(self, markets: Sequence[Market], at: At) -> Mapping[Node, PriceUsed]:
        """Return the independent prices of the markets' tokens that the HTTP feed has, asked for once."""
        coins = {
            node: ReferenceCoin(node, known.coin, known.max_age_s)
            for market in markets
            for node, known in self._known(market)
            if known.feed is None and known.coin is not None
        }
        if not coins or self.venue is None:
            return {}
        try:
            return await self.venue.read(http_prices(tuple(coins.values()), self.venue_name, _time_s(at)))
        except ReadError as e:
            _log.warning("no independent prices", venue=self.venue_name, problem=str(e))
            unknown = Unknown(f"{self.venue_name}: {e}")
            return {node: PriceUsed(node, unknown, 0, self.venue_name, "market") for node in coins}

    def _known(self, market: Market) -> Iterable[tuple[Node, Reference]]:
        chain = market.deployment.chain
        if not market.base_is_usd:
            base = market.base_token and self.references.get((chain, market.base_token))
            if not market.base_token or not base:
                return
            yield _base_node(market.base_token), base
        for node, token in market.tokens:
            known = self.references.get((chain, token.address))
            if known is not None:
                yield node, known


def _time_s(at: At) -> int:
    return time_ms(at) // 1000


def _base_node(token: Address) -> Node:
    """Return under which name the dollar price of the token goes that a market counts in."""
    return Node(f"base:{token}")
