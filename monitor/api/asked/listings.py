"""What keepers ask: positions at risk, one position, and how well each deployment is followed."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Protocol

from aiohttp import web

from monitor.api.route import Route
from monitor.client.wire.asked import AtRiskQuestion, PositionQuestion
from monitor.client.wire.market import DeploymentAnswer, Deployments
from monitor.client.wire.position import PositionAnswer, PositionPage
from monitor.clock import Clock
from monitor.domain.ids import ChainId, DeploymentName, PositionId, Slug
from monitor.domain.moment import BlockRef
from monitor.errors import UsageError
from monitor.store import AtRisk, DeploymentView, Page, PositionView, Sort, Views
from monitor.units import scaled_from_text

_RECENT = 64


class Listed(Protocol):
    """Who knows positions: the store's views, or the books where they stand."""

    async def at_risk(
        self, wanted: AtRisk, sort: Sort = ..., cursor: str | None = ..., limit: int = ...
    ) -> Page[PositionView]:
        """Return positions with debt, worst first; raises UsageError for a cursor of another list."""
        ...

    async def position(self, position: PositionId) -> PositionView | None:
        """Return one position, None when it is not known here."""
        ...

    @property
    def stamp(self) -> tuple[int, ...] | None:
        """Another one whenever answers may be others, but for their age; None where that is not known."""
        ...


def listings(listed: Listed, views: Views, clock: Clock, limits_s: Mapping[DeploymentName, int]) -> tuple[Route, ...]:
    """Return the routes over these; `limits_s` is how old each deployment's last whole read may be."""
    recent = _Recent(listed, clock)

    async def at_risk(query: AtRiskQuestion) -> PositionPage:
        """List positions with debt, the worst first.

        A cursor goes on after the last item of its page whatever has moved since: what keeps its place in the order is
        neither repeated nor left out. A cursor of another order, or none of ours, is a conflict.
        """
        return await recent.of(query)

    async def position(path: PositionQuestion) -> PositionAnswer:
        """Show one position as last evaluated, with quote and remedy."""
        found = await listed.position(_id(path.id))
        if found is None:
            raise web.HTTPNotFound(text="no such position is known here")
        return _position(found)

    async def deployments() -> Deployments:
        """List every deployment with its moment, its age and what is known of its positions."""
        items = await views.deployments()
        return Deployments(items=tuple(_deployment(view, limits_s.get(view.name)) for view in items))

    return (
        Route("/v1/at-risk", at_risk, problems=(409,)),
        Route("/v1/positions/{id}", position, problems=(404,)),
        Route("/v1/deployments", deployments),
    )


class _Recent:
    """The last pages, so that many who ask for one while nothing changes cost as much as the first."""

    def __init__(self, listed: Listed, clock: Clock) -> None:
        self._listed, self._clock = listed, clock
        self._pages: OrderedDict[tuple[AtRiskQuestion, int, tuple[int, ...] | None], PositionPage] = OrderedDict()
        self._turn = asyncio.Lock()

    async def of(self, query: AtRiskQuestion) -> PositionPage:
        """Return the page as of this second; raises HTTPConflict for a cursor of another list."""
        async with self._turn:
            asked = (query, self._clock.wall_s(), self._listed.stamp)
            if asked in self._pages:
                return self._pages[asked]
            try:
                page = await self._listed.at_risk(_wanted(query), Sort(query.sort), query.cursor, query.limit)
            except UsageError as e:
                raise web.HTTPConflict(text=str(e)) from e
            answer = PositionPage(items=tuple(map(_position, page.items)), next=page.next)
            if asked[2] is not None and asked[2] == self._listed.stamp:
                self._pages[asked] = answer
                if len(self._pages) > _RECENT:
                    self._pages.popitem(last=False)
            return answer


def _id(text: str) -> PositionId:
    try:
        return PositionId.parse(text)
    except UsageError as e:
        raise web.HTTPNotFound(text=str(e)) from e


def _wanted(query: AtRiskQuestion) -> AtRisk:
    return AtRisk(
        chain=None if query.chain is None else ChainId(query.chain),
        protocol=None if query.protocol is None else Slug(query.protocol),
        deployment=None if query.deployment is None else DeploymentName(query.deployment),
        health_below_wad=None if query.health_below is None else scaled_from_text(query.health_below, 18),
        min_debt_cents=None if query.min_debt_usd is None else scaled_from_text(query.min_debt_usd, 2),
        collateral=query.collateral,
        debt=query.debt,
        distance_below_bps=None if query.distance_below is None else scaled_from_text(query.distance_below, 2),
        min_profit_cents=None if query.min_profit_usd is None else scaled_from_text(query.min_profit_usd, 2),
        liquidatable_now=query.liquidatable_now,
    )


def _position(view: PositionView) -> PositionAnswer:
    return PositionAnswer.model_validate(
        {
            **view.row,
            "id": str(view.id),
            "age_s": view.age_s,
            "is_unpriced": view.is_unpriced,
            "level": view.level,
            "last_level": view.last_level,
            "driver": view.driver,
            "incident": view.incident,
            "quote": view.quote,
            "remedy": view.remedy,
            "time_to_liquidation_s": view.time_to_liquidation_s,
            "nearness": view.nearness,
        }
    )


def _deployment(view: DeploymentView, limit_s: int | None) -> DeploymentAnswer:
    block = view.at if isinstance(view.at, BlockRef) else None
    return DeploymentAnswer(
        name=view.name,
        protocol=view.protocol,
        chain=view.chain,
        at_block=block.number if block else None,
        at_hash=block.hash if block else None,
        at_time=view.at.timestamp_s if isinstance(view.at, BlockRef) else view.at.received_s,
        age_s=view.age_s,
        committed_age_s=view.committed_age_s,
        is_current=None if limit_s is None else view.committed_age_s <= limit_s,
        positions=view.positions,
        measured=view.measured,
        no_debt=view.no_debt,
        unmeasurable=view.unmeasurable,
        levels=view.levels,
    )
