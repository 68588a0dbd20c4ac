"""The keeper's list from memory: everyone of whole markets who may be below a line, exact at the book's block."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from monitor.clock import Clock
from monitor.courtesy import others_first
from monitor.cycle.answers.apart import Apart
from monitor.cycle.answers.market import MarketState, market_state
from monitor.cycle.answers.shocked import Scene, Shocked, StressedMarket, repriced, stressed
from monitor.cycle.answers.spread import Spread, spread
from monitor.cycle.answers.watched import Watched, is_of
from monitor.cycle.book import Book
from monitor.cycle.shocks.levels import Curve, levels
from monitor.cycle.whole import Whole
from monitor.domain.alerts import Level
from monitor.domain.health import Unmeasurable
from monitor.domain.ids import Address, PositionId, PositionKey
from monitor.domain.row import Evaluation, row
from monitor.errors import LedgerError
from monitor.ledger.columns import Rows, rows_of
from monitor.risk.factors import Asset
from monitor.risk.model import RiskModel
from monitor.risk.moves import Shock
from monitor.rules.levels import Levels
from monitor.rules.quiet import unremarkable
from monitor.rules.reading import reading
from monitor.rules.state import PositionState, time_s
from monitor.screen.select import Near, near
from monitor.store import AtRisk, Page, PositionView, Sort, Store
from monitor.store.paging import Place, decode, encode, place, sort_key
from monitor.store.records import nearness_record, quote_record, remedy_record

_AT_ONCE = 200
_VIEWS_PER_TURN = 5
_GLANCE_WAD, _FULL_WAD = 0, 2**200


@dataclass(slots=True)
class _Memo:
    """What is worked out of a book at one version of it: evaluations, at a glance and in full, and memories."""

    version: int
    glances: dict[PositionKey, Evaluation] = field(default_factory=dict)
    full: dict[PositionKey, Evaluation] = field(default_factory=dict)
    states: dict[PositionId, PositionState | None] = field(default_factory=dict)


@dataclass(slots=True)
class Board:
    """Answers what the store's views answer, from the books where they stand, and from the store for all else.

    A deployment that could not be read last is answered from the store, where its positions are unmeasurable.
    """

    wholes: Sequence[Whole]
    store: Store
    clock: Clock
    watched: Watched | None = None
    _memos: dict[Book, _Memo] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _apart: Apart = field(init=False)

    def __post_init__(self) -> None:
        self._apart = Apart(self.clock)

    @property
    def stamp(self) -> tuple[int, ...]:
        """Another one whenever an answer may be another, but for its age."""
        books = (book for whole in self.wholes for book in whole.books.values())
        return self.store.commits, *(book.version if book.outlook is not None else -1 for book in books)

    async def at_risk(
        self, wanted: AtRisk, sort: Sort = Sort.HEALTH, cursor: str | None = None, limit: int = 100
    ) -> Page[PositionView]:
        """Return positions with debt, worst first, as `Views.at_risk` does; raises UsageError for a strange cursor.

        Without a line, of whole markets only those are listed whom some class of positions may call a level.
        """
        after = ("", "") if cursor is None else decode(cursor, sort.value)
        async with self._turn:
            standing = [whole for whole in self.wholes if _stands(whole)]
            names = [whole.target.deployment.name for whole in standing]
            page = await self.store.views.at_risk(wanted, sort, cursor, limit, names)
            found = list(page.items)
            for whole in standing:
                for book in whole.books.values() if is_of(whole.target.deployment, wanted) else ():
                    found += await self._listed(whole, book, wanted, sort, after, limit)
        found.sort(key=lambda view: (view.sort_key, str(view.id)))
        shown = tuple(found[:limit])
        if not shown or (len(found) <= limit and page.next is None):
            return Page(shown, None)
        return Page(shown, encode(sort.value, shown[-1].sort_key, str(shown[-1].id)))

    async def position(self, position: PositionId) -> PositionView | None:
        """Return one position as it is now, None when it is not known here."""
        whole = next((w for w in self.wholes if w.target.deployment.name == position.deployment), None)
        if whole is None or not _stands(whole) or position.market not in whole.books:
            return await self.store.views.position(position)
        async with self._turn:
            book = whole.books[position.market]
            try:
                shown = await self._shown(whole, book, [position.key], Sort.HEALTH)
            except LedgerError:
                shown = []
        return shown[0][1] if shown else await self.store.views.position(position)

    async def positions_of(self, owner: Address) -> tuple[PositionView, ...]:
        """Return all positions of an owner as they are now, worst first."""
        async with self._turn:
            standing = {whole.target.deployment.name: whole for whole in self.wholes if _stands(whole)}
            found = [one for one in await self.store.views.positions_of(owner) if one.id.deployment not in standing]
            for whole in standing.values():
                for book in whole.books.values():
                    try:
                        rows = book.journal.ledger.owned(owner)
                    except LedgerError:
                        continue
                    keys = book.journal.ledger.keys(rows)
                    found += [view for _, view in await self._shown(whole, book, keys, Sort.HEALTH)]
        return tuple(sorted(found, key=lambda view: (view.sort_key, str(view.id))))

    def books(self, wanted: AtRisk) -> Iterator[tuple[Whole, Book]]:
        """Yield the markets followed as a whole that could be read last and are wanted."""
        for whole in self.wholes:
            if _stands(whole) and is_of(whole.target.deployment, wanted):
                for book in whole.books.values():
                    yield whole, book

    async def markets(self, wanted: AtRisk) -> list[MarketState]:
        """Return the wanted markets as they stand; each is worked out once a block."""
        several = list(self.books(wanted))
        return [await self._apart.of(book, "market", market_state) for _, book in several]

    async def repriced(self, position: PositionId, shocks: Sequence[Shock]) -> Shocked | None:
        """Return a position under shocks, None where it is not known of whole markets and not watched, or unread.

        Raises UsageError for a shock that means nothing there.
        """
        for whole, book in self.books(AtRisk(deployment=position.deployment)):
            if book.market.key == position.market:
                try:
                    return repriced(Scene.of_book(book, whole.outlooks.risk), position.key, shocks)
                except LedgerError:
                    return None
        return None if self.watched is None else self.watched.repriced(position, shocks)

    async def assets(self, position: PositionId) -> tuple[Asset, ...]:
        """Return what moves by itself in a position's market, none where that is not known."""
        for whole, book in self.books(AtRisk(deployment=position.deployment)):
            if book.market.key == position.market and whole.outlooks.risk is not None:
                return await self._apart.of(book, "assets", partial(_assets, model=whole.outlooks.risk))
        return ()

    async def spreads(self, wanted: AtRisk, edges_wad: Sequence[int]) -> list[Spread]:
        """Return how healths are spread in the wanted markets."""
        key = ("spread", tuple(edges_wad))
        several = list(self.books(wanted))
        return [await self._apart.of(book, key, partial(spread, edges_wad=edges_wad)) for _, book in several]

    async def stressed(self, wanted: AtRisk, shocks: Sequence[Shock], most: int) -> list[StressedMarket]:
        """Return the wanted markets in which the shocks mean something; raises UsageError without a risk model."""
        found, key = list[StressedMarket](), ("stress", tuple(shocks), most)
        for whole, book in list(self.books(wanted)):
            work = partial(_stressed, model=whole.outlooks.risk, shocks=shocks, most=most)
            found.append(await self._apart.of(book, key, work))
        return [one for one in found if one.totals.ratios_ppm]

    async def curves(self, wanted: AtRisk, asset: str, ratios_ppm: Sequence[int]) -> list[Curve]:
        """Return what is liquidatable at each price of an asset in the wanted markets."""
        found, key = list[Curve](), ("levels", asset, tuple(ratios_ppm))
        for whole, book in list(self.books(wanted)):
            work = partial(_curves, model=whole.outlooks.risk, ratios_ppm=ratios_ppm, asset=asset)
            found += await self._apart.of(book, key, work)
        return found

    async def _listed(
        self, whole: Whole, book: Book, wanted: AtRisk, sort: Sort, after: tuple[str, str], limit: int
    ) -> list[PositionView]:
        """Return the first of a book's wanted positions in the order, one more than the limit where there are so many.

        By health they are looked for in the order of their intervals, in other orders among all below the line.
        """
        near = _near(whole, book, wanted)
        is_full = sort in (Sort.DISTANCE, Sort.PROFIT) or wanted.needs_search
        found = list[tuple[str, str, PositionKey]]()
        for start in range(0, len(near.rows), _AT_ONCE):
            some = near.rows[start : start + _AT_ONCE]
            for seen in await self._evaluated(whole, book, some, is_full=is_full):
                where, position = place(seen), seen.protocol.id
                if where.fits(wanted) and (where.key(sort), str(position)) > after:
                    found.append((where.key(sort), str(position), position.key))
            least_wad = near.least_wad(start + len(some))
            if sort is Sort.HEALTH and len(found) > limit and least_wad is not None:
                found.sort()
                if found[limit][0] < sort_key(least_wad):
                    break
        found.sort()
        seen_again = await self._shown(whole, book, [key for _, _, key in found[: limit + 1]], sort)
        return [view for where, view in seen_again if where.fits(wanted)]

    async def _evaluated(self, whole: Whole, book: Book, rows: Rows, *, is_full: bool) -> list[Evaluation]:
        """Return the exact evaluations of rows, each made once a block."""
        memo, keys = self._memo(book), book.journal.ledger.keys(rows)
        known = memo.full if is_full else memo.glances
        missing = rows_of(number for number, key in zip(rows.tolist(), keys, strict=True) if key not in known)
        async for seen in whole.assessed(book, missing, _FULL_WAD if is_full else _GLANCE_WAD):
            known[seen.protocol.id.key] = seen
        return [known[key] for key in keys]

    async def _shown(
        self, whole: Whole, book: Book, keys: Sequence[PositionKey], sort: Sort
    ) -> list[tuple[Place, PositionView]]:
        """Return the positions in full; the book may have come to another block since they were found."""
        memo = self._memo(book)
        evaluations = await self._evaluated(whole, book, book.rows_of(keys), is_full=True)
        unknown = [seen.protocol.id for seen in evaluations if seen.protocol.id not in memo.states]
        if unknown:
            memo.states |= dict.fromkeys(unknown) | await self.store.states(unknown)
        now_s, shown = self.clock.wall_s(), list[tuple[Place, PositionView]]()
        for turn, seen in enumerate(evaluations):
            if turn % _VIEWS_PER_TURN == 0:
                await others_first()
            shown.append((place(seen), _view(seen, memo.states[seen.protocol.id], whole.levels, now_s, sort)))
        return shown

    def _memo(self, book: Book) -> _Memo:
        memo = self._memos.get(book)
        if memo is None or memo.version != book.version:
            memo = self._memos[book] = _Memo(book.version)
        return memo


def _curves(book: Book, *, model: RiskModel | None, ratios_ppm: Sequence[int], asset: str) -> list[Curve]:
    return levels(Scene.of_book(book, model).screened, ratios_ppm, asset)


def _assets(book: Book, *, model: RiskModel) -> tuple[Asset, ...]:
    movable = Scene.of_book(book, model).screened.movable
    return () if movable is None else movable.assets


def _stressed(book: Book, *, model: RiskModel | None, shocks: Sequence[Shock], most: int) -> StressedMarket:
    return stressed(Scene.of_book(book, model), shocks, most)


def _stands(whole: Whole) -> bool:
    return bool(whole.books) and all(book.outlook is not None for book in whole.books.values())


def _near(whole: Whole, book: Book, wanted: AtRisk) -> Near:
    stale = book.journal.ledger.stale()
    if wanted.health_below_wad is not None:
        return near((book.protocol,), wanted.health_below_wad, stale)
    usual = unremarkable(whole.levels, whole.adapter.kind)
    return near(book.views, usual.above_wad or 0, stale)


def _view(seen: Evaluation, state: PositionState | None, levels: Levels, now_s: int, sort: Sort) -> PositionView:
    """Return the view; its level is at least what the evaluation says, which the rules are about to commit."""
    position, where, now = seen.protocol, place(seen), reading(seen, levels)
    level = Level.OK if state is None else state.level
    level = max((one for one in (level, now.level) if one is not None), default=None)
    held = None if level is None else level.name
    is_unknown = isinstance(position.health, Unmeasurable) or now.unknown is not None or (state and state.is_unknown)
    return PositionView(
        id=position.id,
        sort_key=where.key(sort),
        row=row(seen),
        age_s=max(now_s - time_s(position.at), 0),
        is_unpriced=where.debt_cents is None,
        level="UNKNOWN" if is_unknown else held,
        last_level=held,
        driver=None if state is None else state.driver.value,
        incident=None if state is None or state.incident is None else state.incident.id,
        quote=None if seen.quote is None else quote_record(seen.quote),
        remedy=None if seen.remedy is None else remedy_record(seen.remedy),
        time_to_liquidation_s=seen.time_to_liquidation_s,
        nearness=None if seen.nearness is None else nearness_record(seen.nearness),
    )
