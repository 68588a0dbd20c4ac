"""Questions that readers ask and answers they get, without anyone here touching a network.

A read is a generator that yields batches of questions and receives as many answers. Whoever drives it answers one
batch at one moment, so one read means one moment by construction.
"""

from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from monitor.domain.ids import Address
from monitor.domain.moment import At
from monitor.errors import CallReverted, ReadError, UnexpectedAnswer


@dataclass(frozen=True, slots=True)
class EthCall:
    """A read-only call; the answer is the returned bytes.

    `untrusted` keeps a call to unvetted code (token metadata) out of batches with trusted ones and bounds its gas.
    """

    to: Address
    data: bytes
    untrusted: bool = False


@dataclass(frozen=True, slots=True)
class LensCall:
    """Own code run once per item over a whole list.

    Calldata is `head` followed by the items, each `len(items[0])` bytes; the output is self-describing words, one run
    after the other in the order of the items, and a last word that counts them. The answer is a `LensAnswer`.
    """

    code: bytes
    head: bytes
    items: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class StorageRead:
    """One storage word; the answer is 32 bytes."""

    address: Address
    slot: int


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which logs are of interest: any of the addresses, topics by position, None for any."""

    addresses: tuple[Address, ...]
    topics: tuple[tuple[str, ...] | None, ...]

    def fits(self, log: "Log") -> bool:
        """Whether the filter lets a log through."""
        topics = zip(self.topics, log.topics, strict=False)
        return (
            (not self.addresses or log.address in self.addresses)
            and len(log.topics) >= len(self.topics)
            and all(wanted is None or topic in wanted for wanted, topic in topics)
        )


MOST_TOPICS = 100
"""Geth takes 1,000 in one place; some providers fewer."""


def any_of(filters: Sequence[LogFilter]) -> LogFilter:
    """Return one filter that lets through at least what any of them does; the narrowest that can be asked at once.

    Where more than `MOST_TOPICS` are wanted in another place than the first, any are: nodes refuse long lists.
    """
    is_open = any(not one.addresses for one in filters)
    addresses = () if is_open else dict.fromkeys(address for one in filters for address in one.addresses)
    depth = min((len(one.topics) for one in filters), default=0)
    places = (tuple(one.topics[place] for one in filters) for place in range(depth))
    first, *more = [_either(topics) for topics in places] or [None]
    narrowing = (None if topics is not None and len(topics) > MOST_TOPICS else topics for topics in more)
    return LogFilter(tuple(addresses), (first, *narrowing) if depth else ())


def few_of(filters: Sequence[LogFilter]) -> tuple[LogFilter, ...]:
    """Return as few filters as let through what any of them does, without asking for far more.

    Those that a second topic narrows, of contracts that tell all their events in one way, stay apart from those that
    name events by the first topic alone.
    """
    broad = [one for one in filters if len(one.topics) < 2]
    narrow = [one for one in filters if len(one.topics) >= 2]
    return tuple(any_of(group) for group in (broad, narrow) if group)


def _either(topics: Sequence[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    known = [one for one in topics if one is not None]
    return tuple(dict.fromkeys(topic for one in known for topic in one)) if len(known) == len(topics) else None


@dataclass(frozen=True, slots=True)
class Logs:
    """Logs of a range of blocks up to the moment of the read; the answer is a tuple of `Log`, in order.

    With `from_block` the block of the read itself, they are asked for by its hash.
    """

    filter: LogFilter
    from_block: int


@dataclass(frozen=True, slots=True)
class VenueCall:
    """One request to a venue's HTTP API; the answer is its JSON text, or `Failed` where a chain's read joins it.

    `venue` names which API where there are several (`Deployment.venue`), empty for the only one of the source;
    `weight` is what the request takes of the venue's rate budget.
    """

    path: str
    body: str = ""
    venue: str = ""
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Moment:
    """The question which moment the read is answered at; the answer is an `At`."""


@dataclass(frozen=True, slots=True)
class Log:
    """One event of a block."""

    address: Address
    topics: tuple[str, ...]
    data: bytes
    block_number: int
    block_hash: str
    index: int
    transaction_hash: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """A question that has no answer at this moment: a revert, or code that does not return what it should."""

    reason: str
    revert_data: bytes = b""


@dataclass(frozen=True, slots=True)
class Absent(Failed):
    """What a venue answers of which there is none (HTTP 404): nobody of that name, nothing at that place."""


@dataclass(frozen=True, slots=True)
class LensPart:
    """The output for `items[start:stop]`, or why those items have none."""

    start: int
    stop: int
    output: bytes | Failed


@dataclass(frozen=True, slots=True)
class LensAnswer:
    """Parts in the order of the items, without gaps."""

    parts: tuple[LensPart, ...]


Question = EthCall | LensCall | StorageRead | Logs | VenueCall | Moment
Answer = bytes | LensAnswer | tuple[Log, ...] | At | str | Failed

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Ask = Generator[tuple[Question, ...], tuple[Answer, ...], T]


class Asking(Protocol[T_co]):
    """A question that knows how to read its answer."""

    @property
    def question(self) -> Question: ...

    def decode(self, answer: Answer) -> T_co:
        """Return the typed value; raises UnexpectedAnswer (CallReverted for `Failed`)."""
        ...


def ask_raw(*questions: Question) -> Ask[tuple[Answer, ...]]:
    """Ask a batch; answers come back as they are, failures included."""
    answers = yield questions
    return answers


def ask(asking: Asking[T]) -> Ask[T]:
    """Ask one question; raises UnexpectedAnswer when it has no answer."""
    (answer,) = yield (asking.question,)
    return asking.decode(answer)


def ask_each(askings: Sequence[Asking[T]]) -> Ask[tuple[T | Failed, ...]]:
    """Ask many questions in one batch; one that fails or does not decode is a `Failed` in its place."""
    if not askings:
        return ()
    answers = yield tuple(asking.question for asking in askings)
    return tuple(_decoded(asking, answer) for asking, answer in zip(askings, answers, strict=True))


def ask_all(askings: Sequence[Asking[T]]) -> Ask[tuple[T, ...]]:
    """Ask many questions in one batch; raises UnexpectedAnswer when any has no answer."""
    if not askings:
        return ()
    answers = yield tuple(asking.question for asking in askings)
    return tuple(asking.decode(answer) for asking, answer in zip(askings, answers, strict=True))


def _decoded(asking: Asking[T], answer: Answer) -> T | Failed:
    if isinstance(answer, Failed):
        return answer
    try:
        return asking.decode(answer)
    except UnexpectedAnswer as e:
        return Failed(str(e))


def moment() -> Ask[At]:
    """Ask which moment this read is answered at."""
    (answer,) = yield (Moment(),)
    if isinstance(answer, Failed) or not isinstance(answer, At):
        raise UnexpectedAnswer(f"expected the moment of the read, found {answer!r:.80}")
    return answer


def together(*reads: Ask[Any]) -> Ask[tuple[Any, ...]]:
    """Run several reads in step, so that their questions share batches; returns their results in order."""
    results: list[Any] = [None] * len(reads)
    pending: dict[int, tuple[Question, ...]] = {}
    _advance(reads, results, pending, dict.fromkeys(range(len(reads))))
    while pending:
        asked = dict(pending)
        answers = yield tuple(question for batch in asked.values() for question in batch)
        cursor, shares = 0, {}
        for index, batch in asked.items():
            shares[index] = answers[cursor : cursor + len(batch)]
            cursor += len(batch)
        pending.clear()
        _advance(reads, results, pending, shares)
    return tuple(results)


def attempt(read: Ask[T]) -> Ask[T | ReadError]:
    """Run a read and return its ReadError instead of raising it, so that others beside it go on."""
    try:
        return (yield from read)
    except ReadError as e:
        return e


def _advance(
    reads: Sequence[Ask[Any]],
    results: list[Any],
    pending: dict[int, tuple[Question, ...]],
    shares: dict[int, Any],
) -> None:
    for index, share in shares.items():
        try:
            pending[index] = next(reads[index]) if share is None else reads[index].send(share)
        except StopIteration as stop:
            results[index] = stop.value


Answerer = Callable[[tuple[Question, ...]], Awaitable[tuple[Answer, ...]]]


async def drive(read: Ask[T], answer: Answerer) -> T:
    """Run a read against a source of answers.

    Raises ReadError when the source returns another number of answers than there were questions, and whatever the
    read itself raises.
    """
    try:
        questions = next(read)
        while True:
            answers = await answer(questions)
            if len(answers) != len(questions):
                raise ReadError(f"expected {len(questions)} answers, found {len(answers)}: the source lost some")
            questions = read.send(answers)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]  # the generator's return type is T


def must_be_bytes(answer: Answer, what: str) -> bytes:
    """Return the bytes of an answer; raises CallReverted for `Failed`, UnexpectedAnswer for another shape."""
    if isinstance(answer, Failed):
        raise CallReverted(f"{what}: {answer.reason}", answer.revert_data)
    if not isinstance(answer, bytes):
        raise UnexpectedAnswer(f"{what}: expected bytes, found {type(answer).__name__}")
    return answer
