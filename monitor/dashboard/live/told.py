"""A list as it changes, told to one page: what differs, and every few seconds that nothing does."""

import asyncio
from dataclasses import dataclass

import orjson

from monitor import log
from monitor.clock import Clock
from monitor.dashboard.inside import Looker, Send
from monitor.dashboard.live.lists import Lists
from monitor.dashboard.live.version import Version
from monitor.errors import StoreError

BEAT_MS = 5_000
LIFE_MS = 600_000
_LOOK_S = 0.25


@dataclass(slots=True)
class Told:
    """What one page knows, and how it learns the rest.

    `closing` is set when the service stops.
    """

    lists: Lists
    clock: Clock
    looker: Looker
    closing: asyncio.Event

    async def run(self, send: Send, known: Version | None, first: Version) -> None:
        """Tell the first version and all that follow, until ten minutes are over or whoever looks may no longer."""
        started_ms = beat_ms = self.clock.monotonic_ms()
        await send(b"retry: 1000\n\n")
        if known is None or known.tag != first.tag:
            await send(self._event(known, first))
        await send(self._beat(first))
        shown = first
        while not self.closing.is_set() and self.clock.monotonic_ms() - started_ms < LIFE_MS:
            await self.clock.sleep(_LOOK_S)
            version = await self._newest(shown)
            if version.tag != shown.tag:
                await send(self._event(shown, version))
            shown = version
            if self.clock.monotonic_ms() - beat_ms >= BEAT_MS:
                if not await self.looker.admits():
                    break
                await send(self._beat(shown))
                beat_ms = self.clock.monotonic_ms()
        await send(b"event: again\ndata: {}\n\n")

    async def _newest(self, shown: Version) -> Version:
        try:
            return await self.lists.newest(shown.asked)
        except StoreError as e:
            log.get("dashboard").warning("a list stays as it is", reason=str(e))
            return shown

    def _event(self, before: Version | None, after: Version) -> bytes:
        return b"id: %b\nevent: rows\ndata: %b\n\n" % (after.tag.encode(), self.lists.differing(before, after))

    def _beat(self, shown: Version) -> bytes:
        """Write the time, and until when the page is known to be right."""
        now_s = self.clock.wall_s()
        late_ms = 0 if self.lists.is_newest(shown) else self.clock.monotonic_ms() - shown.made_ms
        return b"event: beat\ndata: %b\n\n" % orjson.dumps({"now": now_s, "right": now_s - late_ms // 1000})
