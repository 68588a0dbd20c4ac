"""JSON from outside, read without the liberties that turn bad input into a plausible number."""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from monitor.errors import MalformedJson

MAX_DEPTH = 64
MAX_DIGITS = 78
MAX_EXPONENT = 308

_TO_SQUARE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKET = bytes(byte for byte in range(256) if byte not in b"[]{}")
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def parse(body: bytes, where: str) -> Any:
    """Return the value; whole numbers are `int`, others `Decimal`, never a float.

    Raises MalformedJson for anything but UTF-8 JSON, and for NaN, Infinity, an exponent beyond a double's, a number of
    more than 78 digits, nesting deeper than 64, a key that stands twice in one object and half a surrogate pair.
    """
    try:
        if _is_deeper_than(body, MAX_DEPTH):
            raise MalformedJson(f"{where}: expected JSON nested at most {MAX_DEPTH} deep, found it deeper or unclosed")
        if _SURROGATE.search(body):
            orjson.loads(body)
        return _DECODER.decode(str(body, "utf-8"))
    except (ValueError, InvalidOperation) as e:
        raise MalformedJson(f"{where}: expected JSON, found {e}") from e


def _is_deeper_than(body: bytes, limit: int) -> bool:
    if body.count(b"[") + body.count(b"{") <= limit:
        return False
    plain = _ESCAPE.sub(b"", body) if b"\\" in body else body
    brackets = b"".join(plain.split(b'"')[::2]).translate(_TO_SQUARE, _NO_BRACKET)
    for _ in range(limit):
        shorter = brackets.replace(b"[]", b"")
        if len(shorter) in (0, len(brackets)):
            return bool(shorter)
        brackets = shorter
    return True


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _fraction(digits: str) -> Decimal:
    value = Decimal(digits) if len(digits) <= MAX_DIGITS + 8 else Decimal("Infinity")
    if not value.is_finite() or abs(value.adjusted()) > MAX_EXPONENT:
        raise ValueError(f"the number {digits[:20]}, which is out of range")
    return value


def _constant(name: str) -> Any:
    raise ValueError(f"the number {name}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError(f"an object with a key twice among {sorted(members)[:5]}")
    return members


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_fraction, parse_int=_integer, parse_constant=_constant
)
