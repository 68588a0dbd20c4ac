"""Calls with one address and answers of whole words, for the reads of every account: a codec of their own."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.abi import Function
from monitor.domain.ids import Address
from monitor.query import Answer, Ask, EthCall, Failed, ask_raw

_WORD = 32
_PADDING = bytes(12)


@dataclass(frozen=True, slots=True)
class Of:
    """A function of one address, asked at one contract."""

    function: Function
    to: Address
    key: str

    @property
    def question(self) -> EthCall:
        return EthCall(self.to, self.function.selector + _PADDING + bytes.fromhex(self.key[2:]))


def ask_numbers(asked: Sequence[Of], count: int) -> Ask[list[tuple[int, ...] | Failed]]:
    """Return so many numbers of each answer; an answer that is shorter is `Failed`."""
    answers = yield from ask_raw(*(one.question for one in asked))
    return [_numbers(answer, count, one) for one, answer in zip(asked, answers, strict=True)]


def ask_addresses(asked: Sequence[Of]) -> Ask[list[tuple[Address, ...] | Failed]]:
    """Return the list of addresses of each answer; an answer that is no such list is `Failed`."""
    answers = yield from ask_raw(*(one.question for one in asked))
    return [_addresses(answer, one) for one, answer in zip(asked, answers, strict=True)]


def _numbers(answer: Answer, count: int, of: Of) -> tuple[int, ...] | Failed:
    if not isinstance(answer, bytes):
        return answer if isinstance(answer, Failed) else _wrong(of, answer)
    if len(answer) < _WORD * count:
        return _wrong(of, answer)
    return tuple(int.from_bytes(answer[i : i + _WORD], "big") for i in range(0, _WORD * count, _WORD))


def _addresses(answer: Answer, of: Of) -> tuple[Address, ...] | Failed:
    if not isinstance(answer, bytes):
        return answer if isinstance(answer, Failed) else _wrong(of, answer)
    start, count = (int.from_bytes(answer[i : i + _WORD], "big") for i in (0, _WORD))
    if start != _WORD or len(answer) != _WORD * (2 + count):
        return _wrong(of, answer)
    digits = answer[2 * _WORD :].hex()
    return tuple(Address("0x" + digits[i + 24 : i + 64]) for i in range(0, len(digits), 64))


def _wrong(of: Of, answer: Answer) -> Failed:
    found = f"{len(answer)} bytes" if isinstance(answer, bytes) else type(answer).__name__
    return Failed(f"{of.function.name} at {of.to}: expected other words, found {found}")
