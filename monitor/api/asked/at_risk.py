"""The keeper's list: pages of positions at risk, rendered once for all who ask, with a tag of what they say."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from monitor.api.asked.positions import position_answer
from monitor.api.route import Route, Tagged
from monitor.client.wire.asked import AtRiskQuestion
from monitor.client.wire.position import PositionPage
from monitor.clock import Clock
from monitor.courtesy import others_first
from monitor.cycle.answers.asking import wanted
from monitor.errors import StoreError, UsageError
from monitor.store import AtRisk, Page, PositionView, Sort

_RECENT = 64
_HOT_MS = 10_000
_LOOK_S = 0.02
_LATE_MS = 10_000
"""How long a page may stand for the next one while that is worked out: as long as a commit may lag in a crash."""
_AT_ONCE = 5
_AGE = b'"age_s":0,'

Stamp = tuple[int, ...]


class Lists(Protocol):
    """Who knows positions at risk: the store's views, or the books where they stand."""

    async def at_risk(
        self, wanted: AtRisk, sort: Sort = ..., cursor: str | None = ..., limit: int = ...
    ) -> Page[PositionView]:
        """Return positions with debt, worst first; raises UsageError for a cursor of another list."""
        ...

    @property
    def stamp(self) -> Stamp | None:
        """Another one whenever answers may be others, but for their age; None where that is not known."""
        ...


@dataclass(frozen=True, slots=True)
class Rendered:
    """A page as bytes around the ages of its rows, which alone change from second to second."""

    stamp: Stamp | None
    rows: tuple[tuple[bytes, int, bytes], ...]
    end: bytes
    tag: str

    def at(self, now_s: int) -> bytes:
        """Return the page as of a second."""
        rows = (b'%b"age_s":%d,%b' % (head, max(now_s - at_s, 0), tail) for head, at_s, tail in self.rows)
        return b'{"items":[' + b",".join(rows) + self.end


class Pages:
    """The pages that were asked for lately; `run` it, so that they are worked out anew before somebody asks again.

    A page that is out of date is given for as long as the next one is being worked out, ten seconds at most: its rows
    name their block.
    """

    def __init__(self, listed: Lists, clock: Clock) -> None:
        self._listed, self._clock = listed, clock
        self._pages: OrderedDict[AtRiskQuestion, Rendered] = OrderedDict()
        self._asked_ms: dict[AtRiskQuestion, int] = {}
        self._right_ms: dict[AtRiskQuestion, int] = {}
        self._turn = asyncio.Lock()

    async def of(self, query: AtRiskQuestion) -> Tagged:
        """Return the page as of this second; raises HTTPConflict for a cursor of another list."""
        now_ms = self._clock.monotonic_ms()
        page = self._pages.get(query)
        if page is None or self._is_late(query, page):
            async with self._turn:
                # Whoever waited takes what was made meanwhile: each making it anew would never end.
                page = self._pages.get(query)
                if page is None or self._is_late(query, page):
                    page = await self._made(query)
        self._asked_ms[query] = now_ms
        return Tagged(page.at(self._clock.wall_s()), page.tag)

    async def run(self) -> None:
        """Keep the pages in demand up to date, until cancelled."""
        while True:
            await self._clock.sleep(_LOOK_S)
            now_ms = self._clock.monotonic_ms()
            for query, page in list(self._pages.items()):
                if now_ms - self._asked_ms.get(query, 0) > _HOT_MS:
                    self._forget(query)
                elif self._is_late(query, page, 0):
                    await self._again(query)

    async def _again(self, query: AtRiskQuestion) -> None:
        async with self._turn:
            try:
                await self._made(query)
            except (web.HTTPConflict, StoreError):
                self._forget(query)

    def _is_late(self, query: AtRiskQuestion, page: Rendered, late_ms: int = _LATE_MS) -> bool:
        """Whether a page has been out of date for longer than that; how long it was right before does not count."""
        now_ms = self._clock.monotonic_ms()
        if page.stamp is not None and page.stamp == self._listed.stamp:
            self._right_ms[query] = now_ms
            return False
        return now_ms - self._right_ms.get(query, 0) >= late_ms

    def _forget(self, query: AtRiskQuestion) -> None:
        for known in (self._pages, self._asked_ms, self._right_ms):
            known.pop(query, None)

    async def _made(self, query: AtRiskQuestion) -> Rendered:
        stamp, begun_ms = self._listed.stamp, self._clock.monotonic_ms()
        try:
            page = await self._listed.at_risk(wanted(query), Sort(query.sort), query.cursor, query.limit)
        except UsageError as e:
            raise web.HTTPConflict(text=str(e)) from e
        rows = list[tuple[bytes, int, bytes]]()
        for start in range(0, len(page.items), _AT_ONCE):
            rows += map(_row, page.items[start : start + _AT_ONCE])
            await others_first()
        end = PositionPage(items=(), next=page.next).written.removeprefix(b'{"items":[')
        made = Rendered(stamp, tuple(rows), end, _tag(rows, end))
        if stamp is not None:
            self._pages[query], self._right_ms[query] = made, begun_ms
            if len(self._pages) > _RECENT:
                self._forget(next(iter(self._pages)))
        return made


def at_risk_route(pages: Pages) -> Route:
    """Return the route."""

    async def at_risk(query: AtRiskQuestion) -> Tagged:
        """List positions with debt, the worst first.

        A cursor goes on after the last item of its page whatever has moved since: what keeps its place in the order is
        neither repeated nor left out. A cursor of another order, or none of ours, is a conflict. The `ETag` changes
        when anything but the ages does.
        """
        return await pages.of(query)

    return Route("/v1/at-risk", at_risk, problems=(409,), gives=PositionPage)


def _row(view: PositionView) -> tuple[bytes, int, bytes]:
    answer = position_answer(view)
    head, _, tail = answer.model_copy(update={"age_s": 0}).model_dump_json().encode().partition(_AGE)
    return head, answer.at_time, tail


def _tag(rows: Iterable[tuple[bytes, int, bytes]], end: bytes) -> str:
    digest = hashlib.blake2b(end, digest_size=12)
    for head, _, tail in rows:
        digest.update(head)
        digest.update(tail)
    return digest.hexdigest()
