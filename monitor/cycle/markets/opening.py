"""Opens the books of markets: those the store has kept, and the others built from the chain by one search for all."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor import log
from monitor.adapter import Followed, Market
from monitor.cycle.backfill import Archive, Backfill, Cursor
from monitor.cycle.book import Book
from monitor.cycle.markets.listing import Listing
from monitor.cycle.markets.reads import each
from monitor.cycle.step import Target, owners_of
from monitor.domain.ids import MarketKey, PositionKey
from monitor.domain.moment import BlockRef
from monitor.errors import ReadError
from monitor.ledger.accounts import Accounts
from monitor.ledger.changes import Changes
from monitor.ledger.journal import Journal
from monitor.ledger.ledger import Ledger
from monitor.screen.kernel import Kernel
from monitor.store import NotKept, Store

Kept = Mapping[MarketKey, Sequence[PositionKey]]
"""By market, the positions of which something is remembered."""
_OUT_OF_REACH = "its block is out of reach"

_log = log.get("cycle")


@dataclass(frozen=True, slots=True)
class Opening:
    """What the books of one deployment are opened with. Nothing is said of whoever is above `usual_wad`."""

    target: Target
    adapter: Followed[Market]
    chain: Archive
    store: Store
    listing: Listing
    start_block: int
    kernel: Kernel
    usual_wad: int
    salt: int

    async def opened(self, keys: Sequence[MarketKey], kept: Kept) -> Mapping[MarketKey, Book | ReadError]:
        """Return the stored books, or those built from the chain where none is kept; one that fails as its error.

        Raises ReadError when the chain does not answer.
        """
        name, stored, absent = self.target.deployment.name, dict[MarketKey, Journal](), dict[MarketKey, str]()
        for key in keys:
            journal = await self.store.ledger(name, key, self.salt)
            if isinstance(journal, NotKept):
                absent[key] = journal.reason
            else:
                stored[key] = journal
        if absent:
            why = next(iter(absent.values()))
            _log.info("ledgers built anew", deployment=name, markets=len(absent), why=why)
        return {**await self._loaded(stored, kept), **await self.built(tuple(absent), kept)}

    async def _loaded(self, journals: Mapping[MarketKey, Journal], kept: Kept) -> Mapping[MarketKey, Book | ReadError]:
        """Return the books of stored ledgers.

        Where the state of its block cannot be asked for any more, everyone is read again at the next head.
        """
        books, apart = dict[MarketKey, Book | ReadError](), dict[MarketKey, Journal]()
        by_block = defaultdict[BlockRef, list[MarketKey]](list)
        for key, journal in journals.items():
            by_block[journal.at].append(key)
        for at, some in by_block.items():
            try:
                markets = await self._markets(some, at)
            except ReadError as e:
                markets = dict.fromkeys(some, e)
            for key, market in markets.items():
                if isinstance(market, ReadError):
                    _log.info("everyone read anew", market=key, block=at.number, why=str(market))
                    apart[key] = journals[key]
                else:
                    books[key] = self.book(market, journals[key], kept.get(key, ()))
        if not apart:
            return books
        for key, market in (await self._markets(tuple(apart), await self.chain.head())).items():
            if isinstance(market, ReadError):
                books[key] = market
                continue
            journal, ledger = apart[key], apart[key].ledger
            untold = [(one, _OUT_OF_REACH) for one in ledger.keys(ledger.live())]
            journal.apply(Changes(journal.at, Accounts.of((), ledger.key_bytes, failed=untold)))
            books[key] = self.book(market, journal, kept.get(key, ()))
        return books

    async def built(self, keys: Sequence[MarketKey], kept: Kept) -> Mapping[MarketKey, Book | ReadError]:
        """Return books built from the chain, by one search for all; raises ReadError when it does not answer."""
        if not keys:
            return {}
        deployment, owners, adapter = self.target.deployment, self.target.owners, self.adapter
        head, done = await self.chain.head(), dict[MarketKey, Book | ReadError]()
        markets = dict[MarketKey, Market]()
        for key, market in (await self._markets(keys, head)).items():
            if isinstance(market, ReadError):
                done[key] = market
            else:
                markets[key] = market
        owned = await each(self.chain, [owners_of(adapter, market, owners) for market in markets.values()], head)
        starts, cursors = dict[MarketKey, int](), dict[MarketKey, Cursor]()
        for key, positions in zip(markets, owned, strict=True):
            if isinstance(positions, ReadError):
                done[key] = positions
            else:
                starts[key] = self.listing.first_block(key, self.start_block)
                cursors[key] = Cursor(starts[key], tuple(positions))
        for key, found in (await Backfill(self.chain, adapter, deployment, starts).run(cursors)).items():
            if isinstance(found, ReadError):
                done[key] = found
                continue
            ledger = Ledger(adapter.key_bytes, self.salt, has_owners=adapter.has_owners)
            for part in found.accounts:
                ledger.apply(Changes(found.at, part))
            missing = len(found.shortfalls)
            _log.info("ledger built", deployment=deployment.name, accounts=len(ledger), missing_totals=missing)
            done[key] = self.book(found.market, Journal(ledger, found.at), kept.get(key, ()))
        return done

    async def _markets(self, keys: Sequence[MarketKey], at: BlockRef) -> dict[MarketKey, Market | ReadError]:
        asks = [self.adapter.market(self.target.deployment, key) for key in keys]
        return dict(zip(keys, await each(self.chain, asks, at), strict=True))

    def book(self, market: Market, journal: Journal, kept: Sequence[PositionKey]) -> Book:
        """Return the book of a ledger that stands at the market's block."""
        return Book.of(self.target, self.adapter, market, journal, self.kernel, self.usual_wad, kept)
