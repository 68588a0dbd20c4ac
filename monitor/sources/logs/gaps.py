"""Every thousand blocks followed are read once more: what a node indexed late, or nobody asked for, comes to light."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Protocol

from monitor import log
from monitor.domain.moment import BlockRef
from monitor.query import Log, LogFilter
from monitor.sources.logs.entries import matching
from monitor.sources.logs.scan import AUDIT_EVERY_BLOCKS

_log = log.get("sources")


class Logs(Protocol):
    """A chain whose logs can be read over a range."""

    def logs(
        self, wanted: LogFilter, first: int, last: int, at: BlockRef
    ) -> AsyncIterator[tuple[range, tuple[Log, ...]]]:
        """Yield the logs of blocks first to last of the chain that ends in `at`."""
        ...


@dataclass(frozen=True, slots=True)
class Gap:
    """What an audit of blocks `first` to `last` found: logs that were not taken, and how many taken are not there."""

    first: int
    last: int
    missing: tuple[Log, ...]
    too_many: int


class Gaps:
    """Remembers which logs were taken from which blocks since the last audit."""

    def __init__(self, every_blocks: int = AUDIT_EVERY_BLOCKS) -> None:
        self._every_blocks = every_blocks
        self._wanted: LogFilter | None = None
        self._first = self._next = 0
        self._taken = _places()

    def took(self, wanted: LogFilter, first: int, last: int, logs: Iterable[Log]) -> None:
        """Note what a filter took from blocks first to last; one that has grown counts from the next audit on."""
        if self._wanted is None or first != self._next:
            self._wanted, self._first = wanted, first
            self._taken.clear()
        kept = logs if wanted == self._wanted else matching(logs, self._wanted)
        for entry in kept:
            self._taken[entry.block_number, entry.block_hash].append(entry.index)
        self._next = last + 1

    def undone(self, above: int) -> None:
        """Forget what was taken from blocks above, because a reorg replaced them."""
        if above + 1 >= self._next:
            return
        self._next = max(above + 1, self._first)
        for block in [block for block in self._taken if block[0] > above]:
            del self._taken[block]

    @property
    def is_due(self) -> bool:
        """Whether a thousand blocks have been followed since the last audit."""
        return self._next - self._first >= self._every_blocks

    async def audit(self, chain: Logs, at: BlockRef) -> Gap:
        """Read the logs of those blocks again and return what differs; `at` must be the block last followed.

        Raises ReadError when they cannot be read; then the audit stays due. A log that is missing was never acted on:
        whoever it concerns must be read again.
        """
        first, last, wanted = self._first, self._next - 1, self._wanted or LogFilter((), ())
        missing, again, right = list[Log](), 0, 0
        async for _, logs in chain.logs(wanted, first, last, at):
            again += len(logs)
            places = _places()
            for entry in logs:
                places[entry.block_number, entry.block_hash].append(entry.index)
            taken = {block: set(self._taken.get(block, ())) for block in places}
            missing += [entry for entry in logs if entry.index not in taken[entry.block_number, entry.block_hash]]
            right += sum(len(taken[block].intersection(found)) for block, found in places.items())
        too_many = sum(len(set(indices)) for indices in self._taken.values()) - right
        if missing or too_many:
            _log.error("log_gap", first=first, last=last, missing=len(missing), too_many=too_many, of=again)
        self._wanted, self._first = None, self._next
        self._taken.clear()
        return Gap(first, last, tuple(missing), too_many)


def _places() -> defaultdict[tuple[int, str], list[int]]:
    """Return room for where logs stand: by block and its hash their indices, for in a crash they are millions."""
    return defaultdict(list)
