"""Logs that two sources agree on: a second endpoint where there is one, else the block's own header and receipts."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from monitor import log
from monitor.domain.moment import BlockRef
from monitor.errors import BlockMoved, EndpointError, EndpointsDisagree, MalformedJson, ReadError
from monitor.query import Log, LogFilter
from monitor.sources.evm import block as blocks
from monitor.sources.evm.reader import Reader
from monitor.sources.life.probation import Check
from monitor.sources.logs import entries
from monitor.sources.logs.at_block import OfBlock, logs_of_block
from monitor.sources.logs.span import logs_of_span
from monitor.sources.logs.whole import admitted, whole_block
from monitor.sources.rpc.comparison import Doubt
from monitor.sources.rpc.endpoint import Endpoint
from monitor.sources.rpc.failover import Done, Failover, Limits, T

_log = log.get("sources")


@dataclass(frozen=True, slots=True)
class Agreed:
    """Reads logs on the chain that ends in block `at`. With `confirm`, one endpoint's word is never enough."""

    failover: Failover
    at: BlockRef
    limits: Limits
    doubt: Doubt
    confirm: bool = False

    async def of_block(self, wanted: LogFilter) -> tuple[Log, ...]:
        """Return the logs of the block itself.

        Nothing more is asked where the header rules them out. Else a second endpoint must say the same. Where there
        is none, or both say nothing where the header speaks of something, the receipts are read: of every such block
        while its logs are few, of one in twenty when they are many.
        """
        first: Done[OfBlock] = await self._run(lambda reader: logs_of_block(reader, wanted))
        said = first.value
        if said.is_proven and not self.confirm:
            return said.logs
        if self.confirm or self._has_second(first.endpoint):
            second = await self._second(first.endpoint, lambda reader: logs_of_block(reader, wanted))
            if second is not None and (said.logs or second.value.logs or not said.is_telling):
                return await self._settled(wanted, (first.endpoint, said.logs), (second.endpoint, second.value.logs))
        if said.is_telling or self.doubt.is_due():
            return await self._held_against_receipts(wanted, first.endpoint, said.logs)
        return said.logs

    async def of_span(self, wanted: LogFilter, first: int, last: int) -> tuple[Log, ...]:
        """Return the logs of blocks first to last, none of them above the block; two endpoints must agree on them."""
        if last > self.at.number:
            raise ReadError(f"expected blocks up to {self.at.number}, found {last}: nothing above is verified yet")
        done = await self._run(lambda reader: logs_of_span(reader, wanted, first, last))
        if self.confirm or self._has_second(done.endpoint):
            second = await self._second(done.endpoint, lambda reader: logs_of_span(reader, wanted, first, last))
            if second is not None:
                return await self._settled(wanted, (done.endpoint, done.value), (second.endpoint, second.value))
        return done.value

    def _has_second(self, first: Endpoint) -> bool:
        return any(e is not first and not e.wait_ms for e in self.failover.fit())

    async def _run(self, job: Callable[[Reader], Awaitable[T]], avoid: Sequence[Endpoint] = ()) -> Done[T]:
        def at_endpoint(endpoint: Endpoint) -> Awaitable[T]:
            return job(Reader(endpoint, self.at, self.limits.request_s, self.limits.urgency))

        return await self.failover.run(at_endpoint, self.limits, avoid)

    async def _second(self, first: Endpoint, job: Callable[[Reader], Awaitable[T]]) -> Done[T] | None:
        """Return another endpoint's answer; None when it has none to give, unless one is demanded."""
        try:
            return await self._run(job, (first,))
        except (EndpointError, BlockMoved):
            if self.confirm:
                raise
            return None

    async def _settled(self, wanted: LogFilter, *said: tuple[Endpoint, tuple[Log, ...]]) -> tuple[Log, ...]:
        """Return what both said; where they differ, what the receipts say.

        A log that one has and the other's own receipts admit is real. For what is left, whole blocks decide.
        """
        (one, ours), (other, theirs) = said
        if ours == theirs:
            return ours
        self.doubt.raise_()
        agreed = set(ours) & set(theirs)
        odd = set(ours) ^ set(theirs)
        for endpoint, logs in said:
            agreed |= await self._admitted(endpoint, odd.difference(logs))
        undecided = {(log.block_number, log.block_hash) for log in odd - agreed}
        agreed = {log for log in agreed if (log.block_number, log.block_hash) not in undecided}
        for number, block_hash in sorted(undecided):
            agreed |= set(await self._from_receipts(wanted, number, block_hash, (one, other)))
        for endpoint, logs in said:
            if set(logs) != agreed:
                self._tell(endpoint, logs, agreed)
        return tuple(entries.ordered(agreed, one.label))

    def _tell(self, endpoint: Endpoint, logs: Iterable[Log], complete: Collection[Log]) -> None:
        missing = len(set(complete) - set(logs))
        is_out = self.doubt.contradicted(endpoint, Check.LOGS, is_spare=self._has_second(endpoint))
        told = {"endpoint": endpoint.label, "missing": missing, "of": len(complete)}
        _log.warning("logs_incomplete", **told, quarantined=is_out)

    async def _admitted(self, endpoint: Endpoint, logs: Collection[Log]) -> set[Log]:
        if not logs:
            return set()
        try:
            return await admitted(Reader(endpoint, self.at, self.limits.request_s, self.limits.urgency), logs)
        except (EndpointError, MalformedJson):
            return set()

    async def _from_receipts(
        self, wanted: LogFilter, number: int, block_hash: str, differ: tuple[Endpoint, Endpoint]
    ) -> tuple[Log, ...]:
        """Return the logs of a block as the endpoints' receipts have them: those of one alone, or of two alike."""
        votes: Counter[tuple[Log, ...]] = Counter()
        for endpoint in (*differ, *(e for e in self.failover.fit() if e not in differ)):
            try:
                block = blocks.from_node(await endpoint.ask(blocks.asked(number)), self.at.chain, endpoint.label)
                if block.hash == block_hash:
                    reader = Reader(endpoint, block, self.limits.request_s, self.limits.urgency)
                    votes[tuple(entries.matching(await whole_block(reader), wanted))] += 1
            except ReadError as e:
                _log.info("no receipts", endpoint=endpoint.label, block=number, problem=str(e))
        (chosen, most), *others = votes.most_common() or [((), 0)]
        if most == 0 or (others and most == others[0][1]):
            for endpoint in differ:
                endpoint.meter.disagreements += 1
            labels = " and ".join(endpoint.label for endpoint in differ)
            _log.error("endpoints_disagree", endpoints=labels, block=number)
            raise EndpointsDisagree(
                f"expected the same logs of block {number} from {labels}, found others, and no receipts that decide"
            )
        return chosen

    async def _held_against_receipts(
        self, wanted: LogFilter, endpoint: Endpoint, logs: tuple[Log, ...]
    ) -> tuple[Log, ...]:
        """Return the logs with those that only the receipts show; without receipts the answer stands."""
        try:
            whole = (await self._run(whole_block)).value
        except (EndpointError, BlockMoved):
            return logs
        complete = tuple(entries.matching(whole, wanted))
        if complete != logs:
            self.doubt.raise_()
            self._tell(endpoint, logs, complete)
        return complete
