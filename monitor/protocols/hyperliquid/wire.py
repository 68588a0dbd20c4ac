"""The JSON of the info API. What margin is made of has exactly the members below; elsewhere unknown members pass."""

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, TypeAdapter, ValidationError
from pydantic import model_validator as _model_validator
from pydantic.alias_generators import to_camel

from monitor.errors import MalformedJson, UnexpectedAnswer
from monitor.query import Answer, Failed
from monitor.units import scaled_from_text

Number = Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,40}(\.[0-9]{1,30})?$")]
"""Exact decimal text; a JSON number with a fraction is refused, since a float would have read it."""
_NOISE_DECIMALS = 30


def _whole(value: object) -> object:
    """Return digits as an integer: some relays write integers as text."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20 else value


Whole = Annotated[int, BeforeValidator(_whole)]


class _Known(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, alias_generator=to_camel
    )


class _Open(_Known):
    model_config = ConfigDict(extra="ignore")


class Summary(_Known):
    """Totals of an account; `total_raw_usd` is account value less the signed notionals."""

    account_value: Number
    total_ntl_pos: Number
    total_raw_usd: Number
    total_margin_used: Number


class Leverage(_Known):
    """What the owner chose; `raw_usd` is the cash of an isolated position."""

    type: Literal["cross", "isolated"]
    value: Whole
    raw_usd: Number | None = None

    @_model_validator(mode="after")
    def _has_its_cash(self) -> "Leverage":
        if (self.type == "isolated") != (self.raw_usd is not None):
            raise ValueError("expected rawUsd with an isolated position and with no other")
        return self


class Funding(_Known):
    """Funding paid so far."""

    all_time: Number
    since_open: Number
    since_change: Number


class Position(_Known):
    """One open position."""

    coin: str
    szi: Number
    leverage: Leverage
    entry_px: Number | None = None
    position_value: Number
    unrealized_pnl: Number
    return_on_equity: Number
    liquidation_px: Number | None
    margin_used: Number
    max_leverage: Whole
    cum_funding: Funding
    max_trade_szs: tuple[Number, Number] | None = None


class AssetPosition(_Known):
    """One open position; the venue knows one-way positions only."""

    type: Literal["oneWay"]
    position: Position


class ClearinghouseState(_Known):
    """What an account has in one dex."""

    margin_summary: Summary
    cross_margin_summary: Summary
    cross_maintenance_margin_used: Number
    withdrawable: Number
    asset_positions: list[AssetPosition]
    time: Whole


class SpotBalance(_Open):
    """One token; an outcome token has no number. `borrowed` and `ltv` are told of portfolio margin."""

    coin: str
    token: Whole | None = None
    total: Number
    hold: Number
    ltv: Number | None = None
    borrowed: Number | None = None


class SpotState(_Open):
    """Spot balances, and how margin is pooled: the lists at the end are there where the account pools it."""

    balances: list[SpotBalance]
    portfolio_margin_enabled: bool | None = None
    portfolio_margin_ratio: Number | None = None
    token_to_available_after_maintenance: list[tuple[Whole, Number]] | None = None


class Asset(_Open):
    """One perpetual of a dex."""

    name: str
    sz_decimals: Whole
    max_leverage: Whole
    margin_table_id: Whole | None = None
    is_delisted: bool = False


class MarginTier(_Known):
    """From `lower_bound` dollars of notional on, at most this leverage."""

    lower_bound: Number
    max_leverage: Whole


class MarginTable(_Known):
    """Tiers, lowest first."""

    description: str
    margin_tiers: list[MarginTier]


class Meta(_Open):
    """The perpetuals of a dex, their margin tables and its collateral, a spot token's number."""

    universe: list[Asset]
    margin_tables: list[tuple[Whole, MarginTable]]
    collateral_token: Whole = 0


class Context(_Open):
    """Prices and the hourly funding rate of one perpetual."""

    mark_px: Number
    oracle_px: Number
    mid_px: Number | None
    funding: Number


class Dex(_Open):
    """One builder dex."""

    name: str


class SpotToken(_Open):
    """One spot token."""

    name: str
    index: Whole


class SpotMeta(_Open):
    """Every spot token."""

    tokens: list[SpotToken]


Form = TypeAdapter
"""Reads one shape of answer."""

CLEARINGHOUSE = TypeAdapter(ClearinghouseState)
SPOT = TypeAdapter(SpotState)
CONTEXTS = TypeAdapter(tuple[Meta, list[Context]])
DEXES = TypeAdapter(list[Dex | None])
SPOT_META = TypeAdapter(SpotMeta)
MIDS = TypeAdapter(dict[str, Number])
ABSTRACTION = TypeAdapter(Literal["unifiedAccount", "portfolioMargin", "disabled", "default", "dexAbstraction"])

Shape = TypeVar("Shape")


def parsed(answer: Answer, shape: Form[Shape], what: str) -> Shape:
    """Return the typed value of an answer.

    Raises UnexpectedAnswer naming the place that is not as expected, MalformedJson for text that is no JSON.
    """
    if isinstance(answer, Failed) or not isinstance(answer, str):
        found = answer.reason if isinstance(answer, Failed) else type(answer).__name__
        raise UnexpectedAnswer(f"{what}: expected its JSON, found {found}")
    try:
        return shape.validate_json(answer, strict=True)
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])[:80]
        if first["type"] == "json_invalid":
            raise MalformedJson(f"{what}: {first['msg']}") from None
        raise UnexpectedAnswer(f"{what}: {first['msg']}, found otherwise at {place!r}") from None


def scaled(text: str, decimals: int, what: str) -> int:
    """Return a `Number` times 10^decimals; raises UnexpectedAnswer when it has more digits than that."""
    try:
        return scaled_from_text(text, decimals)
    except ValueError as e:
        raise UnexpectedAnswer(f"{what}: {e}") from None


def nearest(text: str, decimals: int, what: str) -> int:
    """Return a `Number` times 10^decimals, rounded to nearest: dollars come through a double and end in its noise."""
    unit = int(10 ** (_NOISE_DECIMALS - decimals))
    exact = scaled(text, _NOISE_DECIMALS, what)
    sign = -1 if exact < 0 else 1
    return sign * ((abs(exact) + unit // 2) // unit)
