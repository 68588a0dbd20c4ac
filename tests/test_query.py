"""Reads are generators: batches are shared, a failed answer stays in its place, and no answer is ever lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.ids import ChainId, address
from monitor.domain.moment import BlockRef
from monitor.errors import CallReverted, ReadError, UnexpectedAnswer
from monitor.query import (
    Answer,
    EthCall,
    Failed,
    Log,
    LogFilter,
    any_of,
    ask,
    ask_all,
    ask_each,
    attempt,
    drive,
    few_of,
    moment,
    must_be_bytes,
    together,
)

HERE = address("0x" + "11" * 20)
BLOCK = BlockRef(ChainId("eip155:1"), 7, "0x07", "0x06", 1)


class Number:
    """A question whose answer is one big-endian number."""

    def __init__(self, n: int) -> None:
        self.question = EthCall(HERE, bytes([n]))

    def decode(self, answer: Answer) -> int:
        return int.from_bytes(must_be_bytes(answer, "number"))


class Table:
    """Answers each call with its own calldata doubled, and remembers how questions were batched."""

    def __init__(self, failing: int | None = None) -> None:
        self.failing = failing
        self.batches: list[int] = []

    async def __call__(self, questions):
        self.batches.append(len(questions))
        return tuple(self._answer(question) for question in questions)

    def _answer(self, question):
        if not isinstance(question, EthCall):
            return BLOCK
        n = question.data[0]
        return Failed("reverted", b"\x01") if n == self.failing else bytes([2 * n])


def doubled_twice(n):
    first = yield from ask(Number(n))
    second = yield from ask(Number(first))
    return second


async def test_one_question_returns_its_decoded_answer():
    assert await drive(ask(Number(21)), Table()) == 42


async def test_reads_run_together_share_their_batches():
    table = Table()
    assert await drive(together(doubled_twice(1), ask(Number(5)), doubled_twice(3)), table) == (4, 10, 12)
    assert table.batches == [3, 2]


async def test_no_reads_together_ask_nothing():
    assert await drive(together(), Table()) == ()
    assert await drive(ask_all([]), Table()) == ()
    assert await drive(ask_each([]), Table()) == ()


async def test_a_failed_answer_stays_in_its_place():
    first, second, third = await drive(ask_each([Number(1), Number(2), Number(3)]), Table(failing=2))
    assert (first, third) == (2, 6)
    assert isinstance(second, Failed)


async def test_a_failed_answer_raises_where_all_are_needed():
    with pytest.raises(CallReverted, match="reverted") as caught:
        await drive(ask_all([Number(1), Number(2)]), Table(failing=2))
    assert caught.value.data == b"\x01"


async def test_a_source_that_loses_an_answer_is_refused():
    async def loses_one(questions):
        return tuple(b"\x01" for _ in questions[1:])

    with pytest.raises(ReadError, match="expected 2 answers, found 1"):
        await drive(ask_all([Number(1), Number(2)]), loses_one)


async def test_a_read_learns_its_moment_by_asking():
    assert await drive(moment(), Table()) == BLOCK


async def test_an_answer_of_another_shape_is_refused():
    async def numbers(questions):
        return tuple("text" for _ in questions)

    with pytest.raises(UnexpectedAnswer, match="expected the moment"):
        await drive(moment(), numbers)
    with pytest.raises(UnexpectedAnswer, match="expected bytes"):
        await drive(ask(Number(1)), numbers)


PLACES, TOPICS = st.sampled_from([address("0x" + f"{n:02x}" * 20) for n in range(4)]), st.sampled_from("abcd")
WANTED = st.one_of(st.none(), st.lists(TOPICS, min_size=1, max_size=3, unique=True).map(tuple))
FILTERS = st.builds(
    LogFilter, st.lists(PLACES, max_size=3, unique=True).map(tuple), st.lists(WANTED, max_size=3).map(tuple)
)
LOGS = st.builds(
    Log, PLACES, st.lists(TOPICS, max_size=4).map(tuple), st.just(b""), st.just(1), st.just("0x1"), st.just(0)
)


@given(st.lists(FILTERS, min_size=1, max_size=4), LOGS)
def test_one_filter_for_many_loses_no_log_that_any_of_them_wants(filters, log):
    if any(one.fits(log) for one in filters):
        assert any_of(filters).fits(log)


def test_a_filter_fits_as_a_node_reads_it():
    log = Log(HERE, ("a", "b"), b"", 1, "0x1", 0)
    other = address("0x" + "22" * 20)
    assert LogFilter((), ()).fits(log)
    assert LogFilter((other, HERE), (("x", "a"), None)).fits(log)
    assert not LogFilter((other,), ()).fits(log)
    assert not LogFilter((HERE,), (("b",),)).fits(log)
    assert not LogFilter((HERE,), (None, None, None)).fits(log)


async def test_a_read_that_fails_beside_others_returns_its_error_and_they_go_on():
    source = Table(failing=2)
    good, bad, also = await drive(together(*(attempt(ask(Number(n))) for n in (1, 2, 3))), source)
    assert (good, also) == (2, 6)
    assert isinstance(bad, ReadError)
    assert source.batches == [3]


def test_a_filter_that_a_second_topic_narrows_stays_apart_from_broad_ones():
    other = address("0x" + "22" * 20)
    broad = [LogFilter((HERE,), (("0x01",),)), LogFilter((other,), (("0x02",),))]
    narrow = [LogFilter((HERE,), (("0x03",), ("0x04",))), LogFilter((HERE,), (("0x03",), ("0x05",)))]
    assert few_of([*broad, *narrow]) == (
        LogFilter((HERE, other), (("0x01", "0x02"),)),
        LogFilter((HERE,), (("0x03",), ("0x04", "0x05"))),
    )
    assert few_of(broad) == (any_of(broad),)
    assert few_of(()) == ()
