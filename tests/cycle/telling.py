"""Follows a devnet market and tells its events, as the loop does, with commits that fail and restarts at will."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monitor.cycle.backfill import Archive
from monitor.cycle.book import Book
from monitor.cycle.events import Events
from monitor.cycle.follow import Brought, follow
from monitor.cycle.head import HeadLoop
from monitor.cycle.whole import Whole
from monitor.domain.alerts import Alert, AlertKind, Notice
from monitor.domain.ids import PositionId, PositionKey
from monitor.domain.moment import BlockRef
from monitor.errors import NoEndpoint
from monitor.ledger.journal import Journal
from monitor.store import Commit, Cursor, Store
from monitor.units import decimal_text
from tests.cycle.test_whole_market import followed
from tests.devnet import Market
from tests.devnet.aave.market import LIQUIDATION_CALL
from tests.devnet.chain.codec import address_of

SETTLED_AFTER = 4


@dataclass
class Teller:
    """Follows one market and tells its events; `turn` is what the loop does at a head."""

    market: Market
    loop: HeadLoop
    store: Store
    whole: Whole
    book: Book
    events: Events
    settled: int | None = None
    concerned: Sequence[PositionKey] = ()
    alerts: list[Alert] = field(default_factory=list)

    async def turn(self, *, commits: bool = True) -> list[Alert]:
        """Bring the book to the newest block, tell what is to be told, and commit it or fail to."""
        head = await self._head()
        if head.hash != self.book.journal.at.hash:
            (brought,) = (await follow(self.loop.chain, [self.book], head, self.loop.outlooks)).values()
            assert isinstance(brought, Brought), brought
            self.events.take(self.book, brought)
        await self.events.catch_up(self.whole.chain, self.book)
        return await self.tell(commits=commits)

    async def tell(self, *, commits: bool = True) -> list[Alert]:
        at = self.book.journal.at
        self.settled = max(self.settled or 0, at.number - SETTLED_AFTER)
        telling = await self.events.told(
            self.book, self.settled, self.whole.levels, self.whole.target_wad, self.concerned
        )
        if not commits:
            return []
        target = self.book.target.deployment
        notices = [Notice(alert) for alert, _ in telling.alerts]
        cursor = Cursor(target.name, target.protocol, target.chain, at)
        parts = self.whole.parts(at)
        await self.store.commit(Commit(cursor, notices=notices, ledgers=parts, events=[telling.part]))
        self.events.committed(telling)
        self.alerts += [alert for alert, _ in telling.alerts]
        return [alert for alert, _ in telling.alerts]

    async def restart(self, *, is_kept: bool = True) -> None:
        """Begin again with what is stored; the ledger may be lost."""
        if is_kept:
            journal = await self.store.ledger(self.whole.target.deployment.name, self.book.market.key, 7)
            assert isinstance(journal, Journal), journal
            read = self.whole.adapter.market(self.book.market.deployment, self.book.market.key)
            market = await self.whole.chain.read(read, journal.at)
            self.book = self.whole.books[market.key] = self.whole.opening.book(market, journal, ())
            self.book.see(await self.loop.outlooks.of(self.loop.chain, market, journal.at))
        else:
            built = (await self.whole.rebuild([self.book.market.key]))[self.book.market.key]
            assert isinstance(built, Book), built
            self.book = built
        self.events = await Events.stored(self.store, self.book)

    async def _head(self) -> BlockRef:
        head = await asyncio.to_thread(self.market.chain.head)
        while (at := await self.loop.chain.wait_for_head(None, 1)).hash != head.hash:
            assert at.number <= head.number
        return at

    def told(self, kind: AlertKind) -> list[Alert]:
        return [alert for alert in self.alerts if alert.kind is kind]


@dataclass
class Forgetful:
    """A chain that has no logs of the past."""

    chain: Archive

    def __getattr__(self, name: str) -> Any:
        return getattr(self.chain, name)

    async def logs(self, *_: Any) -> AsyncIterator[Any]:
        for nothing in list[Any]():
            yield nothing
        raise NoEndpoint("no endpoint keeps the past")


@asynccontextmanager
async def telling(market: Market, folder: Path) -> AsyncIterator[Teller]:
    async with followed(market, folder) as (loop, store):
        (whole,) = loop.wholes.values()
        head = await loop.chain.wait_for_head(None, 1)
        await whole.ready(head)
        (book,) = whole.books.values()
        book.see(await loop.outlooks.of(loop.chain, book.market, book.journal.at))
        yield Teller(market, loop, store, whole, book, await Events.stored(store, book))


def on_chain(market: Market, last: int) -> list[tuple[str, ...]]:
    """Return every liquidation up to a block as the chain's own logs say it, in words cut by hand."""
    wanted = {"address": market.deployed.pool, "fromBlock": "0x0", "toBlock": hex(last), "topics": [LIQUIDATION_CALL]}
    units = {r.token.lower(): len(str(r.unit)) - 1 for r in market.deployed.reserves}
    found = []
    for entry in market.chain.rpc.request("eth_getLogs", wanted):
        collateral, debt, user = (address_of(topic) for topic in entry["topics"][1:])
        words = [int(entry["data"][i : i + 64], 16) for i in range(2, len(entry["data"]), 64)]
        found.append(
            (
                user,
                entry["transactionHash"],
                str(int(entry["blockNumber"], 16)),
                decimal_text(words[1], units[collateral]),
                decimal_text(words[0], units[debt]),
                f"0x{words[2]:040x}",
            )
        )
    return sorted(found)


def key_of(alert: Alert) -> PositionKey:
    """Return whose alert it is."""
    assert isinstance(alert.position, PositionId)
    return alert.position.key


def as_told(alerts: Sequence[Alert]) -> list[tuple[str, ...]]:
    """Return the same of alerts."""
    return sorted(
        (
            key_of(alert),
            alert.facts["transaction"],
            alert.facts["event_block"],
            *(json.loads(alert.facts[name])[0]["amount"] for name in ("seized", "repaid")),
            alert.facts["liquidator"],
        )
        for alert in alerts
    )
