"""One read: its questions sorted by kind, cut into pieces, answered at one block, and compared where that is due."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, assert_never

from monitor.domain.moment import BlockRef
from monitor.errors import BlockMoved, EndpointError
from monitor.query import (
    Answer,
    EthCall,
    Failed,
    LensAnswer,
    LensCall,
    LensPart,
    LogFilter,
    Logs,
    Moment,
    Question,
    StorageRead,
    VenueCall,
)
from monitor.sources.evm import calls, lens, state
from monitor.sources.evm.reader import Reader
from monitor.sources.http.joined import Joined
from monitor.sources.logs.agreed import Agreed
from monitor.sources.logs.entries import matching, merged
from monitor.sources.parallel import in_parallel
from monitor.sources.rpc.comparison import Doubt, compared
from monitor.sources.rpc.endpoint import Endpoint
from monitor.sources.rpc.failover import Failover, Limits

STORAGE_CHUNK = 100

T = TypeVar("T")
Piece = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Reading:
    """Answers batches of questions at one block. With `confirm`, nothing counts on one endpoint's word alone."""

    failover: Failover
    at: BlockRef
    limits: Limits
    doubt: Doubt
    confirm: bool
    joined: Joined

    async def answer(self, questions: tuple[Question, ...]) -> tuple[Answer, ...]:
        """Return one answer per question, in order; raises ReadError when one could not be had."""
        answers: dict[int, Answer] = {}
        trusted: list[tuple[int, EthCall]] = []
        untrusted: list[tuple[int, EthCall]] = []
        words: list[tuple[int, StorageRead]] = []
        logs: list[tuple[int, Logs]] = []
        pieces: list[Iterator[Piece]] = []
        for position, question in enumerate(questions):
            match question:
                case EthCall():
                    (untrusted if question.untrusted else trusted).append((position, question))
                case StorageRead():
                    words.append((position, question))
                case LensCall() if self._none_runs_code():
                    answers[position] = Failed(
                        "no endpoint runs code, neither by state override nor without a receiver"
                    )
                case LensCall():
                    pieces.append(self._lens_pieces(position, question, answers))
                case Logs():
                    logs.append((position, question))
                case Moment():
                    answers[position] = self.at
                case VenueCall():
                    pieces.append(iter((partial(self.joined.fill, position, question, answers),)))
                case _:
                    assert_never(question)
        pieces += [self._call_pieces(group, answers) for group in (trusted, untrusted)]
        pieces.append(self._word_pieces(words, answers))
        pieces.append(self._log_pieces(logs, answers))
        await in_parallel(piece for each in pieces for piece in each)
        return tuple(answers[position] for position in range(len(questions)))

    async def _run(self, job: Callable[[Reader], Awaitable[T]]) -> T:
        def at_endpoint(endpoint: Endpoint) -> Awaitable[T]:
            return job(Reader(endpoint, self.at, self.limits.request_s, self.limits.urgency))

        done = await self.failover.run(at_endpoint, self.limits)
        if not self.confirm and (len(self.failover.fit()) < 2 or not self.doubt.is_due()):
            return done.value
        try:
            return await compared(self.failover, at_endpoint, done, self.limits, self.doubt)
        except (EndpointError, BlockMoved):
            if self.confirm:
                raise
            return done.value

    def _none_runs_code(self) -> bool:
        fit = self.failover.fit()
        return bool(fit) and all(Reader(endpoint, self.at).code_way is None for endpoint in fit)

    def _next(self) -> Reader | None:
        fit = self.failover.fit()
        return Reader(fit[0], self.at) if fit else None

    def _call_pieces(self, asked: Sequence[tuple[int, EthCall]], answers: dict[int, Answer]) -> Iterator[Piece]:
        start = 0
        while start < len(asked):
            reader = self._next()
            size = calls.chunk_items(reader, untrusted=asked[0][1].untrusted) if reader else calls.UNTRUSTED_CHUNK
            chunk = asked[start : start + size]
            start += size
            yield partial(self._fill, chunk, calls.answers, answers)

    def _word_pieces(self, asked: Sequence[tuple[int, StorageRead]], answers: dict[int, Answer]) -> Iterator[Piece]:
        for start in range(0, len(asked), STORAGE_CHUNK):
            yield partial(self._fill, asked[start : start + STORAGE_CHUNK], state.words, answers)

    async def _fill(
        self,
        asked: Sequence[tuple[int, Any]],
        job: Callable[[Reader, Sequence[Any]], Awaitable[list[bytes | Failed]]],
        answers: dict[int, Answer],
    ) -> None:
        questions = [question for _, question in asked]
        found = await self._run(lambda reader: job(reader, questions))
        for (position, _), answer in zip(asked, found, strict=True):
            answers[position] = answer

    def _lens_pieces(self, position: int, question: LensCall, answers: dict[int, Answer]) -> Iterator[Piece]:
        parts: list[LensPart] = []
        answers[position] = LensAnswer(())
        start = 0
        while start < len(question.items):
            reader = self._next()
            stop = min(start + (lens.chunk_items(reader, question) if reader else 1), len(question.items))
            yield partial(self._lens, question, start, stop, parts, partial(answers.__setitem__, position))
            start = stop

    async def _lens(
        self, question: LensCall, start: int, stop: int, parts: list[LensPart], keep: Callable[[LensAnswer], None]
    ) -> None:
        parts += await self._run(lambda reader: lens.parts(reader, question, start, stop))
        keep(LensAnswer(tuple(sorted(parts, key=lambda part: part.start))))

    def _log_pieces(self, asked: Sequence[tuple[int, Logs]], answers: dict[int, Answer]) -> Iterator[Piece]:
        agreed = Agreed(self.failover, self.at, self.limits, self.doubt, self.confirm)
        for from_block in dict.fromkeys(question.from_block for _, question in asked):
            alike = [(position, q.filter) for position, q in asked if q.from_block == from_block]
            for wanted, share in merged(alike):
                yield partial(self._logs, agreed, wanted, from_block, share, answers)

    async def _logs(
        self,
        agreed: Agreed,
        wanted: LogFilter,
        from_block: int,
        share: Sequence[tuple[int, LogFilter]],
        answers: dict[int, Answer],
    ) -> None:
        if from_block == self.at.number:
            found = await agreed.of_block(wanted)
        else:
            found = await agreed.of_span(wanted, from_block, self.at.number)
        for position, own in share:
            answers[position] = tuple(matching(found, own))
