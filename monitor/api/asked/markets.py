"""Deployments and markets: how well they are followed, what they hold, and what other prices would do to them."""

from collections.abc import Mapping
from math import isfinite

from aiohttp import web

from monitor.api.asked.positions import shocked_answer, shocks_of
from monitor.api.route import Route
from monitor.client.wire.answer import TokenAnswer
from monitor.client.wire.asked import LevelsQuestion, WhatIfQuestion, Where
from monitor.client.wire.market import (
    AssetAnswer,
    Covers,
    CurveAnswer,
    Curves,
    DeploymentAnswer,
    Deployments,
    LevelAnswer,
    MarketAnswer,
    Markets,
    PriceAnswer,
    TallyAnswer,
    WhatIf,
    WhatIfMarket,
)
from monitor.clock import Clock
from monitor.cycle.answers.asking import within
from monitor.cycle.answers.market import MarketAsset, MarketState
from monitor.cycle.answers.shocked import StressedMarket
from monitor.cycle.board import Board
from monitor.cycle.shocks.levels import Curve
from monitor.cycle.step import Target
from monitor.domain.assessment import Side
from monitor.domain.ids import DeploymentName, MarketKey
from monitor.domain.label import safe_line
from monitor.domain.moment import At, BlockRef
from monitor.domain.prices import PriceUsed
from monitor.errors import UsageError
from monitor.risk.curve import Tally, grid
from monitor.store import DeploymentView, Views
from monitor.units import decimal_text

_PPM_PER_PCT = 10_000


def markets_routes(
    views: Views, board: Board | None, clock: Clock, limits_s: Mapping[DeploymentName, int]
) -> tuple[Route, ...]:
    """Return the routes; `limits_s` is how old each deployment's last whole read may be."""

    async def deployments() -> Deployments:
        """List every deployment with its moment, its age and what is known of its positions."""
        items = await views.deployments()
        return Deployments(items=tuple(_deployment(view, limits_s.get(view.name)) for view in items))

    async def markets(query: Where) -> Markets:
        """List the markets that are followed as a whole: totals, levels, assets, prices with their age, and flags."""
        states = [] if board is None else await board.markets(within(query))
        levels = await views.levels() if states else {}
        return Markets(items=tuple(_market(state, levels, clock.wall_s()) for state in states))

    async def what_if(body: WhatIfQuestion) -> WhatIf:
        """Say what becomes liquidatable in each market if prices were others: counts, values and the first of them.

        Of a deployment that is not followed as a whole it is of watched positions alone, which `covers` says.
        """
        if board is None:
            return WhatIf(items=(), unanswered=())
        wanted, shocks, now_s = within(body), shocks_of(body.shocks), clock.wall_s()
        found = [_stressed(one, "whole", now_s) for one in await board.stressed(wanted, shocks, body.limit)]
        if board.watched is None:
            return WhatIf(items=tuple(found), unanswered=())
        found += [_stressed(one, "watched", now_s) for one in await board.watched.stressed(wanted, shocks, body.limit)]
        return WhatIf(items=tuple(found), unanswered=board.watched.unanswered(wanted))

    async def levels(query: LevelsQuestion) -> Curves:
        """Say, for each market, what is liquidatable at which price of an asset.

        Of a deployment that is not followed as a whole it is of watched positions alone, which `covers` says.
        """
        try:
            ratios = grid(query.down_pct * _PPM_PER_PCT, query.up_pct * _PPM_PER_PCT, query.step_pct * _PPM_PER_PCT)
        except UsageError as e:
            raise web.HTTPUnprocessableEntity(text=str(e)) from e
        if board is None:
            return Curves(items=(), unanswered=())
        wanted, now_s = within(query), clock.wall_s()
        found = [_curve(one, "whole", now_s) for one in await board.curves(wanted, query.asset, ratios)]
        if board.watched is None:
            return Curves(items=tuple(found), unanswered=())
        found += [_curve(one, "watched", now_s) for one in await board.watched.curves(wanted, query.asset, ratios)]
        return Curves(items=tuple(found), unanswered=board.watched.unanswered(wanted))

    return (
        Route("/v1/deployments", deployments),
        Route("/v1/markets", markets),
        Route("/v1/what-if", what_if, method="POST"),
        Route("/v1/levels", levels),
    )


def _place(target: Target, market: MarketKey, at: At, now_s: int) -> dict[str, object]:
    of, block = target.deployment, at if isinstance(at, BlockRef) else None
    at_s = at.timestamp_s if isinstance(at, BlockRef) else at.received_s
    return {
        "chain": of.chain,
        "protocol": of.protocol,
        "deployment": of.name,
        "market": market,
        "at_block": block.number if block else None,
        "at_hash": block.hash if block else None,
        "at_time": at_s,
        "age_s": max(now_s - at_s, 0),
    }


def _market(state: MarketState, levels: Mapping[str, Mapping[str, int]], now_s: int) -> MarketAnswer:
    market, place = state.market, _place(state.target, state.market.key, state.at, now_s)
    named = "/".join(str(place[part]) for part in ("chain", "protocol", "deployment", "market"))
    sums = (state.collateral_base, state.debt_base)
    collateral_usd, debt_usd = (
        decimal_text(one * 100 // market.base_unit, 2) if market.base_is_usd and one is not None else None
        for one in sums
    )
    collateral_base, debt_base = (None if one is None else str(one) for one in sums)
    return MarketAnswer.model_validate(
        {
            **place,
            "accounts": state.accounts,
            "borrowers": state.borrowers,
            "unknown": state.unknown,
            "base_unit": str(market.base_unit),
            "base_is_usd": market.base_is_usd,
            "collateral_base": collateral_base,
            "debt_base": debt_base,
            "collateral_usd": collateral_usd,
            "debt_usd": debt_usd,
            "least_past_line": state.past_line[0],
            "most_past_line": state.past_line[1],
            "blocked": state.is_past_line_closed and safe_line(state.is_past_line_closed),
            "levels": levels.get(named, {}),
            "assets": tuple(map(_asset, state.assets)),
            "prices": tuple(_price(used, now_s) for used in state.prices),
        }
    )


def _asset(asset: MarketAsset) -> AssetAnswer:
    token, weights = asset.token, asset.weights_bps or (None, None)
    return AssetAnswer(
        token=TokenAnswer(address=token.address, symbol=token.symbol, decimals=token.decimals),
        nodes=asset.nodes,
        is_debt=asset.is_debt,
        least_weight_bps=weights[0],
        most_weight_bps=weights[1],
        closed_collateral=asset.closed.get(Side.COLLATERAL),
        closed_debt=asset.closed.get(Side.DEBT),
    )


def _price(used: PriceUsed, now_s: int) -> PriceAnswer:
    return PriceAnswer(
        node=used.node,
        price=decimal_text(used.value, used.decimals) if isinstance(used.value, int) else None,
        source=safe_line(used.source),
        method=used.method,
        age_s=None if used.updated_at_s is None else max(now_s - used.updated_at_s, 0),
        labels=tuple(map(safe_line, used.labels)),
    )


def _tally(tally: Tally, unit: int) -> TallyAnswer:
    most = tally.most
    return TallyAnswer(
        least_accounts=tally.least.accounts,
        most_accounts=most.accounts,
        collateral=_estimate(most.collateral, unit),
        debt=_estimate(most.debt, unit),
        unknown=tally.unknown,
    )


def _estimate(amount_base: float, unit: int) -> str | None:
    """Return an estimate with two decimals, in whole units of the base currency; None where the screen has no bound."""
    return decimal_text(round(amount_base) * 100 // unit, 2) if isfinite(amount_base) else None


def _stressed(found: StressedMarket, covers: Covers, now_s: int) -> WhatIfMarket:
    totals = found.totals
    return WhatIfMarket.model_validate(
        {
            **_place(totals.target, totals.market, totals.at, now_s),
            "covers": covers,
            "base_is_usd": totals.base_is_usd,
            "base_token": totals.base,
            "moved_ppm": dict(totals.ratios_ppm),
            "now": _tally(totals.now, totals.unit),
            "then": _tally(totals.then, totals.unit),
            "entered": _tally(totals.entered, totals.unit),
            "first": tuple(shocked_answer(one, now_s) for one in found.first),
        }
    )


def _curve(found: Curve, covers: Covers, now_s: int) -> CurveAnswer:
    levels = tuple(
        LevelAnswer(
            ratio_ppm=one.ratio_ppm,
            price=price,
            past=_tally(one.past, found.unit),
            entered=_tally(one.entered, found.unit),
        )
        for one, price in zip(found.bins, found.prices, strict=True)
    )
    return CurveAnswer.model_validate(
        {
            **_place(found.target, found.market, found.at, now_s),
            "covers": covers,
            "base_is_usd": found.base_is_usd,
            "base_token": found.base,
            "asset": safe_line(found.asset.name),
            "class_of_asset": found.asset.of.name,
            "levels": levels,
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
