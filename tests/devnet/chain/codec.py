"""Calldata and results by signature strings such as `balanceOf(address)(uint256)`, with cached selectors."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

ERROR_STRING = keccak(b"Error(string)")[:4]
PANIC = keccak(b"Panic(uint256)")[:4]


class Signature(NamedTuple):
    """A parsed signature: 4-byte selector, argument types, result types."""

    selector: bytes
    arguments: tuple[str, ...]
    results: tuple[str, ...]


@cache
def parse(signature: str) -> Signature:
    name, rest = signature[: signature.index("(")], signature[signature.index("(") :]
    groups = _groups(rest)
    selector = keccak(f"{name}{groups[0]}".encode())[:4]
    return Signature(selector, _types(groups[0]), _types(groups[1]) if len(groups) > 1 else ())


def _groups(text: str) -> list[str]:
    """The top-level parenthesised groups of `text`."""
    groups, depth, start = [], 0, 0
    for i, character in enumerate(text):
        if character == "(":
            start, depth = (i if depth == 0 else start), depth + 1
        elif character == ")":
            depth -= 1
            if depth == 0:
                groups.append(text[start : i + 1])
    return groups


def _types(group: str) -> tuple[str, ...]:
    types, depth, start = [], 0, 1
    for i, character in enumerate(group[1:], 1):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if (character == "," and depth == 0) or depth < 0:
            types.append(group[start:i])
            start = i + 1
    return tuple(t for t in types if t)


def calldata(signature: str, *arguments: Any) -> str:
    parsed = parse(signature)
    return "0x" + (parsed.selector + encode(parsed.arguments, arguments)).hex()


def results(signature: str, data: str) -> Any:
    """One value, or a tuple when the signature names several."""
    values = decode(parse(signature).results, bytes.fromhex(data[2:]))
    return values[0] if len(values) == 1 else values


def constructor(bytecode: str, types: Sequence[str], arguments: Sequence[Any]) -> str:
    """Creation code: `0x` bytecode followed by encoded constructor arguments."""
    return bytecode + encode(types, arguments).hex()


def topic(event: str) -> str:
    """The first topic of an event given as `Name(type,…)`."""
    return "0x" + keccak(event.encode()).hex()


def address_of(word: str) -> str:
    """The address in the low 20 bytes of a 32-byte hex word."""
    return "0x" + word[-40:]


def word(value: int) -> str:
    return f"0x{value:064x}"


def revert_reason(data: str) -> str:
    """What revert data says: the text of `Error(string)`, `Panic(0x…)`, the 4-byte selector as hex, or `empty`."""
    raw = bytes.fromhex(data.removeprefix("0x"))
    if raw[:4] == ERROR_STRING:
        return str(decode(["string"], raw[4:])[0])
    if raw[:4] == PANIC:
        return f"Panic({int.from_bytes(raw[4:36], 'big'):#x})"
    return "0x" + raw[:4].hex() if raw else "empty"
