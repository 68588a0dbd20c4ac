"""A look at ABI bytes before they are decoded: whoever wrote them must not make them unfold into more than arrived."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_abi import grammar

from monitor.errors import DecodeError

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a type lies in memory: `size` bytes in its head, and what its tail holds when it is dynamic.

    `items` are a tuple's members; `item` is what an array repeats `count` times, None for a length written in front.
    """

    size: int
    is_dynamic: bool = False
    items: tuple["_Shape", ...] = ()
    item: "_Shape | None" = None
    count: int | None = None


def check(types: Sequence[str], data: bytes, where: str) -> None:
    """Raise DecodeError unless every length fits into the bytes and no part of them is used twice.

    Compilers write the parts of an answer one behind the other. Pointers that go back make a short answer decode into
    a long one (half a megabyte into two gigabytes), so each part must begin behind the end of the one before.
    """
    if len(data) > MAX_BYTES:
        raise DecodeError(f"{where}: expected at most {MAX_BYTES} bytes, found {len(data)}")
    _tuple_end(_shapes(tuple(types)), data, 0, where)


@cache
def _shapes(types: tuple[str, ...]) -> tuple[_Shape, ...]:
    return tuple(_shape(grammar.parse(kind), 1) for kind in types)


def _shape(kind: Any, depth: int) -> _Shape:
    if depth > MAX_DEPTH:
        raise DecodeError(f"expected types nested at most {MAX_DEPTH} deep, found {kind.to_type_str()[:80]}")
    if kind.is_array:
        item, count = _shape(kind.item_type, depth + 1), kind.arrlist[-1]
        if not count:
            return _Shape(32, is_dynamic=True, item=item)
        if item.is_dynamic:
            return _Shape(32, is_dynamic=True, item=item, count=count[0])
        return _Shape(item.size * count[0])
    if isinstance(kind, grammar.TupleType):
        items = tuple(_shape(component, depth + 1) for component in kind.components)
        if any(item.is_dynamic for item in items):
            return _Shape(32, is_dynamic=True, items=items)
        return _Shape(sum(item.size for item in items))
    return _Shape(32, is_dynamic=kind.is_dynamic)


def _tuple_end(items: Sequence[_Shape], data: bytes, start: int, where: str) -> int:
    head, end = start, start + sum(item.size for item in items)
    if end > len(data):
        raise DecodeError(f"{where}: expected {end} bytes at least, found {len(data)}")
    for item in items:
        if item.is_dynamic:
            end = _tail_end(item, data, _pointed(data, head, start, end, where), where)
        head += item.size
    return end


def _pointed(data: bytes, head: int, start: int, end: int, where: str) -> int:
    at = start + int.from_bytes(data[head : head + 32])
    if not end <= at <= len(data):
        raise DecodeError(f"{where}: expected a pointer between bytes {end} and {len(data)}, found one to {at:.3g}")
    return at


def _tail_end(shape: _Shape, data: bytes, at: int, where: str) -> int:
    if shape.items:
        return _tuple_end(shape.items, data, at, where)
    count = shape.count
    if count is None:
        count, at = int.from_bytes(data[at : at + 32]), at + 32
    item = shape.item
    size = 1 if item is None else item.size
    if count * size > len(data) - at:
        raise DecodeError(f"{where}: expected a length of at most {max(len(data) - at, 0)} bytes, found {count:.3g}")
    end = at + count * size
    if item is not None and item.is_dynamic:
        for head in range(at, end, size):
            end = _tail_end(item, data, _pointed(data, head, at, end, where), where)
    return end
