"""A chain that answers from a recording, at one head after the other, and says each time that it is about to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from monitor.domain.ids import Address, ChainId
from monitor.domain.liveness import Live
from monitor.domain.moment import BlockRef
from monitor.errors import BlockMoved
from monitor.query import (
    Answer,
    Ask,
    EthCall,
    LensAnswer,
    LensCall,
    LensPart,
    Log,
    LogFilter,
    Logs,
    Moment,
    Question,
    drive,
)
from monitor.store.engine import Reach
from tests.crash.recording import Recording, Seen

T = TypeVar("T")
BLOCKS_PER_RANGE = 40
SETTLED_DEPTH = 6
_END = 1 << 152 | 253 << 128


@dataclass(frozen=True)
class Expected:
    """How much a range of logs takes."""

    requests: int = 1
    seconds: int = 1


@dataclass
class Replayed:
    """What `Chain` is to the service. `tip` counts heads; a block that forked away is gone; `asked` are accounts."""

    recording: Recording
    tip: int = 0
    reach: Reach = lambda _: None
    asked: list[bytes] = field(default_factory=list)

    @property
    def id(self) -> ChainId:
        return self.recording.deployment.chain

    @property
    def name(self) -> str:
        return "recorded"

    @property
    def liveness(self) -> Live:
        return Live(self.at)

    @property
    def at(self) -> BlockRef:
        return self.recording.blocks[self.recording.heads[self.tip]].block

    async def head(self) -> BlockRef:
        return self.at

    async def wait_for_head(self, after: BlockRef | None, timeout_s: float) -> BlockRef:
        self.reach("head given")
        return self.at

    async def block(self, which: int | str) -> BlockRef:
        self.reach("block looked for")
        line = self.recording.line(self.at.hash)
        for seen in line.values():
            if which in (seen.block.number, seen.block.hash):
                return seen.block
        raise BlockMoved(f"expected block {which}, found none")

    async def settled(self, head: BlockRef) -> int:
        return head.number - SETTLED_DEPTH

    async def has_code(self, contract: Address, at: BlockRef) -> bool:
        return True

    async def estimate(self, wanted: LogFilter, first: int, last: int, at: BlockRef) -> Expected:
        return Expected()

    async def logs(
        self,
        wanted: LogFilter,
        first: int,
        last: int,
        at: BlockRef,
        progress: Callable[[Any], None] = lambda _: None,
    ) -> AsyncIterator[tuple[range, tuple[Log, ...]]]:
        self._there(at)
        # A node finds them in a process of its own.
        logs = await asyncio.to_thread(self._logs, wanted, first, last, at)
        for start in range(first, last + 1, BLOCKS_PER_RANGE):
            blocks = range(start, min(start + BLOCKS_PER_RANGE, last + 1))
            self.reach("logs of a range given")
            yield blocks, tuple(log for log in logs if log.block_number in blocks)

    async def read(self, ask: Ask[T], at: BlockRef, **_: object) -> T:
        async def answer(questions: tuple[Question, ...]) -> tuple[Answer, ...]:
            seen = self._there(at)
            return tuple(self._answer(question, seen) for question in questions)

        found = await drive(ask, answer)
        self.reach("read done")
        return found

    def _there(self, at: BlockRef) -> Seen:
        seen = self.recording.line(self.at.hash).get(at.number)
        if seen is None or seen.block.hash != at.hash:
            raise BlockMoved(f"expected block {at.number} {at.hash}, found that it is gone")
        return seen

    def _answer(self, question: Question, seen: Seen) -> Answer:
        match question:
            case EthCall():
                return seen.calls[question]
            case Moment():
                return seen.block
            case Logs(wanted, first):
                self.reach("logs of a block given")
                return self._logs(wanted, first, seen.block.number, seen.block)
            case LensCall(items=items):
                self.reach("accounts asked for")
                self.asked += items
                return LensAnswer((LensPart(0, len(items), _joined([seen.words[item] for item in items])),))
            case _:
                raise AssertionError(f"nothing was recorded of {question}")

    def _logs(self, wanted: LogFilter, first: int, last: int, at: BlockRef) -> tuple[Log, ...]:
        line = self.recording.line(at.hash)
        numbers = range(max(first, min(line)), last + 1)
        found = [log for log in self.recording.earlier if first <= log.block_number <= last]
        found += [log for number in numbers for log in line[number].logs_of()]
        return tuple(log for log in found if _matches(wanted, log))


def _matches(wanted: LogFilter, log: Log) -> bool:
    told = (*log.topics, *[""] * len(wanted.topics))
    return log.address in wanted.addresses and all(
        some is None or topic in some for some, topic in zip(wanted.topics, told, strict=False)
    )


def _joined(runs: list[bytes]) -> bytes:
    words = b"".join(runs)
    return words + (_END | len(words) // 32).to_bytes(32, "big")
