"""The lists that are looked at: each is worked out once a change for all who look, and never without a pause."""

import asyncio
from collections import OrderedDict, deque

from monitor.client.wire.asked import AtRiskQuestion
from monitor.cycle.answers.asking import wanted
from monitor.cycle.board import Board
from monitor.dashboard.listed import Line, line
from monitor.dashboard.live.version import Version, differing
from monitor.store import Sort

_RECENT, _BEFORE = 32, 3
_PAUSE_MS, _LATE_MS, _PAUSES = 1_000, 10_000, 4
_AT_ONCE = 5


class Lists:
    """Versions of lists by what was asked, the latest few of each.

    After a version that took long all wait four times as long, so that lists take a fifth of the time at most, however
    many are looked at; nobody is given one that is out of date for more than ten seconds.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._kept: OrderedDict[AtRiskQuestion, deque[Version]] = OrderedDict()
        self._differences = OrderedDict[tuple[str, str], bytes]()
        self._turn = asyncio.Lock()
        self._rest_until_ms = 0

    def is_newest(self, version: Version) -> bool:
        """Whether nothing has changed since a version was made."""
        return version.stamp == self._board.stamp

    async def newest(self, asked: AtRiskQuestion) -> Version:
        """Return the newest version there may be now; raises UsageError for a cursor of another list, StoreError."""
        found = self._good(asked)
        if found is not None:
            return found
        async with self._turn:
            return self._good(asked) or await self._made(asked)

    def known(self, asked: AtRiskQuestion, tag: str) -> Version | None:
        """Return the version of a tag, None where it is forgotten."""
        return next((one for one in self._kept.get(asked, ()) if one.tag == tag), None)

    def differing(self, before: Version | None, after: Version) -> bytes:
        """Return what turns one version into another, written once for all who know the first."""
        if before is None:
            return differing(None, after)
        names = before.tag, after.tag
        if names not in self._differences:
            self._differences[names] = differing(before, after)
            if len(self._differences) > _RECENT:
                self._differences.popitem(last=False)
        return self._differences[names]

    async def _made(self, asked: AtRiskQuestion) -> Version:
        board, clock = self._board, self._board.clock
        stamp, started_ms = board.stamp, clock.monotonic_ms()
        page = await board.at_risk(wanted(asked), Sort(asked.sort), asked.cursor, asked.limit)
        lines = dict[str, Line]()
        for start in range(0, len(page.items), _AT_ONCE):
            lines |= {str(view.id): line(view) for view in page.items[start : start + _AT_ONCE]}
            await asyncio.sleep(0)
        now_ms = clock.monotonic_ms()
        self._rest_until_ms = now_ms + _PAUSES * (now_ms - started_ms)
        made = Version(asked, stamp, lines, page.next, now_ms)
        kept = self._kept.setdefault(asked, deque(maxlen=_BEFORE))
        if kept and kept[-1].tag == made.tag:
            kept.pop()
        kept.append(made)
        self._kept.move_to_end(asked)
        if len(self._kept) > _RECENT:
            self._kept.popitem(last=False)
        return made

    def _good(self, asked: AtRiskQuestion) -> Version | None:
        """Return the latest version if nothing has changed, or it is not time yet for the next."""
        kept = self._kept.get(asked)
        if not kept:
            return None
        latest, now_ms = kept[-1], self._board.clock.monotonic_ms()
        age_ms, is_resting = now_ms - latest.made_ms, now_ms < self._rest_until_ms
        may_wait = age_ms < _PAUSE_MS or (is_resting and age_ms < _LATE_MS)
        return latest if may_wait or self.is_newest(latest) else None
