"""What a client may ask; an unknown name is an error, never ignored."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Decimal = Annotated[str, Field(pattern=r"^[0-9]{1,20}(\.[0-9]{1,18})?$", examples=["1.1"])]
Dollars = Annotated[str, Field(pattern=r"^[0-9]{1,16}(\.[0-9]{1,2})?$", examples=["1000"])]
Percent = Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,2})?$", examples=["2.5"])]
TokenName = Annotated[str, Field(pattern=r"^[A-Za-z0-9₮][A-Za-z0-9₮ .-]{0,63}$", examples=["WETH"])]
Order = Literal["health", "debt", "distance", "profit"]


class Question(BaseModel):
    """Parameters of a request; an unknown one is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AtRiskQuestion(Question):
    """Which positions, in which order, and how many."""

    chain: str | None = Field(
        default=None, pattern=r"^[a-z0-9]{1,20}:[A-Za-z0-9._-]{1,60}$", description="CAIP-2, `eip155:1`"
    )
    protocol: str | None = Field(default=None, pattern=r"^[a-z0-9_]{1,60}$", description="slug, `aave_v3`")
    deployment: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]{0,60}$", description="`ethereum-core`")
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
        pattern=r"^[A-Za-z0-9._~!$&'()*+,;=:@/-]{1,300}$",
        examples=["eip155:1/aave_v3/ethereum-core/0x" + "8" * 40 + "/0x" + "1" * 40],
        description="`chain/protocol/deployment/market/key`, its slashes as they are or percent-encoded",
    )
