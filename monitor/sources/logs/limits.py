"""What one endpoint gives to one `eth_getLogs`, as far as it has shown: remembered from request to request."""

from dataclasses import dataclass

from monitor.sources.logs.refusals import Bound, Refusal

FIRST_BLOCKS, LARGEST_BLOCKS = 10_000, 100_000
ENOUGH_LOGS = 5_000
SLOW_MS = 3_000
CLOSE_ENOUGH = 8


@dataclass(slots=True)
class LogLimits:
    """How wide the next request may be.

    `fitted_blocks` is the widest range ever answered, `refused_blocks` the narrowest refused for its width, `results`
    the number of logs that an answer may hold. None is no limit known.
    """

    blocks: int = FIRST_BLOCKS
    fitted_blocks: int = 0
    refused_blocks: int | None = None
    results: int | None = None
    addresses: int | None = None
    topics: int | None = None
    needs_address: bool = False
    by_hash: bool = True
    has_blooms: bool = True

    def fitted(self, blocks: int, logs: int, took_ms: int) -> None:
        """Learn from an answer: ask for more while answers are small, quick and not known to be the widest."""
        self.fitted_blocks = max(self.fitted_blocks, blocks)
        if blocks < self.blocks:
            return
        if took_ms > SLOW_MS:
            self.blocks = max(blocks // 2, 1)
            return
        room = (self.results or ENOUGH_LOGS) * 3 // 4
        dense = blocks * room // logs if logs else LARGEST_BLOCKS
        self.blocks = max(min(2 * blocks, dense, self._widest()), 1)

    def refused(self, blocks: int, why: Refusal) -> None:
        """Learn from a refusal of so many blocks."""
        match why.bound:
            case Bound.ADDRESSES:
                self.addresses = why.most
            case Bound.NO_ADDRESS:
                self.needs_address = True
            case Bound.TOPICS:
                self.topics = why.most
            case Bound.RESULTS:
                self.results = why.most or self.results
                self.blocks = why.blocks or max(blocks // 2, 1)
            case Bound.BLOCKS | Bound.UNKNOWN:
                width = why.most or why.blocks
                self.refused_blocks = min(self.refused_blocks or blocks, width + 1 if width else blocks)
                self.fitted_blocks = min(self.fitted_blocks, self.refused_blocks - 1)
                self.blocks = width or max((self.fitted_blocks + blocks) // 2 if self.fitted_blocks else blocks // 2, 1)

    def failed(self, blocks: int) -> None:
        """Learn from a request that broke off: it may have been too wide, which only the next ones will show."""
        self.blocks = max(min(self.blocks, blocks) // 2, 1)

    def _widest(self) -> int:
        """The widest range worth trying: halfway to one that was refused, until that is close."""
        if self.refused_blocks is None:
            return LARGEST_BLOCKS
        gap = self.refused_blocks - self.fitted_blocks
        if gap <= 1 or gap * CLOSE_ENOUGH < self.fitted_blocks:
            return self.fitted_blocks
        return (self.refused_blocks + self.fitted_blocks) // 2
