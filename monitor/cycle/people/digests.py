"""Sends each subscriber the digest of the day, once, whatever the service was doing at that minute."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from monitor.clock import Clock
from monitor.cycle.ruling import Ruling
from monitor.domain.alerts import Level
from monitor.domain.ids import DeploymentName, PositionId
from monitor.domain.label import short_address
from monitor.domain.moment import BlockRef
from monitor.domain.people import Subscriber
from monitor.rules.hearing.digest import Glance, Source, digest, is_due
from monitor.rules.hearing.hours import day
from monitor.rules.state import PositionState
from monitor.store import Commit, DeploymentView, Heard, PositionView, Store

_UNKNOWN = "UNKNOWN"
_DEFAULT_LIMIT_S = 300


class Positions(Protocol):
    """Who knows how a position stands: the store's views, or the books of whole markets."""

    async def position(self, position: PositionId) -> PositionView | None: ...


@dataclass(frozen=True, slots=True)
class Digests:
    """The digests; `limits_s` says how old each deployment's last whole read may be.

    Positions are asked of `positions`, of the store's views without it.
    """

    ruling: Ruling
    limits_s: Mapping[DeploymentName, int]
    clock: Clock
    positions: Positions | None = None

    async def once(self) -> None:
        """Send whichever are due; each is stored together with the date that it is for."""
        await self.ruling.audience.look(self.ruling.store)
        now_s = self.clock.wall_s()
        for who in self.ruling.audience.people.values():
            if is_due(who, now_s):
                await self._send(who, now_s)

    async def _send(self, who: Subscriber, now_s: int) -> None:
        store = self.ruling.store
        glances, sources = await standing(store, self.positions or store.views, who, self.limits_s)
        alert, today = digest(who, glances, sources, now_s), {who.name: day(who.zone, now_s)}
        notice = self.ruling.audience.notice(alert, [who], None, now_s)
        await self.ruling.commit(Commit(None, notices=[notice], heard=Heard(digested=today)))


async def standing(
    store: Store, positions: Positions, who: Subscriber, limits_s: Mapping[DeploymentName, int]
) -> tuple[list[Glance], list[Source]]:
    """Return all positions of those somebody watches, and how fresh what is known of them is.

    The levels are their own where they have thresholds of their own.
    """
    deployments = {view.name: view for view in await store.views.deployments()}
    current = {name for name, view in deployments.items() if _is_current(view, limits_s)}
    known = [(label, view) for owner, label in who.watches.items() for view in await store.views.positions_of(owner)]
    found = [(label, await positions.position(view.id) or view) for label, view in known]
    ids = [one.id for _, one in found]
    own = {} if who.levels is None else await store.own_states(who.name, ids)
    glances = [_glance(label, one, own.get(one.id), is_current=one.id.deployment in current) for label, one in found]
    named = sorted({one.deployment for one in ids} & deployments.keys()) or sorted(deployments)
    return glances, [_source(deployments[name], is_current=name in current) for name in named]


def _is_current(view: DeploymentView, limits_s: Mapping[DeploymentName, int]) -> bool:
    return view.committed_age_s <= limits_s.get(view.name, _DEFAULT_LIMIT_S)


def _glance(label: str, one: PositionView, own: PositionState | None, *, is_current: bool) -> Glance:
    row, said = one.row, one.level
    if own is not None and said != _UNKNOWN:
        said = own.level.name if own.level is not None and not own.is_unknown else _UNKNOWN
    is_known = is_current and said not in (None, _UNKNOWN) and row["status"] != "unmeasurable"
    level = Level[said] if is_known and said is not None else None
    distance = _text(row.get("distance_pct")) if is_known else None
    who = f"{label} {short_address(one.id.key)}".strip()
    health = _text(row.get("health_factor")) if is_known else None
    has_debt = row["status"] != "no_debt"
    return Glance(who, str(one.id.deployment), level, health, distance, has_debt=has_debt)


def _source(view: DeploymentView, *, is_current: bool) -> Source:
    at = view.at
    moment = f"block {at.number}" if isinstance(at, BlockRef) else "its newest prices"
    return Source(view.name, moment, view.age_s, is_current)


def _text(cell: str | int | None) -> str | None:
    return None if cell in (None, "") else str(cell)
