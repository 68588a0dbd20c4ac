"""The densest known minutes of a market: so many accounts are touched each second, and far more in one of them.

On Hyperliquid it was 4,500 events a second for twelve minutes on 10 October 2025, and 22,558 in the worst second.
"""

import asyncio
import resource
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter

from monitor.cycle.head import HeadLoop
from monitor.query import Log
from tests.crash.large import EARLIER_BLOCKS, Large, debts, halved, in_category
from tests.crash.recording import Seen
from tests.crash.replayed import Replayed

EACH_S, PEAK = 4_500, 22_558
"""Events of 100,000 accounts."""
OF, REREAD_EVERY = 100_000, 20


@dataclass(frozen=True)
class Busy(Seen):
    """A block whose logs are made when they are asked for."""

    acts: "_Acts"

    def logs_of(self) -> Iterator[Log]:
        return iter(self.acts)


@dataclass(frozen=True)
class Lag:
    """How long after its head each commit was, seconds; how many events there were; memory at most, bytes."""

    seconds: tuple[float, ...]
    events: int
    resident: int

    def __str__(self) -> str:
        return (
            f"{self.events} events, committed at most {max(self.seconds):.1f} s after their head, "
            f"{self.resident / 1e9:.2f} GB"
        )


def fall(large: Large, blocks: int) -> int:
    """Give the chain so many heads in which accounts are touched in turn; return how many events there are.

    Of each twentieth the log does not tell the balances, so that it is read again.
    """
    recording, total = large.recording, 0
    recording.heads = recording.heads[:1]
    places = {key: place for place, key in enumerate(large.keys[: large.count])}
    first = recording.blocks[recording.heads[0]].words
    for run in range(blocks):
        acts = _Acts(large, EARLIER_BLOCKS + 1 + run, total, _events(run, blocks, large.count))
        total += acts.count
        block = large.block(acts.number)
        words = _Words(first, places, total)
        recording.blocks[block.hash] = Busy(block, {}, words, (), {}, acts)
        recording.heads.append(block.hash)
    return total


async def followed(loop: HeadLoop, chain: Replayed, seconds: float, block_s: float = 1) -> tuple[float, ...]:
    """Follow a chain whose heads come whether or not they are waited for; return how late each commit was."""
    begin, late = perf_counter(), list[float]()
    while (now := perf_counter() - begin) < seconds:
        tip = min(int(now / block_s) + 1, len(chain.recording.heads) - 1)
        if tip == chain.tip:
            await asyncio.sleep(0.01)
            continue
        chain.tip = tip
        await loop.once()
        late.append(perf_counter() - begin - (tip - 1) * block_s)
    return tuple(late)


def resident() -> int:
    """Return how much memory this process had at most, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _events(run: int, blocks: int, count: int) -> int:
    return (PEAK if run == blocks // 2 else EACH_S) * count // OF


class Totals(Mapping[int, Mapping[tuple[int, int], int]]):
    """What everybody owes together, by block; quick, since it is asked for while keepers wait."""

    def __init__(self, large: Large) -> None:
        self._large = large
        first = large.recording.blocks[large.recording.heads[0]].words
        keys = large.keys[: large.count]
        self._still = debts(first, (key for place, key in enumerate(keys) if place % REREAD_EVERY))
        self._halved = {place: debts(first, (keys[place],)) for place in range(0, len(keys), REREAD_EVERY)}

    def __getitem__(self, number: int) -> Mapping[tuple[int, int], int]:
        words, found = self._large.recording.blocks[self._large.block(number).hash].words, Counter(self._still)
        for place, own in self._halved.items():
            times = words.times(place) if isinstance(words, _Words) else 0
            for owed, raw in own.items():
                found[owed] += raw >> times
        return found

    def __iter__(self) -> Iterator[int]:
        return iter(seen.block.number for seen in self._large.recording.blocks.values())

    def __len__(self) -> int:
        return len(self._large.recording.blocks)


@dataclass(frozen=True)
class _Acts:
    """The logs of one block, made when they are asked for: `count` accounts from the event `start` on."""

    large: Large
    number: int
    start: int
    count: int

    def __iter__(self) -> Iterator[Log]:
        for index in range(self.count):
            place = (self.start + index) % self.large.count
            name = "Repay" if place % REREAD_EVERY == 0 else "UserEModeSet"
            yield self.large.log(name, self.large.keys[place], self.number, index)


@dataclass(frozen=True)
class _Words(Mapping[bytes, bytes]):
    """What the lens says of accounts once there were so many events."""

    first: Mapping[bytes, bytes]
    places: Mapping[bytes, int]
    events: int

    def __getitem__(self, key: bytes) -> bytes:
        place, words = self.places[key], self.first[key]
        times = self.times(place)
        if place % REREAD_EVERY:
            return in_category(words) if times else words
        for _ in range(times):
            words = halved(words)
        return words

    def times(self, place: int) -> int:
        """Return how often an account was touched by then."""
        return -((place - self.events) // len(self.places)) if self.events > place else 0

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.first)

    def __len__(self) -> int:
        return len(self.first)
