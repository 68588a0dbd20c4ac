"""Contract calls built from the interfaces in `abis/`, and the one place where returned bytes become values."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import eth_abi.abi
import eth_abi.exceptions
import eth_abi.grammar
from eth_utils.crypto import keccak

from monitor import decode_guard, resources
from monitor.domain.ids import Address
from monitor.errors import ConfigError, DecodeError, UsageError
from monitor.query import Answer, EthCall, Log, must_be_bytes


@dataclass(frozen=True)
class Function:
    """One function of an interface."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @cached_property
    def selector(self) -> bytes:
        """The four bytes that name the function in calldata."""
        return keccak(text=f"{self.name}({','.join(self.inputs)})")[:4]

    def at(self, to: Address, *arguments: object, untrusted: bool = False) -> "Call":
        """Return the call of this function at an address."""
        return Call(EthCall(to, self.calldata(*arguments), untrusted), self)

    def calldata(self, *arguments: object) -> bytes:
        """Return selector and encoded arguments."""
        return self.selector + (eth_abi.abi.encode(self.inputs, arguments) if arguments else b"")


@dataclass(frozen=True, slots=True)
class Call:
    """A call that reads its own answer: one output is that value, several are a tuple."""

    question: EthCall
    function: Function = field(compare=False)

    def decode(self, answer: Answer) -> Any:
        """Return the typed value.

        Raises CallReverted when the call failed and DecodeError when the bytes are not what the interface says.
        """
        where = f"{self.function.name} at {self.question.to}"
        values = decode(self.function.outputs, must_be_bytes(answer, where), where)
        return values[0] if len(values) == 1 else values


@dataclass(frozen=True, slots=True)
class Event:
    """One event of an interface: each parameter's type, and whether it is a topic."""

    name: str
    topic: str
    inputs: tuple[tuple[str, bool], ...]

    def values(self, log: Log) -> tuple[int | str, ...]:
        """Return the parameters in their order, addresses in lower case, booleans as 0 and 1.

        A text or list is told by where it begins in the data. Raises DecodeError when the log has not their form.
        """
        topics = [topic[2:] for topic in log.topics[1:]]
        plain = log.data.hex()
        count = sum(not is_topic for _, is_topic in self.inputs)
        is_whole = len(plain) == 64 * count or (len(plain) > 64 * count and self._is_dynamic)
        if log.topics[:1] != (self.topic,) or len(topics) != len(self.inputs) - count or not is_whole:
            found = f"{len(log.topics)} topics and {len(log.data)} bytes"
            raise DecodeError(
                f"{self.name} at {log.address} in block {log.block_number}: expected another, found {found}"
            )
        words = iter([plain[i : i + 64] for i in range(0, 64 * count, 64)])
        marks = iter(topics)
        return tuple(_word(kind, next(marks if is_topic else words)) for kind, is_topic in self.inputs)

    @property
    def _is_dynamic(self) -> bool:
        return any(kind in ("string", "bytes") or kind.endswith("]") for kind, is_topic in self.inputs if not is_topic)


@dataclass(frozen=True, slots=True)
class Interface:
    """The functions and events of one contract that this program uses."""

    name: str
    functions: dict[str, Function]
    events: dict[str, Event]

    @property
    def topics(self) -> dict[str, str]:
        """The first topic of each event."""
        return {name: event.topic for name, event in self.events.items()}

    def __getitem__(self, function: str) -> Function:
        return self.functions[function]


@cache
def interface(folder: str, name: str) -> Interface:
    """Return the interface in `abis/<folder>/<name>.json`.

    Raises ConfigError when the file is missing or no ABI.
    """
    path = resources.abis() / folder / f"{name}.json"
    try:
        entries = json.loads(path.read_text())
        functions = {e["name"]: _function(e) for e in entries if e["type"] == "function"}
        events = {e["name"]: _event(e) for e in entries if e["type"] == "event"}
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise ConfigError(f"expected an ABI in {path.name} of abis/{folder}: {e}") from e
    return Interface(f"{folder}/{name}", functions, events)


def decode(types: Sequence[str], data: bytes, where: str) -> tuple[Any, ...]:
    """Return the values of ABI-encoded bytes; addresses in lower case.

    Raises DecodeError for bytes that do not hold these types.
    """
    decode_guard.check(types, data, where)
    try:
        return eth_abi.abi.decode(types, data)
    except (eth_abi.exceptions.DecodingError, OverflowError, UnicodeDecodeError, ValueError) as e:
        raise DecodeError(f"{where}: expected ({','.join(types)}), found {len(data)} bytes: {e}") from e


def text(data: bytes) -> str:
    """Return a token's name or symbol, encoded as string or as bytes32.

    Raises DecodeError when it is neither.
    """
    if len(data) == 32:
        raw = data.rstrip(b"\0")
    else:
        (raw,) = decode(("bytes",), data, "text")
    if len(raw) > 1024:
        raise DecodeError(f"expected a text of at most 1024 bytes, found {len(raw)}")
    try:
        return str(raw, "utf-8")
    except UnicodeDecodeError as e:
        raise DecodeError(f"expected UTF-8 text, found {raw[:20]!r}") from e


def selector_of(signature: str) -> bytes:
    """Return the selector of `name(types)`; raises UsageError without parentheses."""
    if not signature.endswith(")"):
        raise UsageError(f"expected a signature name(types), found {signature!r}")
    return keccak(text=signature)[:4]


def _function(entry: dict[str, Any]) -> Function:
    return Function(
        entry["name"],
        tuple(_type(i) for i in entry["inputs"]),
        tuple(_type(o) for o in entry["outputs"]),
    )


def _event(entry: dict[str, Any]) -> Event:
    inputs = tuple((_type(i), bool(i["indexed"])) for i in entry["inputs"])
    return Event(entry["name"], "0x" + keccak(text=_signature(entry)).hex(), inputs)


def _word(kind: str, digits: str) -> int | str:
    return "0x" + digits[24:] if kind == "address" else int(digits, 16)


def _signature(entry: dict[str, Any]) -> str:
    return f"{entry['name']}({','.join(_type(i) for i in entry['inputs'])})"


def _type(parameter: dict[str, Any]) -> str:
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_type(c) for c in parameter['components'])}){kind[len('tuple') :]}"


def spoken_calldata(function: str, arguments: Sequence[str]) -> bytes:
    """Return the calldata of a function such as `f((address,uint256),address[],bytes)` for arguments in words.

    Tuples are written `(a,b)`, arrays `[a,b]`, bytes as hex digits after `0x`. Raises UsageError for what is no such
    function, or does not fit it.
    """
    name, _, rest = function.partition("(")
    try:
        kind = eth_abi.grammar.parse(f"({rest}")
        if not isinstance(kind, eth_abi.grammar.TupleType):
            raise UsageError(f"expected a function name(types), found {function[:80]!r}")
        values = _parts(kind, f"({','.join(arguments)})")
        return selector_of(f"{name}({rest}") + eth_abi.abi.encode(
            [one.to_type_str() for one in kind.components], values
        )
    except (ValueError, TypeError, KeyError, eth_abi.exceptions.ParseError, eth_abi.exceptions.EncodingError) as e:
        raise UsageError(f"expected a function and arguments that fit it, found {function[:80]!r}: {e}") from e


def _parts(kind: eth_abi.grammar.TupleType, word: str) -> tuple[object, ...]:
    return tuple(_spoken(one, part) for one, part in zip(kind.components, _words(word, "(", ")"), strict=True))


def _spoken(kind: eth_abi.grammar.ABIType, word: str) -> object:
    if kind.is_array:
        return [_spoken(kind.item_type, one) for one in _words(word, "[", "]")]
    if isinstance(kind, eth_abi.grammar.TupleType):
        return _parts(kind, word)
    match getattr(kind, "base", ""):
        case "uint" | "int":
            return int(word)
        case "bool":
            return {"true": True, "false": False}[word]
        case "bytes":
            return bytes.fromhex(word.removeprefix("0x"))
        case _:
            return word


def _words(text: str, start: str, end: str) -> list[str]:
    """Return what stands between commas in brackets, brackets inside left whole."""
    if text[:1] != start or text[-1:] != end:
        raise ValueError(f"expected {start}…{end}, found {text[:40]!r}")
    found, depth = [""], 0
    for letter in text[1:-1]:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            found.append("")
        else:
            found[-1] += letter
    return found if text[1:-1] else []
