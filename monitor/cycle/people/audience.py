"""Who hears of whom: the subscribers of the store, as they stood at the last look at it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from monitor import log
from monitor.domain.alerts import Alert, Notice
from monitor.domain.ids import Address
from monitor.domain.people import Acknowledgement, Held, Subscriber
from monitor.errors import ConfigError
from monitor.rules.hearing.hearing import Hearing, hearing
from monitor.rules.levels import Levels
from monitor.store import Store

_log = log.get("people")


class Watchlist(Sequence[Address]):
    """Owners whose positions are wanted: those listed for a deployment, and everyone somebody watches by now."""

    def __init__(self, listed: Iterable[Address] = ()) -> None:
        self._listed = tuple(listed)
        self._owners = self._listed

    def __len__(self) -> int:
        return len(self._owners)

    @overload
    def __getitem__(self, place: int) -> Address: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Address]: ...
    def __getitem__(self, place: int | slice) -> Address | Sequence[Address]:
        """Return one owner, or some in a row."""
        return self._owners[place]

    def watched(self, owners: Iterable[Address]) -> None:
        """Take whom people watch now."""
        self._owners = tuple(dict.fromkeys((*self._listed, *owners)))


@dataclass(slots=True)
class Audience:
    """Subscribers by whom they watch, what waits for them, and thresholds of their own by name.

    `own_levels` makes levels of a subscriber's table; `escalate_s` is as in `Recipient`.
    """

    own_levels: Callable[[Mapping[str, Any]], Levels] | None = None
    escalate_s: tuple[int, ...] = ()
    watchlists: tuple[Watchlist, ...] = ()
    people: Mapping[str, Subscriber] = field(default_factory=dict)
    levels: Mapping[str, Levels] = field(default_factory=dict)
    acks: tuple[Acknowledgement, ...] = ()
    held: tuple[Held, ...] = ()
    _watching: dict[Address, tuple[Subscriber, ...]] = field(default_factory=dict)
    _revision: int = -1

    @classmethod
    def of_these(cls, *people: Subscriber) -> "Audience":
        """Return an audience of those who are named here, before any look at a store."""
        audience = cls()
        audience._take(people)
        return audience

    async def look(self, store: Store) -> None:
        """Take what has changed since the last look; raises StoreError."""
        revision = await store.people.revision()
        if revision != self._revision and revision:
            self._take(await store.people.everyone())
        self._revision = revision
        self.acks, self.held = await store.owed.waiting()

    def watching(self, owner: Address) -> tuple[Subscriber, ...]:
        """Return who watches an owner."""
        return self._watching.get(owner, ())

    def notice(self, alert: Alert, hearers: Iterable[Subscriber], owner: Address | None, now_s: int) -> Notice:
        """Return an alert with those of the hearers who are told now, and those for whom it is held."""
        acks = {ack.recipient: ack for ack in self.acks if ack.incident == alert.incident}
        heard = [(one, hearing(one, alert, acks.get(one.name), now_s)) for one in hearers]
        now = (one.recipient(owner, self.escalate_s) for one, when in heard if when is Hearing.NOW)
        return Notice(alert, tuple(now), tuple(one.name for one, when in heard if when is Hearing.HELD))

    def _take(self, people: Iterable[Subscriber]) -> None:
        self.people = {one.name: one for one in people}
        watching = defaultdict[Address, list[Subscriber]](list)
        for one in self.people.values():
            for owner in one.watches:
                watching[owner].append(one)
        self._watching = {owner: tuple(some) for owner, some in watching.items()}
        self.levels = {one.name: own for one in self.people.values() if (own := self._own(one)) is not None}
        for watchlist in self.watchlists:
            watchlist.watched(self._watching)

    def _own(self, one: Subscriber) -> Levels | None:
        if one.levels is None or self.own_levels is None:
            return None
        try:
            return self.own_levels(one.levels)
        except ConfigError as e:
            _log.error("own levels left out", subscriber=one.name, problem=str(e))
            return None
