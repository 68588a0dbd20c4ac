"""Two endpoints' answers to the same piece of work, and who is believed when they differ."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from monitor import log
from monitor.clock import Clock
from monitor.errors import EndpointsDisagree, ReadError
from monitor.query import Failed, LensPart
from monitor.sources.life.probation import Check, Probation
from monitor.sources.rpc.endpoint import Endpoint
from monitor.sources.rpc.failover import Done, Failover, Job, Limits, T

SAMPLE_EVERY = 20
DOUBT_MS = 60_000
QUARANTINE_MS = 600_000
WORD_BYTES = 32

_log = log.get("sources")


@dataclass(slots=True)
class Doubt:
    """Which pieces of work are done twice: every twentieth, and all of them for a minute after a disagreement."""

    clock: Clock
    probation: Probation = field(default_factory=Probation)
    _pieces: int = field(default=0, init=False)
    _until_ms: int = field(default=0, init=False)

    def is_due(self) -> bool:
        """Whether the piece at hand should be compared."""
        self._pieces += 1
        return self._pieces % SAMPLE_EVERY == 0 or self.clock.monotonic_ms() < self._until_ms

    def raise_(self) -> None:
        """Look at everything twice for a while."""
        self._until_ms = self.clock.monotonic_ms() + DOUBT_MS

    def contradicted(self, endpoint: Endpoint, check: Check, *, is_spare: bool) -> bool:
        """Note that an endpoint failed a check, and return whether that took it out for a while.

        It is flagged only while the check is on trial, and while no other endpoint could take its place.
        """
        endpoint.meter.disagreements += 1
        if is_spare and self.probation.is_over(check, self.clock.wall_s()):
            endpoint.quarantine(QUARANTINE_MS)
            return True
        endpoint.meter.flags += 1
        return False


async def compared(failover: Failover, job: Job[T], first: Done[T], limits: Limits, doubt: Doubt) -> T:
    """Return the answer that a second endpoint gives too, or two of three.

    The one that stands alone is quarantined. Raises NoEndpoint when there is no second one to ask, EndpointsDisagree
    when two differ and no third can decide.
    """
    second = await failover.run(job, limits, avoid=(first.endpoint,))
    if _essence(first.value) == _essence(second.value):
        return first.value
    doubt.raise_()
    pair = (first.endpoint, second.endpoint)
    for endpoint in pair:
        endpoint.meter.disagreements += 1
    try:
        third = await failover.run(job, limits, avoid=pair)
    except ReadError as e:
        raise _disagree(pair) from e
    for believed, odd in ((first, second), (second, first)):
        if _essence(third.value) == _essence(believed.value):
            odd.endpoint.quarantine(QUARANTINE_MS)
            _log.error("endpoint_quarantined", endpoint=odd.endpoint.label, against=believed.endpoint.label)
            return believed.value
    raise _disagree((*pair, third.endpoint))


def _disagree(endpoints: tuple[Endpoint, ...]) -> EndpointsDisagree:
    labels = " and ".join(endpoint.label for endpoint in endpoints)
    _log.error("endpoints_disagree", endpoints=labels)
    return EndpointsDisagree(f"expected the same answer from {labels}, found different ones for one block")


def _essence(value: Any) -> Hashable:
    """What must be equal: values and which of them failed, not how the work was cut nor how a failure is worded.

    The last word of a lens's output counts the others, so it tells of the cut.
    """
    match value:
        case [LensPart(), *_]:
            whole = b"".join(part.output[:-WORD_BYTES] for part in value if isinstance(part.output, bytes))
            return whole, tuple((part.start, part.stop) for part in value if isinstance(part.output, Failed))
        case [*answers]:
            return tuple(("failed", a.revert_data) if isinstance(a, Failed) else a for a in answers)
        case _:
            return value  # type: ignore[no-any-return]  # blocks and logs are frozen
