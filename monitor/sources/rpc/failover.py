"""Work given to the endpoints of a chain: the fittest first, a second one when it is slow, the next when it fails."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from monitor.clock import Clock
from monitor.errors import (
    AskedTooMuch,
    BlockMoved,
    EndpointError,
    MalformedJson,
    NoEndpoint,
    ReadError,
    Unsupported,
    WrongChain,
)
from monitor.sources.rpc.endpoint import Endpoint
from monitor.sources.rpc.spec import Urgency

HEDGE_LONGEST_S, HEDGE_SHORTEST_S = 1.0, 0.1
ENOUGH_LATENCIES = 20
REQUEST_SHARE = 0.4
ROUNDS = 6
ROUND_PAUSE_MS = 150
FINAL = (Unsupported, AskedTooMuch)
"""What another try at the same endpoint will not change."""

T = TypeVar("T")
Job = Callable[[Endpoint], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """A finished piece of work and who did it."""

    value: T
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Limits:
    """Until when a read may go on, how long one request may take, and whether it goes ahead of others."""

    until_ms: int
    request_s: float
    urgency: Urgency = Urgency.ROUTINE

    @classmethod
    def within(cls, clock: Clock, deadline_s: float, urgency: Urgency = Urgency.ROUTINE) -> "Limits":
        """Return limits that leave time for a second request before the deadline."""
        return cls(clock.monotonic_ms() + int(deadline_s * 1000), deadline_s * REQUEST_SHARE, urgency)


@dataclass(frozen=True, slots=True)
class Failover:
    """Runs work against one of several endpoints. `fit` says who may be asked now, the best first."""

    clock: Clock
    fit: Callable[[], Sequence[Endpoint]]

    async def run(self, job: Job[T], limits: Limits, avoid: Collection[Endpoint] = ()) -> Done[T]:
        """Return the first whole answer.

        Raises BlockMoved when no endpoint has the block, Unsupported when none knows how, AskedTooMuch when it is too
        much for each, else NoEndpoint.
        """
        errors: dict[str, ReadError] = {}
        for turn in range(ROUNDS):
            for endpoint, spare in self._order(avoid):
                if endpoint.wait_ms:
                    continue
                outcome = await self._raced(job, endpoint, spare)
                if isinstance(outcome, Done):
                    return outcome
                errors |= outcome
            fit = [e for e in self.fit() if e not in avoid]
            if not fit or all(isinstance(errors.get(e.label), FINAL) for e in fit):
                break
            pause_ms = max(min(e.wait_ms for e in fit), ROUND_PAUSE_MS << turn)
            if self.clock.monotonic_ms() + pause_ms >= limits.until_ms:
                break
            await self.clock.sleep(pause_ms / 1000)
        raise _verdict(errors)

    def _order(self, avoid: Collection[Endpoint]) -> list[tuple[Endpoint, Endpoint | None]]:
        ready = [e for e in self.fit() if e not in avoid and not e.wait_ms]
        return list(zip(ready, [*ready[1:], None], strict=True)) if ready else []

    async def _raced(self, job: Job[T], endpoint: Endpoint, spare: Endpoint | None) -> Done[T] | dict[str, ReadError]:
        if spare is None:
            return await _attempt(job, endpoint)
        errors: dict[str, ReadError] = {}
        async with asyncio.TaskGroup() as group:
            racing = {group.create_task(_attempt(job, endpoint))}
            finished, racing = await asyncio.wait(racing, timeout=_patience_s(endpoint))
            if racing:
                racing.add(group.create_task(_attempt(job, spare)))
            while True:
                for task in finished:
                    outcome = task.result()
                    if isinstance(outcome, Done):
                        if racing and outcome.endpoint is spare:
                            endpoint.failed(EndpointError(f"{endpoint.label}: slower than {spare.label}"))
                        for loser in racing:
                            loser.cancel()
                        return outcome
                    errors |= outcome
                if not racing:
                    return errors
                finished, racing = await asyncio.wait(racing, return_when=asyncio.FIRST_COMPLETED)


async def _attempt(job: Job[T], endpoint: Endpoint) -> Done[T] | dict[str, ReadError]:
    try:
        await endpoint.be_sure_of_chain()
        return Done(await job(endpoint), endpoint)
    except (EndpointError, MalformedJson, BlockMoved, WrongChain) as e:
        return {endpoint.label: e}


def _patience_s(endpoint: Endpoint) -> float:
    if len(endpoint.meter.latencies_ms) < ENOUGH_LATENCIES:
        return HEDGE_LONGEST_S
    return min(max((endpoint.meter.percentile_ms(95) or 0) / 1000, HEDGE_SHORTEST_S), HEDGE_LONGEST_S)


def _verdict(errors: dict[str, ReadError]) -> ReadError:
    told = "; ".join(str(e) for e in errors.values()) or "every endpoint is excluded or cooling off"
    for kind in (BlockMoved, *FINAL):
        if {type(e) for e in errors.values()} == {kind}:
            return kind(told)
    return NoEndpoint(f"expected an answer from one of the endpoints, found: {told}")
