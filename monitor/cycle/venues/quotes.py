"""The markets of a deployment at their present prices, and everyone in them revalued."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from monitor.adapter import Market
from monitor.clock import Clock
from monitor.courtesy import others_first
from monitor.cycle.markets.listing import Listing
from monitor.cycle.outlook import Outlooks
from monitor.cycle.step import Target
from monitor.cycle.venues.asking import Glimpses, Weighed
from monitor.cycle.venues.holdings import Holdings
from monitor.cycle.venues.turns import is_over_by_next
from monitor.domain.alerts import Level
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.domain.moment import At, VenueMoment, time_ms
from monitor.errors import ReadError
from monitor.pricing.repricing import Outlook
from monitor.sources.http.freshness import Freshness

NEWS_MS, CALM_NEWS_MS = 10_000, 60_000
"""How old the prices are at most that anybody critical is judged by, and all others, while the venue answers."""
_PER_STEP = 250

Remembered = Mapping[MarketKey, Mapping[Address, Mapping[PositionKey, Level | None]]]


@dataclass(slots=True)
class Quotes:
    """Reads prices, and keeps what is held in each market; `news` says how old the last news of any price is.

    `known` are the positions that the store remembers, by market and owner, each with its level.
    """

    target: Target
    clock: Clock
    known: Remembered
    holdings: dict[MarketKey, Holdings] = field(default_factory=dict)
    listing: Listing = field(init=False)
    news: Freshness = field(init=False)

    def __post_init__(self) -> None:
        self.listing = Listing(self.target.adapter, self.target.deployment)
        self.listing.keep(self.known)
        self.news = Freshness(self.clock)

    @property
    def at(self) -> At | None:
        """The newest moment of any market's prices."""
        moments = [one.market.at for one in self.holdings.values() if one.market is not None]
        return max(moments, key=time_ms, default=None)

    async def look(
        self, source: Weighed, outlooks: Outlooks, at: VenueMoment, pace_ms: int, room: int | None
    ) -> Mapping[MarketKey, ReadError]:
        """Read the prices of the markets and revalue everyone; return the markets that cannot be read.

        Where a market can be seen for less, it is read only as often as it has to be, or when what was seen would
        change what is said of anybody; that often no more than `room` weight allows. Raises ReadError when none can be
        read, or the venue only repeats what it said before.
        """
        keys = await self.listing.keys(source, at)
        seen, moments = dict[MarketKey, ReadError](), list[At]()
        due = [key for key in keys if self._is_due(key, pace_ms)]
        for key in sorted(set(keys) - set(due)):
            try:
                moments.append(await self._glimpsed(source, key, due))
            except ReadError as e:
                seen[key] = e
        found = await self.listing.read(source, [key for key in due if room is None or source.weight <= room], at)
        unread = seen | {key: one for key, one in found.items() if isinstance(one, ReadError)}
        markets = [one for one in found.values() if not isinstance(one, ReadError)]
        if unread and not markets and not moments:
            self.listing.outdate()
            raise next(iter(unread.values()))
        self._refuse_old([*moments, *(market.at for market in markets)])
        await self._take_markets(markets, await outlooks.each(source, markets, at) if markets else [])
        for key in unread:
            self._of(key).market = None
        return unread

    def _of(self, key: MarketKey) -> Holdings:
        if key not in self.holdings:
            self.holdings[key] = Holdings.of(key, self.target.owners, self.known.get(key, {}))
        self.holdings[key].want(key, self.target.owners)
        return self.holdings[key]

    def _is_due(self, key: MarketKey, pace_ms: int) -> bool:
        """Whether a market has to be read, since seeing it would not do."""
        here = self.holdings.get(key)
        if here is None or here.market is None or not isinstance(self.target.adapter, Glimpses):
            return True
        is_calm = all(one.level < Level.CRITICAL for one in here.owned.values())
        most_ms = CALM_NEWS_MS if is_calm else NEWS_MS
        return is_over_by_next(here.seen_ms, self.clock.monotonic_ms(), pace_ms, most_ms)

    async def _glimpsed(self, source: Weighed, key: MarketKey, due: list[MarketKey]) -> At:
        """See a market roughly, add it to those to read where that would move anybody, and return of when it was."""
        here, adapter = self.holdings[key], self.target.adapter
        if not isinstance(adapter, Glimpses) or here.market is None:
            raise ReadError(f"expected market {key} to have been read before")
        rough: Market = await source.read(adapter.glimpse(here.market), here.market.at)
        standings = (standing for _, standing in here.standings)
        while some := list(islice(standings, _PER_STEP)):
            if here.is_moved_by(adapter, rough, some):
                due.append(key)
                break
            await others_first()
        return rough.at

    async def _take_markets(self, markets: Sequence[Market], outlooks: Sequence[Outlook]) -> None:
        for market, outlook in zip(markets, outlooks, strict=True):
            here = self._of(market.key)
            here.market, here.outlook, here.seen_ms = market, outlook, self.clock.monotonic_ms()
            await self._revalue(here)

    def _refuse_old(self, moments: Sequence[At]) -> None:
        if moments:
            self.news.answered(max(time_ms(at) for at in moments))
        if moments and self.news.is_stale:
            age_s = (self.news.age_ms or 0) // 1000
            raise ReadError(f"expected prices of now, found the venue repeating those of {age_s} s ago")

    async def _revalue(self, holdings: Holdings) -> None:
        standings = (standing for _, standing in holdings.standings)
        while some := list(islice(standings, _PER_STEP)):
            holdings.value(self.target.adapter, some)
            await others_first()
