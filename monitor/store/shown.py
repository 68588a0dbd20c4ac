"""What the views answer with."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from monitor.domain.alerts import Alert
from monitor.domain.ids import ChainId, DeploymentName, PositionId, Slug
from monitor.domain.moment import At
from monitor.domain.row import Row

T = TypeVar("T")


class Sort(StrEnum):
    """Worst first by health, largest first by debt or profit, nearest first by distance; unknown values stand last."""

    HEALTH = "health"
    DEBT = "debt"
    DISTANCE = "distance"
    PROFIT = "profit"


@dataclass(frozen=True, slots=True)
class AtRisk:
    """Which positions.

    An unmeasurable one passes `health_below_wad` and `distance_below_bps`, one without USD price the minimums.
    `collateral` and `debt` are each an address, or a symbol in any case; a position that could not be read passes.
    `min_profit_cents` and `liquidatable_now` ask
    for what can be sent now, which an unmeasurable position never has.
    """

    chain: ChainId | None = None
    protocol: Slug | None = None
    deployment: DeploymentName | None = None
    health_below_wad: int | None = None
    min_debt_cents: int | None = None
    collateral: str | None = None
    debt: str | None = None
    distance_below_bps: int | None = None
    min_profit_cents: int | None = None
    liquidatable_now: bool | None = None

    @property
    def needs_search(self) -> bool:
        """Whether a glance at a position does not tell if it is wanted."""
        return self.distance_below_bps is not None or self.min_profit_cents is not None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items, and the cursor of those that follow, None at the end."""

    items: tuple[T, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class PositionView:
    """One position as last evaluated.

    `level` is UNKNOWN while it cannot be measured, None when no rule has judged it; `last_level` is the level held
    before. `is_unpriced` says that no USD debt is known, so the position passed any minimum unseen. `quote`,
    `remedy` and `nearness` are JSON objects with amounts as decimal text. `sort_key` is its place in the list it stands
    in.
    """

    id: PositionId
    sort_key: str
    row: Row
    age_s: int
    is_unpriced: bool
    level: str | None
    last_level: str | None
    driver: str | None
    incident: str | None
    quote: Mapping[str, Any] | None
    remedy: Mapping[str, Any] | None
    time_to_liquidation_s: int | None = None
    nearness: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class DeploymentView:
    """How far and how well a deployment is followed; `age_s` is of the chain's moment, `committed_age_s` of ours."""

    name: DeploymentName
    protocol: Slug
    chain: ChainId
    at: At
    age_s: int
    committed_age_s: int
    positions: int
    measured: int
    no_debt: int
    unmeasurable: int
    levels: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class AlertView:
    """One recorded alert; `id` grows, so a stream can go on where it stopped."""

    id: int
    alert: Alert
    committed_s: int


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One incident of a position; `closed_s` is None while it lasts, the worst health decimal text times 1e18."""

    id: str
    opened_s: int
    closed_s: int | None
    worst: str
    worst_health_wad: str | None


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """One channel of the outbox; `last` is what became of the latest try: sent, deferred or refused."""

    channel: str
    pending: int
    sent: int
    dead: int
    superseded: int
    oldest_pending_age_s: int | None
    last: str | None
    last_age_s: int | None
    last_detail: str | None


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """The whole outbox."""

    channels: tuple[ChannelStatus, ...]

    @property
    def pending(self) -> int:
        """How many messages are owed."""
        return sum(c.pending for c in self.channels)
