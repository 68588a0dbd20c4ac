"""What metrics and pages show of the parts that they do not know: jobs, passes and endpoints."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.api import metrics
from monitor.api.metrics import Fact
from monitor.app.origins import Origin
from monitor.cycle.head import HeadLoop, Pass
from monitor.cycle.unsaved import Unsaved
from monitor.cycle.venues.loop import VenueLoop
from monitor.dashboard import Workings
from monitor.domain.ids import DeploymentName
from monitor.outbox.deadman import DeadMan
from monitor.outbox.dispatcher import Dispatcher
from monitor.outbox.lanes.outcome import Tally
from monitor.schedule import Schedule
from monitor.sources.http.freshness import VenueStatus
from monitor.sources.http.place import Place
from monitor.sources.rpc.chain import Chain
from monitor.sources.rpc.spec import EndpointState
from monitor.units import PPM

_MS_PER_S = 1000


@dataclass(frozen=True, slots=True)
class Facts:
    """The running parts, by chain."""

    schedule: Schedule
    sources: Mapping[str, Origin]
    loops: Mapping[str, HeadLoop]
    venues: Mapping[str, VenueLoop]
    unsaved: Unsaved
    dead_man: DeadMan | None
    dispatcher: Dispatcher

    def of_now(self) -> Iterator[Fact]:
        """Yield every fact as it is now."""
        for name, record in self.schedule.records.items():
            yield Fact(metrics.JOB_FAILURES, record.failures, (name,))
        yield Fact(metrics.UNSAVED, len(self.unsaved))
        yield from of_deliveries(self.dispatcher.tallies)
        if self.dead_man is not None:
            yield Fact(metrics.HEARTBEATS, self.dead_man.pings, ("arrived",))
            yield Fact(metrics.HEARTBEATS, self.dead_man.failures, ("failed",))
        for name, source in self.sources.items():
            if isinstance(source, Chain):
                yield from self._of_chain(name, source)
            yield from _of_apis(_apis(source))
        for venue in self.venues.values():
            yield from _of_passes(venue.passes)
            for name, desk in venue.desks.items():
                yield Fact(metrics.LEDGER_ACCOUNTS, sum(1 for _ in desk.everyone), (name,))
                yield Fact(metrics.PROJECTION_DRIFTS, desk.drifts, (name,))
        for loop in self.loops.values():
            yield from _of_passes(loop.passes)
            for deployment, whole in loop.wholes.items():
                yield Fact(metrics.LEDGER_ACCOUNTS, whole.accounts, (deployment,))
                for market, found in whole.audits.items():
                    yield Fact(metrics.AUDIT_MATCH, found.match_ppm / PPM, (deployment, market))
                    yield Fact(metrics.AUDIT_APART, len(found.apart), (deployment, market))

    def workings(self) -> Workings:
        """Return the same for the page of operations."""
        chains = {name: source for name, source in self.sources.items() if isinstance(source, Chain)}
        passes = [*(loop.passes for loop in self.loops.values()), *(venue.passes for venue in self.venues.values())]
        return Workings(
            endpoints={name: chain.status() for name, chain in chains.items()},
            venues=[status for source in self.sources.values() for status in _apis(source)],
            passes={name: seen for one in passes for name, seen in one.items()},
            job_failures={name: record.failures for name, record in self.schedule.records.items()},
            unsaved_steps=len(self.unsaved),
        )

    def _of_chain(self, name: str, chain: Chain) -> Iterator[Fact]:
        endpoints = chain.status()
        heads = [endpoint for endpoint in endpoints if endpoint.head is not None]
        if heads:
            newest = max(heads, key=lambda endpoint: endpoint.head.number if endpoint.head else 0)
            yield Fact(metrics.HEAD_BLOCK, newest.head.number if newest.head else 0, (name,))
            yield Fact(metrics.HEAD_AGE, (newest.head_age_ms or 0) / _MS_PER_S, (name,))
        usable = sum(endpoint.state is EndpointState.OK for endpoint in endpoints)
        yield Fact(metrics.ENDPOINTS_USABLE, usable, (name,))
        for endpoint in endpoints:
            answered = endpoint.requests - endpoint.errors
            yield Fact(metrics.RPC_REQUESTS, answered, (name, endpoint.label, "answered"))
            yield Fact(metrics.RPC_REQUESTS, endpoint.errors, (name, endpoint.label, "failed"))


def of_deliveries(tallies: Mapping[str, Tally]) -> Iterator[Fact]:
    """Yield what became of messages, by channel."""
    for channel, tally in tallies.items():
        yield Fact(metrics.MARKUP_REFUSALS, tally.markup_refusals, (channel,))
        for outcome, count in tally.outcomes.items():
            yield Fact(metrics.DELIVERIES, count, (channel, outcome))


def _apis(source: Origin) -> Sequence[VenueStatus]:
    return source.status() if isinstance(source, Place) else source.joined.status()


def _of_apis(statuses: Iterable[VenueStatus]) -> Iterator[Fact]:
    for status in statuses:
        yield Fact(metrics.VENUE_STALE, status.is_stale, (status.name,))
        if status.age_ms is not None:
            yield Fact(metrics.VENUE_AGE, status.age_ms / _MS_PER_S, (status.name,))


def _of_passes(passes: Mapping[DeploymentName, Pass]) -> Iterator[Fact]:
    for deployment, seen in passes.items():
        yield Fact(metrics.CYCLE_SECONDS, seen.took_ms / _MS_PER_S, (deployment,))
        yield Fact(metrics.CYCLES, seen.passes, (deployment, "whole"))
        yield Fact(metrics.CYCLES, seen.failures, (deployment, "failed"))
