"""Listens to what a venue pushes: whoever a message names is read in the next turn."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from monitor.adapter import Pushes
from monitor.cycle.venues.desk import Desk
from monitor.cycle.venues.loop import VenueLoop
from monitor.domain.ids import DeploymentName, PositionKey


class Talks(Protocol):
    """A connection that stays open."""

    async def talk(self, say: Callable[[], Sequence[str]], heard: Callable[[str], None]) -> None:
        """Send what is to be said and hand over each message until it breaks; raises ReadError."""
        ...


@dataclass(frozen=True, slots=True)
class Waking:
    """One deployment's wake-ups; `once` is one connection, from its opening until it breaks."""

    loop: VenueLoop
    name: DeploymentName
    adapter: Pushes
    stream: Talks

    async def once(self) -> None:
        """Subscribe to every position that is known, and to others as they appear; raises ReadError."""
        said = set[PositionKey]()

        def say() -> list[str]:
            new = [(market, key) for market, key in _known(self.loop.desks.get(self.name)) if key not in said]
            said.update(key for _, key in new)
            return [self.adapter.subscription(market, key) for market, key in new]

        def heard(message: str) -> None:
            desk = self.loop.desks.get(self.name)
            for key in self.adapter.pushed(message):
                if desk is not None:
                    desk.wake(key)

        await self.stream.talk(say, heard)


def _known(desk: Desk | None) -> Iterator[tuple[Any, PositionKey]]:
    for holdings in desk.holdings.values() if desk else ():
        if holdings.market is not None:
            for owned in holdings.owned.values():
                yield from ((holdings.market, key) for key in sorted(owned.keys))
