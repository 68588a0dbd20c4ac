"""APIs of deployments on a chain, whose answers join what is read at a block: prices that no contract holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.errors import EndpointError, NoEndpoint, ReadError
from monitor.query import Absent, Answer, Failed, VenueCall
from monitor.sources.http.freshness import VenueStatus
from monitor.sources.http.venue import Venue


@dataclass(frozen=True, slots=True)
class Joined:
    """The APIs by the name that questions give them (`Deployment.venue`)."""

    venues: Mapping[str, Venue] = field(default_factory=dict)

    async def fill(self, position: int, call: VenueCall, answers: dict[int, Answer]) -> None:
        """Put the answer of an API in its place; `Failed` where it does not answer or tells nothing new any more.

        What a venue does not say leaves what the chain says of others untouched.
        """
        try:
            answers[position], _ = await self.fetch(call)
        except ReadError as e:
            answers[position] = Failed(str(e))

    async def fetch(self, call: VenueCall) -> tuple[str | Absent, int]:
        """Return the JSON text of one answer and the server's time in ms; raises ReadError, never an older answer."""
        venue = self.venues.get(call.venue)
        if venue is None:
            raise NoEndpoint(f"no API of the name {call.venue!r} is known: add it to the deployment's api")
        answer = await venue.fetch(call)
        if venue.status().is_stale:
            raise EndpointError(f"{call.venue}: expected news, found an old answer again")
        return answer

    def status(self) -> tuple[VenueStatus, ...]:
        """Return how each API does."""
        return tuple(venue.status() for venue in self.venues.values())


NONE = Joined()
"""A chain that is read alone."""
