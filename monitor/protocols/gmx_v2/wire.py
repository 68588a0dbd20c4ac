"""The answers of the price API: who has which decimals, and what each token is quoted at."""

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from monitor.domain.ids import Address, address
from monitor.domain.token import Token
from monitor.errors import UnexpectedAnswer, UsageError

TICKERS, TOKENS = "/prices/tickers", "/tokens"


class Quoted(NamedTuple):
    """What one token is quoted at, dollars × 1e30 for its smallest unit, and when that was last updated."""

    low: int
    high: int
    updated_ms: int


class _Ticker(BaseModel):
    """One row of `/prices/tickers`: prices are decimal integers in text, already in the contracts' precision."""

    model_config = ConfigDict(strict=True)

    token_address: str = Field(alias="tokenAddress")
    min_price: str = Field(alias="minPrice", pattern=r"^[0-9]{1,60}$")
    max_price: str = Field(alias="maxPrice", pattern=r"^[0-9]{1,60}$")
    updated_ms: int = Field(alias="updatedAt", gt=0)


class _Token(BaseModel):
    """One row of `/tokens`."""

    model_config = ConfigDict(strict=True)

    symbol: str
    address: str
    decimals: int = Field(ge=0, le=30)


class _Tokens(BaseModel):
    model_config = ConfigDict(strict=True)

    tokens: list[_Token]


_TICKERS = TypeAdapter(list[_Ticker])


def quotes(text: str) -> Mapping[Address, Quoted]:
    """Return the quote of each token; raises UnexpectedAnswer where the answer is not what the API promises.

    A price of nothing is refused, as is one whose lower end is above its upper one: the oracle takes neither.
    """
    try:
        rows = _TICKERS.validate_json(text)
        found = {address(row.token_address): _quoted(row) for row in rows}
    except (ValidationError, UsageError) as e:
        raise UnexpectedAnswer(
            f"expected rows of tokenAddress, minPrice, maxPrice and updatedAt in {TICKERS}: {_said(e)}"
        ) from e
    if len(found) != len(rows):
        raise UnexpectedAnswer(f"expected each token once in {TICKERS}, found {len(rows) - len(found)} of them twice")
    return found


def tokens(text: str) -> Mapping[Address, Token]:
    """Return the tokens that the API knows; raises UnexpectedAnswer where the answer is not what the API promises."""
    try:
        rows = _Tokens.model_validate_json(text).tokens
        return {address(row.address): Token(address(row.address), row.symbol, row.decimals) for row in rows}
    except (ValidationError, UsageError) as e:
        raise UnexpectedAnswer(f"expected tokens with symbol, address and decimals in {TOKENS}: {_said(e)}") from e


def _quoted(row: _Ticker) -> Quoted:
    low, high = int(row.min_price), int(row.max_price)
    if not 0 < low <= high:
        raise UnexpectedAnswer(
            f"expected a lower price above 0 and no higher than the upper one in {TICKERS}, found {low} and {high} of "
            f"{row.token_address[:42]}"
        )
    return Quoted(low, high, row.updated_ms)


def _said(error: ValidationError | UsageError) -> str:
    if isinstance(error, UsageError):
        return str(error)
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
