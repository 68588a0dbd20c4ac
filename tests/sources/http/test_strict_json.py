"""JSON that would slip through a lenient parser as a plausible number, a lost field or a crash."""

import json
import random
from decimal import Decimal

import pytest

from monitor.errors import MalformedJson
from monitor.sources.http import strict_json

REFUSED = {
    "NaN": b"NaN",
    "NaN inside": b'{"liq_price":NaN}',
    "-NaN": b"-NaN",
    "Infinity": b"[Infinity]",
    "-Infinity": b"[-Infinity]",
    "1e999": b"1e999",
    "-1e999": b"[-1e999]",
    "1e309": b"1e309",
    "1e-400": b"1e-400",
    "1E+99999999999999999999": b"1E+99999999999999999999",
    "depth 65": b"[" * 65 + b"]" * 65,
    "depth 65 of objects": b'{"a":' * 65 + b"1" + b"}" * 65,
    "depth 100,000": b"[" * 100_000 + b"]" * 100_000,
    "depth 100,000 unclosed": b"[" * 100_000,
    "depth behind a string with brackets": b'["[[", ' + b"[" * 70 + b"]" * 70 + b"]",
    "depth behind an escaped quote": b'["\\"", ' + b"[" * 70 + b"]" * 70 + b"]",
    "79 digits": b"1" * 79,
    "5,000 digits": b"[" + b"9" * 5_000 + b"]",
    "-79 digits": b"-" + b"1" * 79,
    "a fraction of 100 digits": b"0." + b"1" * 100,
    "a key twice": b'{"a":1,"a":2}',
    "a key twice below": b'{"x":[{"result":"0x1","result":"0x2"}]}',
    "a key twice by escape": b'{"a":1,"\\u0061":2}',
    "leading zero": b"01",
    "plus": b"+1",
    "hexadecimal": b"0x10",
    "trailing comma": b"[1,]",
    "trailing text": b"[1] x",
    "single quotes": b"{'a':1}",
    "comment": b"[1] // one",
    "control character": b'"a\nb"',
    "half a surrogate pair": b'"\\ud800"',
    "broken UTF-8": b'"\xff"',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf[1]",
    "cut off": b'{"jsonrpc":"2.0","resu',
    "HTML": b"<html></html>",
    "empty": b"",
    "spaces": b"   ",
    "True": b"True",
    "None": b"None",
    "NUL": b"[1]\0",
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_what_is_no_plain_json_is_refused_with_the_parsers_own_error(body: bytes):
    with pytest.raises(MalformedJson):
        strict_json.parse(body, "a node")


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"1", 1),
        (b"-0", 0),
        (b"9" * 78, int("9" * 78)),
        (b"18446744073709551616", 2**64),
        (b"1.10", Decimal("1.10")),
        (b"1e3", Decimal(1000)),
        (b"[" * 64 + b"]" * 64, None),
        (b'["' + b"[" * 500 + b'"]', ["[" * 500]),
        (b'["\\"[[\\\\"' + b",[]" * 100 + b"]", ['"[[\\', *[[]] * 100]),
        (b'{"a":{"a":1},"b":{"a":1}}', {"a": {"a": 1}, "b": {"a": 1}}),
        (b'"\\ud83d\\ude00"', "😀"),
        ('"é"'.encode(), "é"),
        (b" \n[true,false,null]\t", [True, False, None]),
    ],
)
def test_honest_json_keeps_its_value_to_the_last_digit(body: bytes, value: object):
    found = strict_json.parse(body, "a node")
    if value is not None:
        assert found == value
        assert type(found) is type(value)


def test_no_number_becomes_a_float():
    found = strict_json.parse(b"[1, 1.5, 1e5, 0.1, 123456789012345678901234567890]", "a node")
    assert [type(n) for n in found] == [int, Decimal, Decimal, Decimal, int]


def test_damaged_answers_raise_nothing_but_the_parsers_own_error():
    draw = random.Random(5)
    seed = json.dumps({"jsonrpc": "2.0", "id": 7, "result": [{"a": "0x12", "n": [1, -2.5e3, None]}, 'ü"\\']}).encode()
    accepted = 0
    for _ in range(20_000):
        body = bytearray(seed)
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(body))
            match draw.randrange(3):
                case 0:
                    body[at] = draw.randrange(256)
                case 1:
                    del body[at : at + draw.randint(1, 5)]
                case _:
                    body[at:at] = draw.choice((b"NaN", b"{", b"[" * 70, b'"', b"\\", b"1e999", b"9" * 90))
        try:
            strict_json.parse(bytes(body), "a node")
            accepted += 1
        except MalformedJson:
            pass
    assert 0 < accepted < 20_000


def test_an_error_names_the_place_and_quotes_little():
    with pytest.raises(MalformedJson, match=r"^a node: expected JSON") as caught:
        strict_json.parse(b'{"key":' + b"x" * 10_000, "a node")
    assert len(str(caught.value)) < 200
