"""ABI bytes that unfold into more than arrived, and honest ones that do not."""

import random
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import eth_abi.abi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import abi, decode_guard
from monitor.errors import DecodeError

MEGABYTE = 1024 * 1024
BOMB_BYTES = 520_000


def _word(number: int) -> bytes:
    return number.to_bytes(32)


def _aliased(count: int, shared: bytes) -> bytes:
    """Return an array whose pointers all lead to the same element."""
    return _word(32) + _word(count) + _word(32 * count) * count + shared


def _aliased_calls() -> bytes:
    body = bytes(BOMB_BYTES // 2)
    return _aliased(BOMB_BYTES // 64, _word(1) + _word(64) + _word(len(body)) + body)


def _aliased_words() -> bytes:
    count = BOMB_BYTES // 64
    return _aliased(count, _word(count) + bytes(32 * count))


def _nested() -> bytes:
    """Return arrays of arrays of arrays, each level's pointers to one element."""
    count = 5_000
    return _word(32) + (_word(count) + _word(32 * count) * count) * 3 + _word(0)


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "aliased results of calls": ("(bool,bytes)[]", _aliased_calls),
    "aliased arrays of words": ("uint256[][]", _aliased_words),
    "aliased strings": ("string[]", lambda: _aliased(8_000, _word(250_000) + bytes(250_016))),
    "aliased three levels deep": ("uint256[][][]", _nested),
    "an array that points at itself": ("uint256[][]", lambda: _word(32) + _word(9_000) + bytes(32 * 9_000)),
    "a length of 2^255": ("uint256[]", lambda: _word(32) + _word(2**255)),
    "a length of 2^256-1": ("bytes", lambda: _word(32) + _word(2**256 - 1)),
    "a pointer of 2^256-1": ("string", lambda: _word(2**256 - 1)),
    "a pointer to nowhere": ("(uint256,string)", lambda: _word(32) + _word(7) + _word(640)),
    "many empty tuples": ("(uint256,uint256)[]", lambda: _word(32) + _word(2**40)),
    "a length one too long": ("uint256[]", lambda: _word(32) + _word(3) + _word(1) * 2),
    "17 MB": ("bytes", lambda: _word(32) + _word(17 * MEGABYTE) + bytes(17 * MEGABYTE)),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_quickly_and_without_memory(bomb: str):
    kind, build = BOMBS[bomb]
    data = build()
    decode_guard.check(("bytes",), _word(32) + _word(0), "warm")
    tracemalloc.start()
    with pytest.raises(DecodeError):
        abi.decode((kind,), data, "a hostile node")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MEGABYTE
    started = time.perf_counter()
    with pytest.raises(DecodeError):
        abi.decode((kind,), data, "a hostile node")
    assert time.perf_counter() - started < 0.05


def test_two_pointers_to_one_part_are_refused_however_small():
    data = _aliased(2, _word(1) + _word(7))
    assert eth_abi.abi.decode(("uint256[][]",), data) == (((7,), (7,)),)
    with pytest.raises(DecodeError, match="pointer"):
        abi.decode(("uint256[][]",), data, "a node")


def test_the_unguarded_decoder_would_have_unfolded_the_bomb():
    count, body = 500, bytes(20_000)
    data = _aliased(count, _word(len(body)) + body)
    (unfolded,) = eth_abi.abi.decode(("bytes[]",), data)
    assert sum(map(len, unfolded)) > 200 * len(data)


def test_an_answer_just_under_the_largest_passes_and_is_decoded_in_full():
    data = eth_abi.abi.encode(("bytes",), (bytes(15 * MEGABYTE),))
    assert len(abi.decode(("bytes",), data, "a node")[0]) == 15 * MEGABYTE


def test_types_nested_deeper_than_eight_are_refused():
    deep = "(" * 9 + "uint256" + ")" * 9
    with pytest.raises(DecodeError, match="nested"):
        abi.decode((deep,), bytes(32), "a node")


_WORDS = st.integers(0, 2**256 - 1)
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "uint256": _WORDS,
    "bytes": st.binary(max_size=100),
    "string": st.text(max_size=30),
    "uint256[]": st.lists(_WORDS, max_size=5).map(tuple),
    "uint8[3]": st.tuples(*[st.integers(0, 255)] * 3),
    "(bool,bytes)[]": st.lists(st.tuples(st.booleans(), st.binary(max_size=40)), max_size=4).map(tuple),
    "bytes[2]": st.tuples(st.binary(max_size=40), st.binary(max_size=40)),
    "(uint256,(string,uint8[])[],bytes32)": st.tuples(
        _WORDS,
        st.lists(st.tuples(st.text(max_size=9), st.lists(st.integers(0, 255), max_size=3).map(tuple)), max_size=3).map(
            tuple
        ),
        st.binary(min_size=32, max_size=32),
    ),
    "string[][]": st.lists(st.lists(st.text(max_size=9), max_size=3).map(tuple), max_size=3).map(tuple),
    "uint256[2][]": st.lists(st.tuples(_WORDS, _WORDS), max_size=3).map(tuple),
}
_ANSWERS = st.lists(st.sampled_from(sorted(_VALUES)), min_size=1, max_size=4).flatmap(
    lambda kinds: st.tuples(st.just(tuple(kinds)), st.tuples(*(_VALUES[kind] for kind in kinds)))
)


@given(_ANSWERS)
def test_whatever_a_compiler_writes_passes_unchanged(answer: tuple[tuple[str, ...], tuple[Any, ...]]):
    kinds, values = answer
    assert abi.decode(kinds, eth_abi.abi.encode(kinds, values), "a node") == values


def _damaged(rounds: int) -> int:
    """Return how many damaged answers still decoded; anything but DecodeError escapes."""
    draw, passed = random.Random(11), 0
    kinds = ("(uint256,(string,uint8[])[],bytes32)", "bytes[2]", "string[][]")
    values = ((7, (("one", (1, 2)), ("two", ())), bytes(32)), (b"a" * 40, b"b"), (("x", "y"), ()))
    seed = eth_abi.abi.encode(kinds, values)
    for _ in range(rounds):
        data = bytearray(seed)
        for _ in range(draw.randint(1, 3)):
            at = draw.randrange(0, len(data), 32)
            data[at : at + 32] = _word(draw.choice((0, 1, 31, 32, 33, 64, 2**16, 2**63, 2**255, draw.randrange(2000))))
        if draw.random() < 0.2:
            del data[draw.randrange(len(data)) :]
        try:
            abi.decode(kinds, bytes(data), "a hostile node")
            passed += 1
        except DecodeError:
            pass
    return passed


def test_damaged_answers_raise_nothing_but_decode_error():
    assert 0 < _damaged(5_000) < 5_000


@pytest.mark.long
def test_a_million_damaged_answers_raise_nothing_but_decode_error():
    assert 0 < _damaged(1_000_000) < 1_000_000


@pytest.mark.parametrize("length", [1_025, 5_000])
def test_a_token_text_over_a_kilobyte_is_refused(length: int):
    with pytest.raises(DecodeError, match="1024"):
        abi.text(eth_abi.abi.encode(("string",), ("A" * length,)))
