"""What each endpoint says the newest block is, which of them lag or stand still, and the block all others serve.

A load balancer answers from nodes at different heights: when a head goes back and the same block returns, the step back
is remembered, and that many blocks at the top are not relied on.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from monitor.clock import Clock
from monitor.domain.moment import BlockRef
from monitor.sources.life.skew import Skew
from monitor.sources.rpc.spec import EndpointState

KEEP_BLOCKS = 64
LONGEST_LAG_MS = 10_000
STUCK_BLOCK_TIMES = 10
SILENT_MS = 15_000
FORGET_SLACK_MS = 300_000

E = TypeVar("E", bound=Hashable)


@dataclass(slots=True)
class Sighting:
    """What one endpoint has shown of the chain."""

    head: BlockRef
    seen_ms: int
    advanced_ms: int
    recent: dict[int, BlockRef] = field(default_factory=dict)
    step_back: tuple[BlockRef, int] | None = None
    slack: int = 0
    slack_ms: int = 0

    @property
    def top(self) -> BlockRef:
        """The highest block it has shown lately."""
        return self.recent[max(self.recent)]

    def served(self, now_ms: int) -> int:
        """Return the height that every node behind this endpoint should have."""
        slack = self.slack if now_ms - self.slack_ms < FORGET_SLACK_MS else 0
        top = max(self.recent) if slack else self.head.number
        return max(top - slack, 0)


class Heads(Generic[E]):
    """The heads of a chain's endpoints, in the order of their configuration."""

    def __init__(self, clock: Clock, block_time_ms: int, lag_blocks: int) -> None:
        self._clock = clock
        self._block_time_ms = block_time_ms
        self._lag_limit = max(1, min(lag_blocks, LONGEST_LAG_MS // block_time_ms))
        self._seen: dict[E, Sighting] = {}
        self.skew = Skew(clock)

    def saw(self, endpoint: E, head: BlockRef) -> None:
        """Note the newest block an endpoint names."""
        now_ms = self._clock.monotonic_ms()
        seen = self._seen.get(endpoint)
        if seen is None:
            seen = self._seen[endpoint] = Sighting(head, now_ms, now_ms)
        elif head.number > seen.head.number:
            seen.advanced_ms = now_ms
            self.skew.arrived(head)
        elif head.number < seen.head.number and not seen.step_back:
            seen.step_back = (seen.head, seen.head.number - head.number)
        seen.head, seen.seen_ms = head, now_ms
        self.learned(endpoint, head)

    def in_question(self, endpoint: E) -> int | None:
        """Return the height of a head that went back and must be asked for again, to tell other nodes from a reorg."""
        step_back = self._seen[endpoint].step_back if endpoint in self._seen else None
        return step_back[0].number if step_back else None

    def learned(self, endpoint: E, block: BlockRef) -> None:
        """Note any block an endpoint was found to have."""
        seen, now_ms = self._seen[endpoint], self._clock.monotonic_ms()
        if seen.step_back and block.number == seen.step_back[0].number:
            top, step_back = seen.step_back
            seen.step_back = None
            if block.hash == top.hash:
                seen.slack = max(seen.slack if now_ms - seen.slack_ms < FORGET_SLACK_MS else 0, step_back)
                seen.slack_ms = now_ms
            else:
                seen.recent.clear()
        seen.recent[block.number] = block
        for number in [n for n in seen.recent if n <= block.number - KEEP_BLOCKS]:
            del seen.recent[number]

    def sighting(self, endpoint: E) -> Sighting | None:
        """Return what an endpoint has shown, None before it has shown anything."""
        return self._seen.get(endpoint)

    def lag_blocks(self, endpoint: E) -> int:
        """Return how far an endpoint is behind the others, 0 when it is not."""
        seen = self._seen.get(endpoint)
        return max(self._reference() - seen.head.number, 0) if seen else 0

    def state(self, endpoint: E) -> EndpointState:
        """Return whether an endpoint follows the chain: ok, lagging, stuck, or new when it shows nothing."""
        seen, now_ms = self._seen.get(endpoint), self._clock.monotonic_ms()
        if seen is None or not self._is_fresh(seen):
            return EndpointState.NEW
        lag = self.lag_blocks(endpoint)
        if lag > self._lag_limit:
            return EndpointState.LAGGING
        if lag and now_ms - seen.advanced_ms > STUCK_BLOCK_TIMES * self._block_time_ms:
            return EndpointState.STUCK
        return EndpointState.OK

    def following(self, endpoints: Iterable[E]) -> list[E]:
        """Return those of the endpoints that follow the chain."""
        return [endpoint for endpoint in endpoints if self.state(endpoint) is EndpointState.OK]

    def tip(self, endpoints: Sequence[E]) -> int:
        """Return the highest height that all of these endpoints serve without contradicting each other."""
        number = min(self._seen[endpoint].served(self._clock.monotonic_ms()) for endpoint in endpoints)
        while number > 0 and len(self._hashes(endpoints, number)) > 1 and not self._majority(endpoints, number):
            number -= 1
        return number

    def known(self, endpoints: Sequence[E], number: int) -> BlockRef | None:
        """Return the block most of the endpoints have shown at a height, None when none has shown one."""
        chosen = self._majority(endpoints, number)
        blocks = [b for endpoint in endpoints if (b := self._seen[endpoint].recent.get(number))]
        return next((b for b in blocks if chosen in (None, b.hash)), None)

    def agreeing(self, endpoints: Iterable[E], block: BlockRef) -> int:
        """Return how many of the endpoints have reached the block's height and shown no other block there."""
        seen = [self._seen[endpoint] for endpoint in endpoints if endpoint in self._seen]
        reached = [one.recent.get(block.number, block) for one in seen if max(one.recent) >= block.number]
        return sum(one.hash == block.hash for one in reached)

    def _reference(self) -> int:
        """The height others are measured by; with three or more, one alone may run ahead without moving it."""
        fresh = [seen for seen in self._seen.values() if self._is_fresh(seen)] or list(self._seen.values())
        numbers = sorted((seen.head.number for seen in fresh), reverse=True)
        return numbers[1] if len(numbers) >= 3 else numbers[0]

    def _is_fresh(self, seen: Sighting) -> bool:
        return self._clock.monotonic_ms() - seen.seen_ms <= max(SILENT_MS, 3 * self._block_time_ms)

    def _hashes(self, endpoints: Sequence[E], number: int) -> list[str]:
        return list({b.hash for e in endpoints if (b := self._seen[e].recent.get(number))})

    def _majority(self, endpoints: Sequence[E], number: int) -> str | None:
        voices = [b.hash for e in endpoints if (b := self._seen[e].recent.get(number))]
        return next((h for h in voices if voices.count(h) * 2 > len(voices)), None)
