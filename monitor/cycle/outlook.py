"""What independent sources say about a market's prices at a moment, and the cautious repricing made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from monitor import log
from monitor.adapter import Market
from monitor.domain.ids import Address, ChainId
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed, Unknown
from monitor.errors import ReadError
from monitor.pricing.haircuts import Haircuts
from monitor.pricing.reference import ReferenceCoin, ReferenceFeed, aggregator_prices, http_prices
from monitor.pricing.repricing import Outlook, cautious
from monitor.query import Ask

T = TypeVar("T")
_log = log.get("cycle")


class Source(Protocol):
    """Where reads are answered, all of one read at one block."""

    async def read(self, ask: Ask[T], at: BlockRef) -> T:
        """Return what the read returns; raises ReadError."""
        ...


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
    """The independent prices that are configured, and the haircuts."""

    references: Mapping[tuple[ChainId, Address], Reference]
    haircuts: Haircuts
    venue: Venue | None = None
    venue_name: str = ""

    async def of(self, source: Source, market: Market, at: BlockRef) -> Outlook:
        """Return the cautious view of the market's prices; a reference that fails is unknown, never left out."""
        feeds: list[ReferenceFeed] = []
        coins: list[ReferenceCoin] = []
        for node, token in market.tokens:
            known = self.references.get((at.chain, token.address))
            if known is not None and known.feed is not None:
                feeds.append(ReferenceFeed(node, known.feed, known.max_age_s))
            elif known is not None and known.coin is not None:
                coins.append(ReferenceCoin(node, known.coin, known.max_age_s))
        independent: dict[Node, PriceUsed] = {}
        if feeds:
            independent.update(await source.read(aggregator_prices(feeds, at.timestamp_s), at))
        if coins and self.venue is not None:
            independent.update(await self._of_venue(self.venue, coins, at.timestamp_s))
        return cautious(market.tokens, market.graph, independent, self.haircuts, at.chain)

    async def _of_venue(self, venue: Venue, coins: Sequence[ReferenceCoin], now_s: int) -> Mapping[Node, PriceUsed]:
        try:
            return await venue.read(http_prices(coins, self.venue_name, now_s))
        except ReadError as e:
            _log.warning("no independent prices", venue=self.venue_name, problem=str(e))
            unknown = Unknown(f"{self.venue_name}: {e}")
            return {coin.node: PriceUsed(coin.node, unknown, 0, self.venue_name, "market") for coin in coins}
