"""What API, pages and CLI read: positions, deployments, alerts and the outbox, each with its moment and age."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, or_, select

from monitor.clock import Clock
from monitor.domain.alerts import Alert, AlertKind
from monitor.domain.ids import Address, ChainId, DeploymentName, PositionId, Slug, Subject
from monitor.store import paging, records, tables
from monitor.store.engine import Database
from monitor.store.ledgers import audits
from monitor.store.ledgers.audits import AuditView
from monitor.store.shown import (
    AlertView,
    AtRisk,
    ChannelStatus,
    DeploymentView,
    IncidentView,
    OutboxStatus,
    Page,
    PositionView,
    Sort,
)

PAGE_LIMIT = 1000


class Views:
    """Reads only."""

    stamp: None = None
    """Others may write what these read, so no answer is known to be the last one."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def at_risk(
        self,
        wanted: AtRisk,
        sort: Sort = Sort.HEALTH,
        cursor: str | None = None,
        limit: int = 100,
        without: Collection[DeploymentName] = (),
    ) -> Page[PositionView]:
        """Return positions with debt of all deployments but those left out, worst first.

        A cursor goes on after the last item it came with, whatever has moved since. Raises UsageError for a cursor of
        another sort or made up.
        """
        p = tables.positions.c
        orders = {Sort.DEBT: p.debt_key, Sort.DISTANCE: p.distance_key, Sort.PROFIT: p.profit_key}
        key = orders.get(sort, p.health_key)
        query = _positions(key).where(p.status != "no_debt", *_conditions(wanted))
        if without:
            query = query.where(p.deployment.not_in(without))
        if cursor is not None:
            last, id_ = paging.decode(cursor, sort.value)
            query = query.where(or_(key > last, (key == last) & (p.id > id_)))
        size = min(max(limit, 1), PAGE_LIMIT)
        rows = await self._rows(query.order_by(key, p.id).limit(size + 1))
        items = tuple(self._position(row) for row in rows[:size])
        following = paging.encode(sort.value, rows[size - 1].sort_key, rows[size - 1].id) if len(rows) > size else None
        return Page(items, following)

    async def position(self, position: PositionId) -> PositionView | None:
        """Return one position, None when it is not known here."""
        rows = await self._rows(_positions().where(tables.positions.c.id == str(position)))
        return self._position(rows[0]) if rows else None

    async def positions_of(self, owner: Address) -> tuple[PositionView, ...]:
        """Return all positions of an owner, worst first."""
        p = tables.positions.c
        rows = await self._rows(_positions().where(p.owner == owner).order_by(p.health_key, p.id))
        return tuple(self._position(row) for row in rows)

    async def deployments(self) -> tuple[DeploymentView, ...]:
        """Return every deployment that was ever followed."""
        p, s, now_s = tables.positions.c, tables.states.c, self._clock.wall_s()
        statuses = select(p.deployment, p.status, func.count().label("n")).group_by(p.deployment, p.status)
        joined = tables.positions.join(tables.states, s.position == p.id)
        level = select(p.deployment, s.level, s.is_unknown, func.count().label("n")).select_from(joined)
        async with self._database.reading() as connection:
            cursors = (await connection.execute(select(tables.cursors).order_by(tables.cursors.c.deployment))).all()
            by_status = {(r.deployment, r.status): r.n for r in (await connection.execute(statuses)).all()}
            by_level = (await connection.execute(level.group_by(p.deployment, s.level, s.is_unknown))).all()
        levels: dict[str, dict[str, int]] = {}
        for r in by_level:
            name = "UNKNOWN" if r.is_unknown else r.level
            counts = levels.setdefault(r.deployment, {})
            counts[name] = counts.get(name, 0) + r.n
        return tuple(_deployment(row, now_s, by_status, levels.get(row.deployment, {})) for row in cursors)

    async def levels(self) -> Mapping[str, Mapping[str, int]]:
        """Return how many judged positions of each `chain/protocol/deployment/market` stand at each level."""
        s = tables.states.c
        market = func.rtrim(s.position, func.replace(s.position, "/", "")).label("market")
        query = select(market, s.level, s.is_unknown, func.count().label("n"))
        found: dict[str, dict[str, int]] = {}
        for row in await self._rows(query.group_by(market, s.level, s.is_unknown)):
            counts, name = found.setdefault(row.market.rstrip("/"), {}), "UNKNOWN" if row.is_unknown else row.level
            counts[name] = counts.get(name, 0) + row.n
        return found

    async def incidents(self, position: PositionId, limit: int) -> tuple[IncidentView, ...]:
        """Return the latest incidents of a position, newest first."""
        i = tables.incidents.c
        query = select(tables.incidents).where(i.position == str(position)).order_by(i.opened_s.desc(), i.id)
        rows = await self._rows(query.limit(limit))
        return tuple(IncidentView(r.id, r.opened_s, r.closed_s, r.worst, r.worst_health_wad) for r in rows)

    async def audits(self, deployment: DeploymentName) -> tuple[AuditView, ...]:
        """Return how the ledgers of a deployment compared with its chain, oldest first."""
        return await audits.read(self._database, deployment)

    async def alerts(
        self,
        position: PositionId | None = None,
        deployment: DeploymentName | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> tuple[AlertView, ...]:
        """Return alerts recorded after the given id, oldest first."""
        a = tables.alerts.c
        query = select(a.id, a.alert, a.committed_s).where(a.id > after).order_by(a.id)
        if position is not None:
            query = query.where(a.position == str(position))
        if deployment is not None:
            query = query.where(a.deployment == deployment)
        rows = await self._rows(query.limit(min(max(limit, 1), PAGE_LIMIT)))
        return tuple(AlertView(r.id, records.alert_from(r.alert), r.committed_s) for r in rows)

    async def latest_alerts(self, position: PositionId, limit: int) -> tuple[AlertView, ...]:
        """Return the last alerts about a position, newest first."""
        a = tables.alerts.c
        query = select(a.id, a.alert, a.committed_s).where(a.position == str(position)).order_by(a.id.desc())
        rows = await self._rows(query.limit(min(max(limit, 1), PAGE_LIMIT)))
        return tuple(AlertView(r.id, records.alert_from(r.alert), r.committed_s) for r in rows)

    async def newest_alert(self) -> int:
        """Return the id of the newest alert, 0 where there is none."""
        (row,) = await self._rows(select(func.max(tables.alerts.c.id).label("id")))
        return row.id or 0

    async def last_alert(self, about: Subject) -> Alert | None:
        """Return the latest alert about a position or a chain, None when there was none."""
        a = tables.alerts.c
        query = select(a.alert).where(a.position == str(about)).order_by(a.id.desc()).limit(1)
        rows = await self._rows(query)
        return records.alert_from(rows[0].alert) if rows else None

    async def unended(self, deployment: DeploymentName, began: AlertKind, ended: AlertKind) -> tuple[Alert, ...]:
        """Return the last alert of each matter of a deployment that began and did not end, oldest first.

        The deployment is empty for what belongs to none: whole chains and causes.
        """
        a = tables.alerts.c
        of_kind = (a.deployment == deployment) & a.kind.in_((began.value, ended.value))
        last = select(func.max(a.id)).where(of_kind).group_by(a.position, a.incident)
        rows = await self._rows(select(a.alert).where(a.id.in_(last), a.kind == began.value).order_by(a.id))
        return tuple(records.alert_from(row.alert) for row in rows)

    async def outbox_status(self) -> OutboxStatus:
        """Return what is owed, what became of the rest, and each channel's latest try."""
        o, d, now_s = tables.outbox.c, tables.deliveries.c, self._clock.wall_s()
        counted = select(o.channel, o.state, func.count().label("n"), func.min(o.created_s).label("oldest_s"))
        newest = select(func.max(d.id)).group_by(d.channel)
        async with self._database.reading() as connection:
            counts = (await connection.execute(counted.group_by(o.channel, o.state))).all()
            last = (await connection.execute(select(tables.deliveries).where(d.id.in_(newest)))).all()
        tally = {(r.channel, r.state): r for r in counts}
        latest = {r.channel: r for r in last}
        names = sorted({channel for channel, _ in tally} | set(latest))
        return OutboxStatus(tuple(_channel(name, tally, latest.get(name), now_s) for name in names))

    async def _rows(self, query: Select[Any]) -> list[Row[Any]]:
        async with self._database.reading() as connection:
            return list((await connection.execute(query)).all())

    def _position(self, row: Row[Any]) -> PositionView:
        return PositionView(
            id=PositionId.parse(row.id),
            sort_key=row.sort_key,
            row=json.loads(row.row),
            age_s=max(self._clock.wall_s() - row.at_time_s, 0),
            is_unpriced=row.debt_cents is None,
            level="UNKNOWN" if row.is_unknown else row.level,
            last_level=row.level,
            driver=row.driver,
            incident=row.incident,
            quote=None if row.quote is None else json.loads(row.quote),
            remedy=None if row.remedy is None else json.loads(row.remedy),
            time_to_liquidation_s=row.time_to_liquidation_s,
            nearness=None if row.nearness is None else json.loads(row.nearness),
        )


def _positions(sort_key: ColumnElement[str] | None = None) -> Select[Any]:
    p, s = tables.positions.c, tables.states.c
    key = (p.health_key if sort_key is None else sort_key).label("sort_key")
    own = (p.id, p.row, p.quote, p.remedy, p.at_time_s, p.debt_cents, p.time_to_liquidation_s, p.nearness)
    columns = (*own, s.level, s.is_unknown, s.driver, s.incident)
    return select(*columns, key).select_from(tables.positions.outerjoin(tables.states, s.position == p.id))


def _conditions(wanted: AtRisk) -> list[ColumnElement[bool]]:
    p = tables.positions.c
    exact = [(p.chain, wanted.chain), (p.protocol, wanted.protocol), (p.deployment, wanted.deployment)]
    found = [column == value for column, value in exact if value is not None]
    if wanted.health_below_wad is not None:
        found.append(or_(p.health_key < paging.sort_key(wanted.health_below_wad), p.status == "unmeasurable"))
    if wanted.min_debt_cents is not None:
        found.append(or_(p.debt_cents >= wanted.min_debt_cents, p.debt_cents.is_(None)))
    if wanted.distance_below_bps is not None:
        found.append(or_(p.distance_key < paging.sort_key(wanted.distance_below_bps), p.status == "unmeasurable"))
    if wanted.min_profit_cents is not None:
        found += [p.quote.is_not(None), or_(p.profit_cents >= wanted.min_profit_cents, p.profit_cents.is_(None))]
    if wanted.liquidatable_now is not None:
        found.append(p.is_liquidatable == int(wanted.liquidatable_now))
    marks = (paging.token_mark(side, name) for side, name in paging.sides(wanted))
    return found + [or_(p.tokens.contains(mark, autoescape=True), p.tokens.is_(None)) for mark in marks]


def _deployment(
    row: Row[Any], now_s: int, by_status: Mapping[tuple[str, str], int], levels: Mapping[str, int]
) -> DeploymentView:
    count = {status: by_status.get((row.deployment, status), 0) for status in ("measured", "no_debt", "unmeasurable")}
    return DeploymentView(
        name=DeploymentName(row.deployment),
        protocol=Slug(row.protocol),
        chain=ChainId(row.chain),
        at=records.at_from(row.at),
        age_s=max(now_s - row.time_s, 0),
        committed_age_s=max(now_s - row.committed_s, 0),
        positions=sum(count.values()),
        levels=levels,
        **count,
    )


def _channel(name: str, tally: Mapping[tuple[str, str], Row[Any]], last: Row[Any] | None, now_s: int) -> ChannelStatus:
    count = {s: tally[name, s].n if (name, s) in tally else 0 for s in ("pending", "sent", "dead", "superseded")}
    oldest = tally.get((name, "pending"))
    return ChannelStatus(
        channel=name,
        oldest_pending_age_s=None if oldest is None else max(now_s - oldest.oldest_s, 0),
        last=last.outcome if last else None,
        last_age_s=max(now_s - last.at_s, 0) if last else None,
        last_detail=last.detail if last else None,
        **count,
    )
