"""What goes over the wire: the questions a client may ask and the shape of every answer."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Json

from monitor.api.answer import Answer, NearnessAnswer, QuoteAnswer, RemedyAnswer
from monitor.store import Sort

Decimal = Annotated[str, Field(pattern=r"^[0-9]{1,20}(\.[0-9]{1,18})?$", examples=["1.1"])]
Dollars = Annotated[str, Field(pattern=r"^[0-9]{1,16}(\.[0-9]{1,2})?$", examples=["1000"])]
Status = Literal["measured", "no_debt", "unmeasurable"]


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
    sort: Sort = Field(default=Sort.HEALTH, description="worst first, largest debt first, or nearest first")
    cursor: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,2000}$", description="`next` of the last page")
    limit: int = Field(default=100, ge=1, le=1000)


class PositionQuestion(Question):
    """One position."""

    id: str = Field(
        pattern=r"^[A-Za-z0-9._~!$&'()*+,;=:@/-]{1,300}$",
        examples=["eip155:1/aave_v3/ethereum-core/0x" + "8" * 40 + "/0x" + "1" * 40],
        description="`chain/protocol/deployment/market/key`, its slashes as they are or percent-encoded",
    )


class Side(StrEnum):
    """What a leg does to health."""

    COLLATERAL = "collateral"
    DEBT = "debt"


class LegAnswer(Answer):
    """One balance; `amount` in tokens, `raw` as the contract stores it, `value_base` in base units.

    Only `token`, an address, identifies the token; a symbol that cannot be shown is empty.
    """

    side: Side
    label: str
    token: str
    symbol: str
    amount: str
    amount_raw: str
    raw: str
    price: str | None
    value_base: str | None
    weight_bps: int


class PerpCollateralAnswer(LegAnswer):
    """One balance of a perpetual account: `weight_bps` is the venue's haircut, `cautious_value_base` ours."""

    cautious_value_base: str | None


class PerpLegAnswer(Answer):
    """One open position; `size` is signed, long above zero, and `_base` values are in base units.

    `value_base` and `entry_base` are signed as the size; funding is positive where it is received.
    """

    side: Literal["long", "short"]
    label: str
    market: str
    token: str
    symbol: str
    size: str
    size_raw: str
    price: str | None
    value_base: str | None
    entry_base: str | None
    unrealised_pnl_base: str | None
    funding_base: str | None
    borrow_fee_base: str | None
    close_fee_base: str | None
    initial_base: str | None
    maintenance_base: str | None


class LiquidationPriceAnswer(Answer):
    """The boundary on one price: the last safe and the first liquidatable value."""

    node: str
    token: str | None
    symbol: str | None
    direction: Literal["falls", "rises"]
    now: str
    last_safe: str
    first_liquidatable: str


class PositionAnswer(Answer):
    """One position as last evaluated: the snapshot row, its age, and what follows from it.

    Integers that may pass 53 bits are decimal strings. `age_s` is the age of `at_time`. `is_unpriced` says that no USD
    debt is known, so that the position passed every minimum. `level` is UNKNOWN while the position cannot be measured;
    `last_level` is what it was before. `time_to_liquidation_s` counts from `at_time`, by interest alone at the rates of
    that moment: 0 past the line, null when that is ten years away or more, or the position is far from its line.

    `nearness` is only known of positions that are near their line, watched, or asked for while followed as a whole.

    Of a perpetual account (`kind` perp) the health is equity ÷ maintenance requirement, `debt_*` is the notional of all
    positions, `equity_usd` the equity that is compared, and `leverage` notional ÷ equity.
    """

    id: str
    age_s: int
    chain: str
    protocol: str
    deployment: str
    market: str
    key: str
    owner: str | None
    at_block: int | None
    at_hash: str | None
    at_time: int
    status: Status
    reason: str | None
    kind: str
    margin_mode: str
    exactness: str
    accrual: str
    native_health: str | None
    health_numerator: str | None
    health_denominator: str | None
    health_line: str | None
    health_factor: str | None
    is_insolvent: bool | None
    is_liquidatable_now: bool | None
    blockers: Json[tuple[str, ...]]
    cautious_health_factor: str | None
    base_unit: str
    collateral_base: str | None
    debt_base: str | None
    collateral_usd: str | None
    debt_usd: str | None
    equity_usd: str | None
    leverage: str | None
    distance_pct: str | None
    liquidation_prices: Json[tuple[LiquidationPriceAnswer, ...]]
    legs: Json[tuple[PerpLegAnswer | PerpCollateralAnswer | LegAnswer, ...]]
    is_unpriced: bool
    level: str | None
    last_level: str | None
    driver: str | None
    incident: str | None
    quote: QuoteAnswer | None
    remedy: RemedyAnswer | None
    time_to_liquidation_s: int | None
    nearness: NearnessAnswer | None


class PositionPage(Answer):
    """Some positions, and the cursor of those that follow; null at the end."""

    items: tuple[PositionAnswer, ...]
    next: str | None


class DeploymentAnswer(Answer):
    """How far and how well a deployment is followed.

    `age_s` is the age of the chain's moment, `committed_age_s` that of our last whole read; `is_current` says whether
    that read is within the deployment's limit, null where none is set.
    """

    name: str
    protocol: str
    chain: str
    at_block: int | None
    at_hash: str | None
    at_time: int
    age_s: int
    committed_age_s: int
    is_current: bool | None
    positions: int
    measured: int
    no_debt: int
    unmeasurable: int
    levels: Mapping[str, int]


class Deployments(Answer):
    """Every deployment that was ever followed."""

    items: tuple[DeploymentAnswer, ...]


class Alive(Answer):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(Answer):
    """Every deployment was read as a whole within its limit."""

    status: Literal["ready"] = "ready"


class Problem(Answer):
    """Why there is no answer (RFC 9457)."""

    type: Literal["about:blank"] = "about:blank"
    title: str
    status: int
    detail: str
