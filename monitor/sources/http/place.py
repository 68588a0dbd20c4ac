"""A venue without blocks as the rest of the program sees it: its present moment, and reads that are answered now."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from monitor.clock import Clock
from monitor.domain.ids import ChainId
from monitor.domain.moment import At, VenueMoment
from monitor.errors import NoEndpoint, ReadError
from monitor.query import Absent, Ask, VenueCall, drive
from monitor.sources.http.freshness import VenueStatus
from monitor.sources.http.joined import NONE, Joined
from monitor.sources.http.reading import Reading
from monitor.sources.http.venue import Venue

READ_DEADLINE_S = 30.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """The API of one venue at one or several addresses, and what else its deployments ask."""

    id: ChainId
    name: str
    venues: Sequence[Venue]
    clock: Clock
    joined: Joined = NONE

    async def head(self) -> VenueMoment:
        """Return this moment; nothing is asked."""
        return self.moment(self.clock.wall_s() * 1000)

    def moment(self, server_time_ms: int) -> VenueMoment:
        """Return the moment of an answer that arrives now."""
        return VenueMoment(self.name, None, server_time_ms, self.clock.wall_s())

    def left(self) -> int | None:
        """Return how much weight can be asked at once; None where none is counted."""
        return _least(venue.left() for venue in self.venues)

    def share(self, of_ms: int) -> int | None:
        """Return how much weight a time may use so that as much is left for every time like it; None without a cap.

        Several addresses of a venue are no more than one of them: it counts who asks.
        """
        return _least(venue.share(of_ms) for venue in self.venues)

    async def read(
        self,
        ask: Ask[T],
        at: At,  # noqa: ARG002  # that of other sources
        *,
        deadline_s: float = READ_DEADLINE_S,
        urgency: int = 0,
    ) -> T:
        """Return what the read finds now: a venue without blocks tells of no other moment than that of its answer.

        Raises ReadError when the venue does not answer, NoEndpoint when the time is up.
        """
        reading = Reading(self.name, partial(self.fetch, urgency=urgency), self.moment)
        try:
            async with asyncio.timeout(deadline_s):
                return await drive(ask, reading.answer)
        except TimeoutError:
            raise NoEndpoint(f"{self.name}: expected the read to end within {deadline_s:g} s") from None

    async def fetch(self, call: VenueCall, urgency: int = 0) -> tuple[str | Absent, int]:
        """Return the JSON text of one answer and the server's time in ms, from the first address that gives one.

        Raises ReadError, never an older answer.
        """
        if call.venue:
            return await self.joined.fetch(call)
        refused: ReadError = NoEndpoint(f"{self.name}: expected an address of its API, found none")
        for venue in sorted(self.venues, key=lambda one: one.status().is_stale):
            try:
                return await venue.fetch(call, urgency)
            except ReadError as e:
                refused = e
        raise refused

    def status(self) -> tuple[VenueStatus, ...]:
        """Return how each address and each further API does."""
        return (*(venue.status() for venue in self.venues), *self.joined.status())


def _least(weights: Iterable[int | None]) -> int | None:
    return min((weight for weight in weights if weight is not None), default=None)
