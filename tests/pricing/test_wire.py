"""What an HTTP price feed may say, and everything else it might."""

import pytest

from monitor.errors import MalformedJson
from monitor.pricing.wire import coins, scaled_down

COIN = "ethereum:0x" + "aa" * 20


def feed(price: str, more: str = "") -> str:
    return f'{{"coins":{{"{COIN}":{{"price":{price},"timestamp":1750000000,"symbol":"WETH"{more}}}}}}}'


@pytest.mark.parametrize(
    ("price", "decimals", "expected"),
    [
        ("2512.43", 8, 251_243_000_000),
        ('"2512.43"', 8, 251_243_000_000),
        ("0.1", 18, 10**17),
        ("0.30000000000000004", 18, 300_000_000_000_000_040),
        ("1e-05", 8, 1_000),
        ("1.5E+3", 2, 150_000),
        ("7", 0, 7),
        ("0.999999999", 8, 99_999_999),
        ("-3.19", 1, -31),
        ("9007199254740993.1", 1, 90_071_992_547_409_931),
    ],
)
def test_a_price_is_the_integer_its_digits_say(price: str, decimals: int, expected: int):
    assert scaled_down(coins(feed(price))[COIN].price, decimals) == expected


MALFORMED = {
    "nothing": "",
    "no JSON": "<html>502 Bad Gateway</html>",
    "cut off": feed("1")[:-3],
    "not a number": feed("NaN"),
    "infinite": feed("Infinity"),
    "infinite below": feed("-Infinity"),
    "quoted not a number": feed('"NaN"'),
    "quoted infinity": feed('"Infinity"'),
    "quoted hex": feed('"0x10"'),
    "quoted words": feed('"about 3"'),
    "quoted digits of another script": feed('"٣"'),
    "quoted with space": feed('" 1"'),
    "quoted with underscore": feed('"1_000"'),
    "empty number": feed('""'),
    "huge exponent": feed("1e999"),
    "quoted huge exponent": feed('"1e999"'),
    "no price": feed("null"),
    "true": feed("true"),
    "a list": feed("[1]"),
    "an object": feed('{"usd":1}'),
    "a number of 79 digits": feed("1" * 79),
    "a number of 5,000 digits": feed("1" * 5_000),
    "a fraction of 100 digits": feed("0." + "1" * 100),
    "an unknown name": feed("1", ',"spread":2'),
    "a name twice": feed("1", ',"price":2'),
    "a time that is text": feed("1").replace("1750000000", '"1750000000"'),
    "a time with a fraction": feed("1").replace("1750000000", "1750000000.5"),
    "a time missing": feed("1").replace('"timestamp":1750000000,', ""),
    "a symbol that is a number": feed("1").replace('"WETH"', "5"),
    "another shape": '{"prices":[]}',
    "a list of coins": '{"coins":[]}',
    "a bare number": "5",
    "a bare text": '"5"',
    "null": "null",
    "an extra name": '{"coins":{},"error":"rate limited"}',
    "nested 65 deep": "[" * 65 + "]" * 65,
    "nested 100,000 deep": "[" * 100_000,
    "nested objects": '{"a":' * 20_000,
    "two values": feed("1") + feed("1"),
    "a trailing comma": '{"coins":{},}',
    "a comment": '{"coins":{}} // ok',
    "single quotes": "{'coins':{}}",
    "a byte order mark": "\ufeff" + feed("1"),
    "half a surrogate": '{"coins":{"\\ud800":5}}',
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_not_the_feeds_shape_is_refused_with_one_kind_of_error(text: str):
    with pytest.raises(MalformedJson):
        coins(text)


def test_brackets_inside_texts_do_not_count_as_nesting():
    assert coins(feed("1", ',"decimals":18').replace("WETH", "[" * 30 + "{" * 40 + '\\"'))[COIN].decimals == 18


def test_a_complaint_is_short_whatever_was_sent():
    with pytest.raises(MalformedJson) as refused:
        coins("x" * 10**6)
    assert len(str(refused.value)) < 300
