"""The answer of the price API: the index price of every pair, by which trades are liquidated."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from monitor.errors import UnexpectedAnswer

CHARTS = "/charts"
DECIMALS = 10
"""The contracts hold prices with ten decimals; further digits are dropped."""
_MOST_EXPONENT = 40
_SECONDS_BELOW = 10**11
"""A time below this is in seconds: in milliseconds it would lie before 1974."""


class Prices(NamedTuple):
    """Index prices by the number of the pair, dollars × 10^10, None where there is none; and when they were told."""

    by_pair: Sequence[int | None]
    told_ms: int


def _price(value: object) -> object:
    """Return a number of JSON as an integer of ten decimals, None for null and for 0, which no pair is worth."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("expected a number")  # noqa: TRY004  # what pydantic turns into its own error
    number = Decimal(value)
    if number < 0 or (number and abs(number.adjusted()) > _MOST_EXPONENT):
        raise ValueError("expected a price")
    return int(number.scaleb(DECIMALS)) or None


class _Charts(BaseModel):
    """What `/charts` says; the members beside these are candles of the mark price."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True)

    time: Annotated[int, Field(gt=0)]
    index_prices: Annotated[list[Annotated[int | None, BeforeValidator(_price)]], Field(alias="indexPrices")]


def prices(text: str) -> Prices:
    """Return the index prices of an answer; raises UnexpectedAnswer where it is not what the API promises.

    An answer without `indexPrices` is refused: marks are another price in pairs with futures.
    """
    try:
        told = _Charts.model_validate(json.loads(text, parse_float=Decimal, parse_constant=_refused))
    except ValidationError as e:
        first = e.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UnexpectedAnswer(f"expected time and indexPrices in {CHARTS}: {where}: {first['msg']}") from e
    except (ValueError, ArithmeticError, RecursionError) as e:
        raise UnexpectedAnswer(f"expected JSON with time and indexPrices in {CHARTS}: {e}") from e
    return Prices(tuple(told.index_prices), told.time * 1000 if told.time < _SECONDS_BELOW else told.time)


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is no number")
