"""Columns handed to DuckDB as a stream, through Arrow's C interface and without its library of 166 MB."""

import ctypes
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.domain.row import Cell

INTEGER, FLAG, TEXT = b"l", b"b", b"u"
"""Formats of a column: signed 64 bits, one bit, UTF-8."""
_ROW, _NULLABLE = b"+s", 2

Bytes = NDArray[Any] | bytes


@dataclass(frozen=True, slots=True)
class Column:
    """The cells of one column: validity bits (None when all are there), then what the format wants."""

    nulls: int
    buffers: tuple[Bytes | None, ...]


Batch = tuple[int, Sequence[Column]]
"""So many rows, in the columns of the stream."""


def column(form: bytes, cells: Sequence[Cell]) -> Column:
    """Return cells as a column of that format; text that is no Unicode becomes its escape."""
    first, many = cells[0], len(cells)
    if form == TEXT and isinstance(first, str) and first == cells[-1] and cells.count(first) == many:
        one = _encoded(first)
        return Column(0, (None, np.arange(many + 1, dtype=np.int32) * np.int32(len(one)), one * many))
    if form == TEXT:
        with suppress(TypeError):
            return Column(0, (None, *_text(cells)))
    nulls, valid = cells.count(None), None
    if nulls:
        valid = _bits([cell is not None for cell in cells])
        cells = [("" if form == TEXT else 0) if cell is None else cell for cell in cells]
    if form == INTEGER:
        return Column(nulls, (valid, np.array(cells, np.int64)))
    if form == FLAG:
        return Column(nulls, (valid, _bits(cells)))
    return Column(nulls, (valid, *_text(cells)))


def _text(cells: Sequence[Any]) -> tuple[Bytes, Bytes]:
    """Return where each text ends, and all of them; raises TypeError when one is None, which is quicker than asking."""
    together = "".join(cells)
    if together.isascii():
        return _ends(cells), together.encode()
    encoded = [_encoded(cell) for cell in cells]
    return _ends(encoded), b"".join(encoded)


def _ends(cells: Sequence[Any]) -> NDArray[np.int32]:
    ends = np.zeros(len(cells) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, cells), np.int32, len(cells)), out=ends[1:])
    return ends


def _bits(flags: Sequence[Any]) -> NDArray[np.uint8]:
    return np.packbits(np.array(flags, np.bool_), bitorder="little")


def _encoded(text: str) -> bytes:
    return text.encode(errors="backslashreplace")


class Stream:
    """Batches in columns, for a reader who knows `__arrow_c_stream__`; each batch is given once.

    `formats` names the columns in order; the batches must not raise. The stream has to outlive its readers.
    """

    def __init__(self, formats: Mapping[str, bytes], batches: Iterator[Batch]) -> None:
        self._formats = formats
        self._batches = batches
        self._streams: list[_Stream] = []

    def __arrow_c_stream__(self, requested: object = None) -> object:
        """Return the stream as a capsule; whatever schema is asked for, the columns come in their own."""
        stream = _Stream(_GetSchema(self._schema), _GetNext(self._next), _no_words, _end_stream)
        self._streams.append(stream)
        return _capsule(ctypes.addressof(stream), _CAPSULE_NAME, None)

    def _schema(self, _stream: Any, out: Any) -> int:
        own = [_schema_of(name, form) for name, form in self._formats.items()]
        children = (POINTER(_Schema) * len(own))(*map(ctypes.pointer, own))
        out[0] = _Schema(_ROW, b"", None, 0, len(own), children, None, _end_schema)
        _hold(out[0], (own, children))
        return 0

    def _next(self, _stream: Any, out: Any) -> int:
        batch = next(self._batches, None)
        if batch is None:
            out[0] = _Array()
            return 0
        rows, columns = batch
        own = [_array_of(rows, one) for one in columns]
        children = (POINTER(_Array) * len(own))(*map(ctypes.pointer, own))
        buffers = (c_void_p * 1)(None)
        out[0] = _Array(rows, 0, 0, 1, len(own), buffers, children, None, _end_array)
        _hold(out[0], (own, children, buffers))
        return 0


class _Schema(ctypes.Structure):
    pass


class _Array(ctypes.Structure):
    pass


class _Stream(ctypes.Structure):
    pass


_GetSchema = CFUNCTYPE(c_int, POINTER(_Stream), POINTER(_Schema))
_GetNext = CFUNCTYPE(c_int, POINTER(_Stream), POINTER(_Array))
_LastError = CFUNCTYPE(c_char_p, POINTER(_Stream))
_EndSchema = CFUNCTYPE(None, POINTER(_Schema))
_EndArray = CFUNCTYPE(None, POINTER(_Array))
_EndStream = CFUNCTYPE(None, POINTER(_Stream))
_Schema._fields_ = [
    ("format", c_char_p), ("name", c_char_p), ("metadata", c_char_p), ("flags", c_int64), ("n_children", c_int64),
    ("children", POINTER(POINTER(_Schema))), ("dictionary", c_void_p), ("release", _EndSchema), ("held", c_int64),
]  # fmt: skip
_Array._fields_ = [
    ("length", c_int64), ("null_count", c_int64), ("offset", c_int64), ("n_buffers", c_int64), ("n_children", c_int64),
    ("buffers", POINTER(c_void_p)), ("children", POINTER(POINTER(_Array))), ("dictionary", c_void_p),
    ("release", _EndArray), ("held", c_int64),
]  # fmt: skip
_Stream._fields_ = [
    ("get_schema", _GetSchema), ("get_next", _GetNext), ("last_error", _LastError), ("release", _EndStream),
    ("private_data", c_void_p),
]  # fmt: skip

_CAPSULE_NAME = b"arrow_array_stream"
_capsule = ctypes.pythonapi.PyCapsule_New
_capsule.restype, _capsule.argtypes = ctypes.py_object, (c_void_p, c_char_p, c_void_p)

_held: dict[int, tuple[object, ...]] = {}
_numbers = count(1)


def _hold(structure: Any, own: tuple[object, ...]) -> None:
    """Keep what a structure points to until its reader releases it, wherever the reader has moved it by then."""
    structure.held = next(_numbers)
    _held[structure.held] = (structure, *own)


def _end(it: Any) -> None:
    structure = it[0]
    for place in range(structure.n_children):
        child = structure.children[place]
        if child[0].release:
            child[0].release(child)
    held = structure.held
    structure.release = type(structure.release)()
    del _held[held]


def _close(stream: Any) -> None:
    stream[0].release = _EndStream()


_end_schema, _end_array, _end_stream = _EndSchema(_end), _EndArray(_end), _EndStream(_close)
_no_words = _LastError(lambda _: None)


def _schema_of(name: str, form: bytes) -> _Schema:
    schema = _Schema(form, name.encode(), None, _NULLABLE, 0, None, None, _end_schema)
    _hold(schema, ())
    return schema


def _array_of(rows: int, one: Column) -> _Array:
    buffers = (c_void_p * len(one.buffers))(*map(_place, one.buffers))
    array = _Array(rows, one.nulls, 0, len(buffers), 0, buffers, None, None, _end_array)
    _hold(array, (one, buffers))
    return array


def _place(buffer: Bytes | None) -> int | None:
    if buffer is None:
        return None
    return buffer.ctypes.data if isinstance(buffer, np.ndarray) else ctypes.cast(c_char_p(buffer), c_void_p).value
