"""The JSON of HTTP price feeds: exact decimal text in, or a refusal; no number ever passes through a float."""

import json
import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from monitor.errors import MalformedJson

_MAX_DEPTH = 64
_MAX_DIGITS = 78
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?")


class NumberText(str):
    """A JSON number with a fraction or an exponent, as it was written."""

    __slots__ = ()


def _as_number_text(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value) and len(value) <= _MAX_DIGITS:
        return value
    raise ValueError("expected a decimal number")


Number = Annotated[str, BeforeValidator(_as_number_text)]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class Coin(_Wire):
    """One price in USD; `confidence` is from 0 to 1. `symbol` is untrusted and not used."""

    price: Number
    timestamp: int
    symbol: str = ""
    decimals: int | None = None
    confidence: Number | None = None


class Coins(_Wire):
    """The answer of a price feed, by coin."""

    coins: dict[str, Coin]


def coins(text: str) -> dict[str, Coin]:
    """Return the prices of an answer.

    Raises MalformedJson for anything but the shape above: NaN and infinities, unknown or repeated names, numbers beyond
    78 digits, nesting beyond 64 levels.
    """
    try:
        return Coins.model_validate(_loaded(text)).coins
    except ValidationError as e:
        first = e.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise MalformedJson(f"price feed: {first['msg']} at {place[:80]!r}") from None


def scaled_down(number: str, decimals: int) -> int:
    """Return a decimal number times 10^decimals, rounded down; `number` is a `Number`."""
    sign, digits, exponent = Decimal(number).as_tuple()
    if not isinstance(exponent, int):
        raise MalformedJson(f"price feed: expected a finite number, found {number[:40]!r}")
    raw = int("".join(map(str, digits)))
    power = exponent + decimals
    scaled = int(raw * 10**power if power >= 0 else raw // 10**-power)
    return -scaled if sign else scaled


def _loaded(text: str) -> Any:
    if _depth(text) > _MAX_DEPTH:
        raise MalformedJson(f"price feed: expected at most {_MAX_DEPTH} levels of nesting, found more")
    try:
        return json.loads(
            text,
            parse_float=NumberText,
            parse_int=_integer,
            parse_constant=_refused_constant,
            object_pairs_hook=_object,
        )
    except (ValueError, RecursionError) as e:
        raise MalformedJson(f"price feed: expected JSON, found {text[:40]!r}: {e}") from None


def _depth(text: str) -> int:
    depth = deepest = 0
    for character in _STRING.sub("", text):
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _refused_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found
