"""Sends each subscriber the digest of the day, once, whatever the service was doing at that minute."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.clock import Clock
from monitor.cycle.ruling import Ruling
from monitor.domain.alerts import Level
from monitor.domain.ids import DeploymentName
from monitor.domain.label import short_address
from monitor.domain.moment import BlockRef
from monitor.domain.people import Subscriber
from monitor.rules.hearing.digest import Glance, Source, digest, is_due
from monitor.rules.hearing.hours import day
from monitor.store import Commit, DeploymentView, Heard, PositionView

_UNKNOWN = "UNKNOWN"
_DEFAULT_LIMIT_S = 300


@dataclass(frozen=True, slots=True)
class Digests:
    """The digests; `limits_s` says how old each deployment's last whole read may be."""

    ruling: Ruling
    limits_s: Mapping[DeploymentName, int]
    clock: Clock

    async def once(self) -> None:
        """Send whichever are due; each is stored together with the date that it is for."""
        await self.ruling.audience.look(self.ruling.store)
        now_s = self.clock.wall_s()
        for who in self.ruling.audience.people.values():
            if is_due(who, now_s):
                await self._send(who, now_s)

    async def _send(self, who: Subscriber, now_s: int) -> None:
        views = self.ruling.store.views
        deployments = {view.name: view for view in await views.deployments()}
        positions = [(label, one) for owner, label in who.watches.items() for one in await views.positions_of(owner)]
        current = {name for name, view in deployments.items() if self._is_current(view)}
        glances = [_glance(label, one, is_current=one.id.deployment in current) for label, one in positions]
        named = sorted({one.id.deployment for _, one in positions} & deployments.keys()) or sorted(deployments)
        sources = [_source(deployments[name], is_current=name in current) for name in named]
        alert, today = digest(who, glances, sources, now_s), {who.name: day(who.zone, now_s)}
        notice = self.ruling.audience.notice(alert, [who], None, now_s)
        await self.ruling.commit(Commit(None, notices=[notice], heard=Heard(digested=today)))

    def _is_current(self, view: DeploymentView) -> bool:
        return view.committed_age_s <= self.limits_s.get(view.name, _DEFAULT_LIMIT_S)


def _glance(label: str, one: PositionView, *, is_current: bool) -> Glance:
    row = one.row
    is_known = is_current and one.level not in (None, _UNKNOWN) and row["status"] != "unmeasurable"
    level = Level[one.level] if is_known and one.level is not None else None
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
