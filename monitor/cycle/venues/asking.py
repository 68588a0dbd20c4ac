"""What is asked of a venue: every question is weighed, and accounts come with the moment they were read at."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

from monitor.adapter import Adapter, Market, ReadsOwners
from monitor.domain.ids import Address
from monitor.domain.moment import At, VenueMoment
from monitor.errors import ReadError
from monitor.ledger.accounts import Accounts
from monitor.query import Ask, VenueCall, moment

PARALLEL = 8

T = TypeVar("T")


class Venue(Protocol):
    """A venue that is read now and says how much more it may be asked."""

    @property
    def name(self) -> str: ...

    async def head(self) -> VenueMoment:
        """Return this moment; nothing is asked."""
        ...

    async def read(self, ask: Ask[T], at: At, *, urgency: int = 0) -> T:
        """Return what the read finds now; raises ReadError."""
        ...

    def left(self) -> int | None:
        """Return how much weight can be asked at once; None where none is counted."""
        ...

    def share(self, of_ms: int) -> int | None:
        """Return how much weight a time may use so that as much is left for every time like it; None without a cap."""
        ...


@runtime_checkable
class Glimpses(Protocol):
    """A protocol whose market can be seen roughly for little weight."""

    def glimpse(self, market: Any) -> Ask[Any]:
        """Return the market at about the prices of now: good for seeing whom they moved, not for saying how anyone is.

        Raises ReadError.
        """
        ...


@dataclass(slots=True)
class Weighed:
    """A venue, and the `weight` of all that was asked of it through this; a lower urgency number goes first."""

    venue: Venue
    urgency: int = 0
    weight: int = 0

    async def read(self, ask: Ask[T], at: At) -> T:
        """Return what the read finds now; raises ReadError."""
        return await self.venue.read(self._weighing(ask), at, urgency=self.urgency)

    def _weighing(self, ask: Ask[T]) -> Ask[T]:
        try:
            questions = next(ask)
            while True:
                self.weight += sum(one.weight for one in questions if isinstance(one, VenueCall) and not one.venue)
                questions = ask.send((yield questions))
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]  # the generator's return type is T


@dataclass(frozen=True, slots=True)
class Found:
    """What an owner holds in a market, and the moment it was told at."""

    accounts: Accounts
    at: At


def of_owner(adapter: Adapter[Any], market: Market, owner: Address) -> Ask[Found]:
    """Return what an owner holds in a market; raises ReadError."""
    if isinstance(adapter, ReadsOwners):
        accounts = yield from adapter.held(market, owner)
    else:
        keys = yield from adapter.owned(market, owner)
        accounts = (yield from adapter.accounts(market, keys)) if keys else Accounts.of(())
    return Found(accounts, (yield from moment()))


async def of_owners(
    source: Weighed, adapter: Adapter[Any], market: Market, owners: Sequence[Address]
) -> list[Found | ReadError]:
    """Return what each owner holds, asked for side by side; one that cannot be read is its ReadError."""

    async def one(owner: Address) -> Found | ReadError:
        try:
            return await source.read(of_owner(adapter, market, owner), market.at)
        except ReadError as e:
            return e

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(owner)) for owner in owners]
    return [task.result() for task in tasks]
