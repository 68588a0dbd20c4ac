"""A long range of blocks, read in order and as fast as the endpoints allow, with samples held against receipts."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from monitor import log
from monitor.clock import Clock
from monitor.domain.moment import BlockRef
from monitor.errors import BlockMoved, EndpointError
from monitor.query import Log, LogFilter
from monitor.sources.evm import block as blocks
from monitor.sources.evm.reader import Reader
from monitor.sources.logs import entries
from monitor.sources.logs.agreed import Agreed
from monitor.sources.logs.bloom import bloom_of, is_telling, may_hold
from monitor.sources.logs.whole import whole_block
from monitor.sources.parallel import WIDTH, in_parallel
from monitor.sources.rpc.comparison import Doubt
from monitor.sources.rpc.endpoint import Endpoint
from monitor.sources.rpc.failover import Failover, Limits

AUDIT_EVERY_BLOCKS = 1_000
SPAN_DEADLINE_S = 60.0
_PRIME = 7_919

_log = log.get("sources")


@dataclass(frozen=True, slots=True)
class ScanProgress:
    """How far a scan is: blocks `first` to `through` of those up to `last`, requests sent so far, logs found."""

    first: int
    through: int
    last: int
    requests: int
    logs: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What reading a range is expected to take, judged by its newest blocks."""

    requests: int
    seconds: int
    blocks_per_request: int


Progress = Callable[[ScanProgress], None]


@dataclass(slots=True)
class Scan:
    """Reads ranges of one chain up to the block `at`, which every endpoint asked must have."""

    clock: Clock
    fit: Callable[[], Sequence[Endpoint]]
    at: BlockRef
    doubt: Doubt
    confirm: bool = False

    async def ranges(
        self, wanted: LogFilter, first: int, last: int, progress: Progress = lambda _: None
    ) -> AsyncIterator[tuple[range, tuple[Log, ...]]]:
        """Yield consecutive ranges of blocks from first to last, each with its logs in order."""
        sent, began, found = self._requests(), first, 0
        while first <= last:
            spans = self._next(first, last)
            jobs = [partial(self._span, wanted, span[0], span[-1]) for span in spans]
            for span, logs in zip(spans, await in_parallel(jobs), strict=True):
                found += len(logs)
                progress(ScanProgress(began, span[-1], last, self._requests() - sent, found))
                yield span, logs
            first = spans[-1][-1] + 1

    async def estimate(self, wanted: LogFilter, first: int, last: int) -> Estimate:
        """Return what the range is expected to take, after reading its newest blocks twice: to learn, and to time."""
        await self._span(wanted, max(last - self._width() + 1, first), last)
        width, sent, began_ms = self._width(), self._requests(), self.clock.monotonic_ms()
        await self._span(wanted, max(last - width + 1, first), last)
        took_ms, asked = self.clock.monotonic_ms() - began_ms, max(self._requests() - sent, 1)
        spans = -(-(last - first + 1) // width)
        return Estimate(spans * asked, -(-spans * took_ms // (1000 * WIDTH)), width)

    def _next(self, first: int, last: int) -> list[range]:
        """Return the next spans to read side by side; only one while nothing is known of the endpoint's limits."""
        width, fit = self._width(), self.fit()
        count = WIDTH if fit and fit[0].log_limits.fitted_blocks else 1
        starts = range(first, min(first + count * width, last + 1), width)
        return [range(start, min(start + width, last + 1)) for start in starts]

    def _width(self) -> int:
        fit = self.fit()
        return fit[0].log_limits.blocks if fit else 1

    def _requests(self) -> int:
        return sum(endpoint.meter.calls for endpoint in self.fit())

    def _failover(self) -> tuple[Failover, Limits]:
        return Failover(self.clock, self.fit), Limits.within(self.clock, SPAN_DEADLINE_S)

    async def _span(self, wanted: LogFilter, first: int, last: int) -> tuple[Log, ...]:
        failover, limits = self._failover()
        logs = await Agreed(failover, self.at, limits, self.doubt, self.confirm).of_span(wanted, first, last)
        if len(self.fit()) < 2:
            await self._audited(wanted, first, last, logs)
        return logs

    async def _audited(self, wanted: LogFilter, first: int, last: int, logs: tuple[Log, ...]) -> None:
        """Hold one block of every thousand against its header, and where that speaks of logs, its receipts.

        Raises EndpointError for logs that the receipts have and the answer has not: then nothing of it is believed.
        """
        windows = range(first - first % AUDIT_EVERY_BLOCKS, last + 1, AUDIT_EVERY_BLOCKS)
        picks = [window + window * _PRIME % AUDIT_EVERY_BLOCKS for window in windows]
        picks = [pick for pick in picks if first <= pick <= last]
        failover, limits = self._failover()

        async def headers(endpoint: Endpoint) -> list[object]:
            return await endpoint.ask_many([blocks.asked(pick) for pick in picks], limits.request_s, limits.urgency)

        for pick, header in zip(picks, (await failover.run(headers, limits)).value if picks else (), strict=True):
            bloom = bloom_of(header)
            if bloom is None or not may_hold(bloom, wanted) or not (is_telling(bloom) or self.doubt.is_due()):
                continue
            block = blocks.from_node(header, self.at.chain, "audit")
            complete = await self._of_receipts(wanted, block, failover, limits)
            if complete is not None and complete != [entry for entry in logs if entry.block_number == pick]:
                self.doubt.raise_()
                _log.error("logs_incomplete", block=pick, of=len(complete))
                raise EndpointError(
                    f"expected the {len(complete)} logs of block {pick} that its receipts have, found fewer: "
                    "the endpoint's log index is incomplete, use another endpoint"
                )

    async def _of_receipts(
        self, wanted: LogFilter, block: BlockRef, failover: Failover, limits: Limits
    ) -> list[Log] | None:
        def job(endpoint: Endpoint) -> Awaitable[tuple[Log, ...]]:
            return whole_block(replace(Reader(endpoint, self.at, limits.request_s, limits.urgency), at=block))

        try:
            return entries.matching((await failover.run(job, limits)).value, wanted)
        except (EndpointError, BlockMoved):
            return None
