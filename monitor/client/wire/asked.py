"""What a client may ask; an unknown name is an error, never ignored."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from monitor.client.wire.alert import LevelName
from monitor.domain.alerts import AlertKind

Decimal = Annotated[str, Field(pattern=r"^[0-9]{1,20}(\.[0-9]{1,18})?$", examples=["1.1"])]
Dollars = Annotated[str, Field(pattern=r"^[0-9]{1,16}(\.[0-9]{1,2})?$", examples=["1000"])]
Percent = Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,2})?$", examples=["2.5"])]
TokenName = Annotated[str, Field(pattern=r"^[A-Za-z0-9₮][A-Za-z0-9₮ .-]{0,63}$", examples=["WETH"])]
Order = Literal["health", "debt", "distance", "profit"]
ADDRESS = r"^(0x[0-9a-fA-F]{40}|dydx1[a-z0-9]{38})$"
MOVE = r"[A-Za-z0-9₮][A-Za-z0-9₮ .-]{0,63}[:=][+-]?[0-9]{1,3}([.][0-9]{1,2})?%"
ID = r"^[A-Za-z0-9._~!$&'()*+,;=:@/-]{1,300}$"
KINDS = "|".join(kind.value for kind in AlertKind)


class Question(BaseModel):
    """Parameters of a request; an unknown one is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Where(Question):
    """On which chain, of which protocol, in which deployment."""

    chain: str | None = Field(
        default=None, pattern=r"^[a-z0-9]{1,20}:[A-Za-z0-9._-]{1,60}$", description="CAIP-2, `eip155:1`"
    )
    protocol: str | None = Field(default=None, pattern=r"^[a-z0-9_]{1,60}$", description="slug, `aave_v3`")
    deployment: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]{0,60}$", description="`ethereum-core`")


class AtRiskQuestion(Where):
    """Which positions, in which order, and how many."""

    health_below: Decimal | None = Field(
        default=None, description="only positions with less health; one that cannot be measured passes too"
    )
    min_debt_usd: Dollars | None = Field(
        default=None, description="only positions that owe at least this; one without a USD price passes, labelled"
    )
    collateral: TokenName | None = Field(
        default=None, description="only positions with this collateral, an address or a symbol; anyone may use a symbol"
    )
    debt: TokenName | None = Field(default=None, description="only positions that owe this, an address or a symbol")
    distance_below: Percent | None = Field(
        default=None,
        description="only positions whose line is nearer than this, in percent of a price; unmeasurable ones pass",
    )
    min_profit_usd: Dollars | None = Field(
        default=None,
        description="only positions with a quote of at least this profit before gas; one without a USD price passes",
    )
    liquidatable_now: bool | None = Field(
        default=None, description="only positions that a call would liquidate now, or only others"
    )
    sort: Order = Field(
        default="health", description="worst first, largest debt first, nearest first or largest profit first"
    )
    cursor: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,2000}$", description="`next` of the last page")
    limit: int = Field(default=100, ge=1, le=1000)


class PositionQuestion(Question):
    """One position."""

    id: str = Field(
        pattern=ID,
        examples=["eip155:1/aave_v3/ethereum-core/0x" + "8" * 40 + "/0x" + "1" * 40],
        description="`chain/protocol/deployment/market/key`, its slashes as they are or percent-encoded",
    )


class AlertFilter(Where):
    """Which alerts."""

    level: LevelName | None = Field(
        default=None, description="only alerts of at least this level, and those of positions that became unknown"
    )
    kind: str | None = Field(
        default=None,
        pattern=rf"^({KINDS})(,({KINDS})){{0,9}}$",
        description="only alerts of these kinds, `worsened,liquidated`",
    )
    owner: str | None = Field(
        default=None,
        pattern=r"^(0x[0-9a-fA-F]{40}|dydx1[a-z0-9]{38})$",
        description="only alerts of this owner's positions",
    )


class AlertQuestion(AlertFilter):
    """Which alerts, and how many."""

    position: str | None = Field(default=None, pattern=ID, description="only alerts of this position")
    after: int = Field(default=0, ge=0, le=2**62, description="only alerts recorded after this id")
    limit: int = Field(default=100, ge=1, le=1000)


class StreamQuestion(AlertFilter):
    """Which alerts are streamed, and after which id they begin: those that were recorded before come from the store."""

    after: int | None = Field(default=None, ge=0, le=2**62, description="where a client cannot send `Last-Event-ID`")


class StreamHeader(BaseModel):
    """Where a stream goes on."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    last_event_id: int | None = Field(
        default=None, ge=0, le=2**62, alias="Last-Event-ID", description="the id of the last event that was taken"
    )


class DetailQuestion(Question):
    """What else is wanted of a position."""

    history: int | None = Field(
        default=None, ge=1, le=1000, description="so many of its last alerts, incidents and recorded moments"
    )
    until: int | None = Field(
        default=None,
        ge=0,
        le=2**40,
        description="its history only up to this second since 1970; a conflict where history is not kept",
    )
    price: str | None = Field(
        default=None,
        pattern=rf"^{MOVE}(,{MOVE}){{0,9}}$",
        description="how it would be if assets, by class, symbol or address, were worth more or less: `ETH:-10%`",
        examples=["ETH:-10%"],
    )


class OwnerQuestion(Question):
    """One owner."""

    address: str = Field(pattern=ADDRESS, examples=["0x" + "1" * 40])


def _number(value: object) -> object:
    if isinstance(value, bool | str):
        raise ValueError("expected a number, found a truth value or text")  # noqa: TRY004  # pydantic reports these alone
    return value


class SeenQuestion(Question):
    """Which alert was seen."""

    alert: Annotated[int, BeforeValidator(_number)] = Field(
        ge=1,
        le=2**62,
        examples=[1],
        description="the id of an alert; its incident is acknowledged at its level",
    )


class WhatIfQuestion(Where):
    """Which prices move together, and how many positions of each market to show."""

    shocks: tuple[Annotated[str, Field(pattern=rf"^{MOVE}$")], ...] = Field(
        min_length=1, max_length=20, examples=[["ETH:-20%"]], description="assets by class, symbol or address"
    )
    limit: Annotated[int, BeforeValidator(_number)] = Field(default=20, ge=0, le=100)


class LevelsQuestion(Where):
    """Which asset moves, and how far."""

    asset: str = Field(pattern=r"^[A-Za-z0-9₮][A-Za-z0-9₮ .-]{0,63}$", examples=["ETH"], description="class or token")
    down_pct: int = Field(default=50, ge=0, le=99)
    up_pct: int = Field(default=0, ge=0, le=200)
    step_pct: int = Field(default=2, ge=1, le=50)
