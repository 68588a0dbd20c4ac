"""The shape of a position: its row, its legs, its line, and what follows from it."""

import json
from enum import StrEnum
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator

from monitor.client.wire.alert import AlertAnswer
from monitor.client.wire.answer import Answer, NearnessAnswer, QuoteAnswer, RemedyAnswer

Status = Literal["measured", "no_debt", "unmeasurable"]
T = TypeVar("T")
Spoken = Annotated[T, BeforeValidator(lambda cell: json.loads(cell) if isinstance(cell, str) else cell)]
"""A cell that a row holds as the text of JSON and an answer as what that says."""


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
    blockers: Spoken[tuple[str, ...]]
    cautious_health_factor: str | None
    base_unit: str
    collateral_base: str | None
    debt_base: str | None
    collateral_usd: str | None
    debt_usd: str | None
    equity_usd: str | None
    leverage: str | None
    distance_pct: str | None
    liquidation_prices: Spoken[tuple[LiquidationPriceAnswer, ...]]
    legs: Spoken[tuple[PerpLegAnswer | PerpCollateralAnswer | LegAnswer, ...]]
    is_unpriced: bool
    level: str | None
    last_level: str | None
    driver: str | None
    incident: str | None
    quote: QuoteAnswer | None
    remedy: RemedyAnswer | None
    time_to_liquidation_s: int | None
    nearness: NearnessAnswer | None


class IncidentAnswer(Answer):
    """One time of danger; `closed_s` is null while it lasts, `worst_health` a factor."""

    id: str
    opened_s: int
    closed_s: int | None
    worst: str
    worst_health: str | None


class MomentAnswer(Answer):
    """A position at one moment; `source` says whether the store still has it or history kept it.

    The integers are those that were evaluated then. History of whole markets keeps no native health, and six decimals
    of the cautious one.
    """

    source: Literal["store", "history"]
    at_block: int | None
    at_hash: str | None
    at_time: int
    age_s: int
    status: Status
    reason: str | None
    native_health: str | None
    health_numerator: str | None
    health_denominator: str | None
    health_factor: str | None
    cautious_health_factor: str | None
    is_insolvent: bool | None
    is_liquidatable_now: bool | None
    base_unit: str
    collateral_base: str | None
    debt_base: str | None
    collateral_usd: str | None
    debt_usd: str | None
    equity_usd: str | None


class HistoryAnswer(Answer):
    """What was recorded of a position, newest first.

    `moments` are of the store and, where history is kept (`is_kept`), of its files before that. What history is told of
    the last half minute it may not have written yet.
    """

    alerts: tuple[AlertAnswer, ...]
    incidents: tuple[IncidentAnswer, ...]
    moments: tuple[MomentAnswer, ...]
    is_kept: bool


class ShockedAnswer(Answer):
    """A position as it would be if prices were others: the same evaluator at other prices.

    The factors are numerator ÷ denominator, floored; null where they cannot be measured.
    """

    id: str
    owner: str | None
    at_block: int | None
    at_time: int
    age_s: int
    health_factor_now: str | None
    health_factor_then: str | None
    is_liquidatable_then: bool | None
    collateral_usd_then: str | None
    debt_usd_then: str | None
    quote_then: QuoteAnswer | None


class PositionDetail(PositionAnswer):
    """One position; `history` and `repriced` only where they were asked for."""

    history: HistoryAnswer | None = None
    repriced: ShockedAnswer | None = None


class Positions(Answer):
    """Some positions."""

    items: tuple[PositionAnswer, ...]


class PositionPage(Answer):
    """Some positions, and the cursor of those that follow; null at the end."""

    items: tuple[PositionAnswer, ...]
    next: str | None
