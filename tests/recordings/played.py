"""A recording as a source of answers, without a node: drives any read at one of the recorded blocks.

    played = Played(load("compound_v3"), 0)          # block 0, 1 or 2
    market = played.read(adapter.market(deployment, key))
    played.missing                                   # what was asked and is not recorded: (to, selector)

Calls and storage words come from the recording's dictionaries, logs from its list. There is no lens: a `LensCall`
fails as it does on an endpoint without state overrides, so that an adapter takes its way of plain calls. A call that
was not recorded fails too and is noted in `missing`; `overridden` replaces single answers, for a test that breaks one.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from monitor.query import (
    Answer,
    Ask,
    EthCall,
    Failed,
    LensAnswer,
    LensCall,
    LensPart,
    Log,
    LogFilter,
    Logs,
    Moment,
    Question,
    StorageRead,
    T,
)
from tests.recordings.recording import Block, Recording


@dataclass
class Played:
    """One recorded block. `calls`, `batches` and `call_bytes` (asked and answered) count what reads have cost."""

    recording: Recording
    number: int
    overridden: Mapping[tuple[str, bytes], bytes | Failed] = field(default_factory=dict)
    missing: Counter[tuple[str, str]] = field(default_factory=Counter)
    calls: int = 0
    batches: int = 0
    call_bytes: int = 0

    @property
    def block(self) -> Block:
        return self.recording.blocks[self.number]

    def read(self, read: Ask[T]) -> T:
        """Run a read at the block."""
        try:
            questions = next(read)
            while True:
                self.batches += 1
                questions = read.send(tuple(self._answer(question) for question in questions))
        except StopIteration as stop:
            return cast("T", stop.value)

    def logs(self, wanted: LogFilter, from_block: int) -> tuple[Log, ...]:
        """Return the recorded logs from a block up to this one that pass the filter."""
        last = self.block.at.number
        return tuple(log for log in self.recording.logs if from_block <= log.block_number <= last and _is(log, wanted))

    def _answer(self, question: Question) -> Answer:
        match question:
            case EthCall(to, data):
                return self._call(to.lower(), data)
            case StorageRead(address, slot):
                word = self.block.storage.get((address.lower(), slot))
                return word if word is not None else self._unrecorded(address.lower(), hex(slot))
            case Logs(wanted, from_block):
                return self.logs(wanted, from_block)
            case LensCall(items=items):
                return LensAnswer((LensPart(0, len(items), Failed("no state override in a recording")),))
            case Moment():
                return self.block.at
        raise NotImplementedError(type(question).__name__)

    def _call(self, to: str, data: bytes) -> bytes | Failed:
        answer = self.overridden.get((to, data)) or self.block.calls.get((to, data))
        self.calls += 1
        self.call_bytes += len(data) + (len(answer) if isinstance(answer, bytes) else 0)
        return answer if answer is not None else self._unrecorded(to, data[:4].hex())

    def _unrecorded(self, to: str, what: str) -> Failed:
        self.missing[to, what] += 1
        return Failed(f"not recorded: {what} of {to}")


def _is(log: Log, wanted: LogFilter) -> bool:
    if wanted.addresses and log.address not in {address.lower() for address in wanted.addresses}:
        return False
    topics = (*log.topics, *[None] * 4)
    return all(some is None or topics[i] in some for i, some in enumerate(wanted.topics))
