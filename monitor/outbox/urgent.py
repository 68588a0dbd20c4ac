"""The outbox with what could not be stored on top: urgent messages that are owed from memory while the disk is full."""

import itertools
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Protocol

from monitor.domain.alerts import Notice, dedupe_key
from monitor.errors import StoreError
from monitor.store.queue import Deliverable, Look, Ripe


class Owed(Protocol):
    """What a lane takes messages from and tells what became of them; see `Queue`."""

    async def look(
        self,
        channel: str,
        limit: int,
        now_s: int,
        without: Sequence[int] = (),
        but_to: Sequence[str] = (),
        ripe: Ripe | None = None,
    ) -> Look: ...
    async def companions(
        self, head: Deliverable, limit: int, now_s: int, without: Sequence[int]
    ) -> list[Deliverable]: ...
    async def bind(self, messages: Sequence[Deliverable]) -> None: ...
    async def owed(self, channel: str, at_most: int) -> int: ...
    def claimed(self, messages: Sequence[Deliverable]) -> AbstractAsyncContextManager[set[int]]: ...
    async def mark_sent(self, messages: Sequence[Deliverable], now_s: int) -> None: ...
    async def defer(self, messages: Sequence[Deliverable], now_s: int, wait_s: int, why: str) -> None: ...
    async def reroute(self, messages: Sequence[Deliverable], now_s: int, why: str) -> str | None: ...


class Urgent:
    """Messages in memory, with ids below 0, before those of the stored outbox; each is sent from one of the two only.

    `accepted` are those that arrived and whose rows are not in the store yet. Rows that come to the store later are
    hidden while memory still owes them, and recorded as sent when memory has sent them.
    """

    def __init__(self, stored: Owed) -> None:
        self._stored = stored
        self._ids = itertools.count(-1, -1)
        self._owed: dict[int, Deliverable] = {}
        self._due_s: dict[int, tuple[int, int]] = {}
        self._taken: set[int] = set()
        self._unstored: set[str] = set()
        self._accepted: dict[str, Deliverable] = {}

    @property
    def accepted(self) -> tuple[Deliverable, ...]:
        """What arrived and is not in the store."""
        return tuple(self._accepted.values())

    def put(self, notices: Sequence[Notice], now_s: int) -> None:
        """Owe the messages of notices that the store did not take, each once."""
        for notice in notices:
            for recipient in notice.recipients:
                key = dedupe_key(recipient, notice.alert)
                if not recipient.routes or key in self._unstored:
                    continue
                self._unstored.add(key)
                one = Deliverable(
                    id=next(self._ids),
                    key=key,
                    alert=notice.alert,
                    recipient=recipient,
                    route_index=0,
                    attempts=0,
                    created_s=now_s,
                )
                self._drop(id_ for id_, older in self._owed.items() if _about(older) == _about(one))
                self._owed[one.id] = one

    def stored(self, keys: Sequence[str], recorded: Sequence[Deliverable]) -> None:
        """Leave to the store what it has taken: `keys` it owes from here on, `recorded` it knows to have arrived."""
        self._unstored -= {*keys}
        for message in recorded:
            self._accepted.pop(message.key, None)
        self._drop(id_ for id_, message in self._owed.items() if message.key not in self._unstored)

    async def look(
        self,
        channel: str,
        limit: int,
        now_s: int,
        without: Sequence[int] = (),
        but_to: Sequence[str] = (),
        ripe: Ripe | None = None,
    ) -> Look:
        """Return what is due, most severe first; with a store that cannot be read, what memory owes."""
        mine = {id_: one for id_, one in self._owed.items() if one.route.channel == channel}
        own = [
            message
            for id_, message in mine.items()
            if message.route.address not in but_to and id_ not in without and self._is_due(id_, now_s)
        ]
        try:
            stored = await self._from_store(channel, limit, now_s, without, but_to, ripe)
        except StoreError:
            if not own:
                raise
            stored = Look((), None)
        first = tuple(sorted((*own, *stored.due), key=_order)[:limit])
        self._taken |= {message.id for message in first if message.id < 0}
        later_s = [self._due_s[id_][0] for id_ in mine if not self._is_due(id_, now_s)]
        later_s += [] if stored.next_try_s is None else [stored.next_try_s]
        return Look(first, stored.newest_id, min(later_s, default=None))

    async def companions(self, head: Deliverable, limit: int, now_s: int, without: Sequence[int]) -> list[Deliverable]:
        """Return what may go out together with a message; one from memory goes alone."""
        if head.id < 0:
            return [head]
        found = await self._stored.companions(head, limit, now_s, without)
        return [message for message in found if message.id == head.id or not await self._is_done(message, now_s)]

    async def bind(self, messages: Sequence[Deliverable]) -> None:
        """Write down that the messages go out as one, where there is anything to write to."""
        if messages[0].id >= 0:
            await self._stored.bind(messages)

    async def owed(self, channel: str, at_most: int) -> int:
        """Return how many messages a channel owes, counted no further than `at_most`."""
        own = sum(message.route.channel == channel for message in self._owed.values())
        try:
            return min(own + await self._stored.owed(channel, at_most), at_most)
        except StoreError:
            if not own:
                raise
            return own

    @asynccontextmanager
    async def claimed(self, messages: Sequence[Deliverable]) -> AsyncIterator[set[int]]:
        """Give the ids of those messages that are still owed; until left, none can be withdrawn."""
        if messages[0].id >= 0:
            async with self._stored.claimed(messages) as still:
                yield still
        else:
            yield {message.id for message in messages if message.id in self._owed}

    async def mark_sent(self, messages: Sequence[Deliverable], now_s: int) -> None:
        """Record that the channel accepted the messages, as one; they are all stored or all in memory."""
        if messages[0].id >= 0:
            return await self._stored.mark_sent(messages, now_s)
        for message in messages:
            self._accepted[message.key] = message
            self._forget(message.id)
        return None

    async def defer(self, messages: Sequence[Deliverable], now_s: int, wait_s: int, why: str) -> None:
        """Record a failed try, and that the next one is so many seconds from now."""
        if messages[0].id >= 0:
            return await self._stored.defer(messages, now_s, wait_s, why)
        for message in messages:
            self._again(replace(message, attempts=message.attempts + 1), now_s, wait_s)
        return None

    async def reroute(self, messages: Sequence[Deliverable], now_s: int, why: str) -> str | None:
        """Record that the address refuses; return the channel the messages go on with, None when there is none."""
        if messages[0].id >= 0:
            return await self._stored.reroute(messages, now_s, why)
        following = messages[0].route_index + 1
        for message in messages:
            if following == len(message.recipient.routes):
                # Its row goes the same way once there is one, and is then dead.
                self._forget(message.id)
            else:
                self._again(replace(message, route_index=following, attempts=0), now_s, 0)
        return next((route.channel for route in messages[0].recipient.routes[following:]), None)

    async def _from_store(
        self,
        channel: str,
        limit: int,
        now_s: int,
        without: Sequence[int],
        but_to: Sequence[str],
        ripe: Ripe | None,
    ) -> Look:
        hidden = list(without)
        while True:
            found = await self._stored.look(channel, limit, now_s, hidden, but_to, ripe)
            kept = [message for message in found.due if not await self._is_done(message, now_s)]
            if len(kept) == len(found.due):
                return found
            hidden += [message.id for message in found.due]

    async def _is_done(self, message: Deliverable, now_s: int) -> bool:
        """Whether memory sent the message, still owes it, or has a newer one about the same."""
        if message.key in self._accepted and message.key not in self._unstored:
            await self._stored.mark_sent([message], now_s)
            del self._accepted[message.key]
            return True
        newer = (*self._owed.values(), *(own for key, own in self._accepted.items() if key in self._unstored))
        return any(_about(own) == _about(message) for own in newer)

    def _is_due(self, id_: int, now_s: int) -> bool:
        # As in the store: a deadline is never further ahead than its own wait.
        due_s, wait_s = self._due_s.get(id_, (now_s, 0))
        return due_s <= now_s or due_s > now_s + wait_s

    def _again(self, message: Deliverable, now_s: int, wait_s: int) -> None:
        self._taken.discard(message.id)
        if message.key in self._unstored:
            self._owed[message.id], self._due_s[message.id] = message, (now_s + wait_s, wait_s)
        else:
            self._forget(message.id)

    def _drop(self, ids: Iterable[int]) -> None:
        for id_ in [id_ for id_ in ids if id_ not in self._taken]:
            self._forget(id_)

    def _forget(self, id_: int) -> None:
        self._owed.pop(id_, None)
        self._due_s.pop(id_, None)
        self._taken.discard(id_)


def _about(message: Deliverable) -> tuple[str, str, str]:
    return message.recipient.name, str(message.alert.position), message.alert.topic


def _order(message: Deliverable) -> tuple[int, bool, int, int]:
    left_s = message.alert.time_to_liquidation_s
    return -message.alert.severity, left_s is None, left_s or 0, message.created_s
