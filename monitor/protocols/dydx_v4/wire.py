"""The JSON of the indexer and of a node: exact decimal text in, or a refusal; no number ever passes through a float.

A subaccount is refused with a field that is not known, since it could be part of its equity; elsewhere the fields that
are read have to be there, and others are passed over.
"""

import binascii
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from monitor.errors import UnexpectedAnswer

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?")
_MAX_DIGITS = 120
_POSITIVE, _NEGATIVE = 2, 3


def _as_number(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and len(value) <= _MAX_DIGITS and _NUMBER.fullmatch(value):
        return value
    raise ValueError("expected a decimal number")


def _as_integer(value: object) -> int:
    """Return an integer of the chain: decimal text, or Go's bytes (sign byte, magnitude), plain or in base64."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,78}", value):
        return int(value)
    try:
        body = binascii.a2b_base64(value, strict_mode=True) if isinstance(value, str) else bytes(_bytes_in(value))
    except ValueError as e:
        raise ValueError("expected an integer") from e
    if not body or body[0] not in (_POSITIVE, _NEGATIVE):
        raise ValueError("expected an integer")
    magnitude = int.from_bytes(body[1:], "big")
    return magnitude if body[0] == _POSITIVE else -magnitude


def _bytes_in(value: object) -> Iterable[int]:
    if isinstance(value, Mapping):
        value = [value[str(place)] for place in range(len(value)) if str(place) in value]
    if isinstance(value, list) and value and all(type(one) is int for one in value):
        return value
    raise ValueError("expected bytes")


Number = Annotated[str, BeforeValidator(_as_number)]
Integer = Annotated[int, BeforeValidator(_as_integer)]
Block = Annotated[int, BeforeValidator(_as_integer), Field(ge=0, lt=2**63)]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, hide_input_in_errors=True)


class _Told(_Wire):
    model_config = ConfigDict(alias_generator=to_camel)


class _Whole(_Told):
    model_config = ConfigDict(extra="forbid")


class Height(_Told):
    """The block that the indexer is at, and its time."""

    height: Block
    time: str


class PerpetualMarket(_Told):
    """One market; caps are whole dollars, open interest is in units, fractions and rates are parts of one."""

    clob_pair_id: Integer
    ticker: str = Field(pattern=r"^[\x21-\x7e]{1,120}$")
    status: str
    oracle_price: Number | None
    next_funding_rate: Number | None
    initial_margin_fraction: Number
    maintenance_margin_fraction: Number
    open_interest: Number
    atomic_resolution: int = Field(ge=-30, le=30)
    market_type: str = Field(default="CROSS", pattern="^(CROSS|ISOLATED)$")
    open_interest_lower_cap: Number | None = None
    open_interest_upper_cap: Number | None = None
    base_open_interest: Number = "0"


class PerpetualMarkets(_Told):
    """All markets, by ticker."""

    markets: dict[str, PerpetualMarket]


class PerpetualPosition(_Whole):
    """One open position; a short's size is negative."""

    market: str
    status: str
    side: str = Field(pattern="^(LONG|SHORT)$")
    size: Number
    entry_price: Number
    unrealized_pnl: Number
    max_size: Number | None = None
    exit_price: Number | None = None
    realized_pnl: Number | None = None
    created_at: str | None = None
    created_at_height: Number | None = None
    closed_at: str | None = None
    sum_open: Number | None = None
    sum_close: Number | None = None
    net_funding: Number | None = None
    subaccount_number: int | None = None


class AssetPosition(_Whole):
    """What is held of an asset; `side` is the sign."""

    symbol: str
    side: str = Field(pattern="^(LONG|SHORT)$")
    size: Number
    asset_id: str
    subaccount_number: int | None = None


class Subaccount(_Whole):
    """One subaccount as the indexer reports it; unsettled funding is in the USDC already."""

    address: str
    subaccount_number: int = Field(ge=0, lt=2**32)
    equity: Number
    free_collateral: Number
    open_perpetual_positions: dict[str, PerpetualPosition]
    asset_positions: dict[str, AssetPosition]
    margin_enabled: bool = True
    updated_at_height: Number | None = None
    latest_processed_block_height: Block


class Subaccounts(_Whole):
    """All subaccounts of an address."""

    subaccounts: list[Subaccount]
    total_trading_rewards: Number | None = None


class SubaccountId(_Wire):
    """Whose subaccount, and which; a node may leave out what is 0."""

    owner: str
    number: int = Field(default=0, ge=0, lt=2**32)


class StoredPosition(_Wire):
    """One position as the chain stores it."""

    perpetual_id: int = 0
    quantums: Integer


class StoredSubaccount(_Wire):
    """One subaccount as the chain stores it."""

    id: SubaccountId
    perpetual_positions: list[StoredPosition] = []


class Pagination(_Wire):
    """From where the next page is asked for; nothing after the last."""

    next_key: str | None = None


class StoredSubaccounts(_Wire):
    """A page of all subaccounts of the chain."""

    subaccount: list[StoredSubaccount]
    pagination: Pagination


class FillablePriceConfig(_Wire):
    """How the price of a liquidation order is made."""

    bankruptcy_adjustment_ppm: int
    spread_to_maintenance_margin_ratio_ppm: int


class LiquidationsConfig(_Wire):
    """What governance says of liquidations."""

    fillable_price_config: FillablePriceConfig


class Liquidations(_Wire):
    """The answer of a node about liquidations."""

    liquidations_config: LiquidationsConfig


class Pushed(_Wire):
    """A message of the indexer's WebSocket; `id` is address/number on the channel of subaccounts."""

    type: str
    channel: str = ""
    id: str = ""


M = TypeVar("M", bound=BaseModel)


def parsed(model: type[M], text: str, what: str) -> M:
    """Return an answer as the model says; raises UnexpectedAnswer naming the place that is not as expected."""
    try:
        return model.model_validate(json.loads(text, parse_float=str, parse_constant=_refused))
    except ValidationError as e:
        first = e.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UnexpectedAnswer(f"{what}: expected {model.__name__}, found {first['msg']} at {place[:80]!r}") from None
    except (ValueError, RecursionError) as e:
        raise UnexpectedAnswer(f"{what}: expected JSON, found {text[:40]!r}: {e}") from None


def scaled(number: str, decimals: int, what: str) -> int:
    """Return a `Number` times 10^decimals; raises UnexpectedAnswer where it has more digits than that."""
    units, exponent = _parts(number)
    power = exponent + decimals
    if power >= 0:
        return units * int(10**power)
    whole, rest = divmod(units, int(10**-power))
    if rest:
        raise UnexpectedAnswer(f"{what}: expected at most {decimals} decimals, found {number[:40]!r}")
    return whole


def scaled_down(number: str, decimals: int) -> int:
    """Return a `Number` times 10^decimals, toward minus infinity."""
    units, exponent = _parts(number)
    power = exponent + decimals
    return units * int(10**power) if power >= 0 else units // int(10**-power)


def decimals_of(number: str) -> int:
    """Return how many decimals a `Number` has, none of them 0 at the end."""
    units, exponent = _parts(number)
    while units and units % 10 == 0:
        units, exponent = units // 10, exponent + 1
    return max(-exponent, 0) if units else 0


def time_ms(text: str) -> int:
    """Return a time in ISO 8601 in ms since 1970; raises UnexpectedAnswer for another text."""
    try:
        stated = datetime.fromisoformat(text)
    except ValueError as e:
        raise UnexpectedAnswer(f"expected a time as 2025-12-08T16:11:59.450Z, found {text[:40]!r}") from e
    return (stated.replace(tzinfo=stated.tzinfo or UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _parts(number: str) -> tuple[int, int]:
    """Return a `Number` as an integer and a power of ten."""
    sign, digits, exponent = Decimal(number).as_tuple()
    units = int("".join(map(str, digits)))
    return -units if sign else units, int(exponent)


def _refused(name: str) -> str:
    raise ValueError(f"{name} is no number")
