"""Positions at risk: filtered, sorted, paged, kept up to date, and as CSV."""

from collections.abc import Sequence
from urllib.parse import urlencode

from aiohttp import web

from monitor.client.wire.asked import AtRiskQuestion
from monitor.dashboard.asking import question, wanted
from monitor.dashboard.frame import framed
from monitor.dashboard.html import Content, Markup, el, joined, link
from monitor.dashboard.inside import Inside, given, html
from monitor.dashboard.listed import positions
from monitor.errors import UsageError
from monitor.store import Page, PositionView, Sort

_SORTS = (("health", "Health"), ("debt", "Debt"), ("distance", "Distance"), ("profit", "Profit"))
_LIMITS = ("100", "250", "500", "1000")
_EVERY_MS = 2_000
_MOST_ROWS = 10_000


async def page(inside: Inside, request: web.Request) -> web.Response:
    """Show the list with its form; the rows come anew every other second."""
    filled = given(request)
    asked = question(filled)
    found = await _found(inside, asked)
    names = [view.name for view in await inside.board.store.views.deployments()]
    own = {name: value for name, value in filled.items() if name != "cursor"}
    rest = "?" + urlencode(filled)
    return html(
        framed(
            "At risk",
            _form(asked, names),
            el("p", link(f"/at-risk.csv?{urlencode(own)}", f"CSV of the first {_MOST_ROWS:,}", download=True)),
            el("div", _part(inside, asked, found), data_live=f"/at-risk/rows{rest}", data_every=_EVERY_MS),
            here="/at-risk",
        )
    )


async def rows(inside: Inside, request: web.Request) -> web.Response:
    """Show the rows alone; 304 as long as nothing in them can be another."""
    asked = question(given(request))
    tag = f'"{hash((inside.board.stamp, asked)):x}"'
    if request.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers={"ETag": tag})
    response = html(joined(_part(inside, asked, await _found(inside, asked))))
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "private, no-cache"
    return response


async def csv(inside: Inside, request: web.Request) -> web.Response:
    """Give the rows as CSV, with the columns of a snapshot."""
    if inside.csv is None:
        raise web.HTTPNotFound(text="no CSV is written here")
    filled = {name: value for name, value in given(request).items() if name not in ("cursor", "limit")}
    found = list[PositionView]()
    asked = question({**filled, "limit": "1000"})
    while len(found) < _MOST_ROWS:
        part = await _found(inside, asked)
        found += part.items
        if part.next is None:
            break
        asked = question({**filled, "limit": "1000", "cursor": part.next})
    named = {"Content-Disposition": 'attachment; filename="at-risk.csv"'}
    body = inside.csv([view.row for view in found[:_MOST_ROWS]])
    return web.Response(body=body, content_type="text/csv", charset="utf-8", headers=named)


async def _found(inside: Inside, asked: AtRiskQuestion) -> Page[PositionView]:
    try:
        return await inside.board.at_risk(wanted(asked), Sort(asked.sort), asked.cursor, asked.limit)
    except UsageError as e:
        raise web.HTTPConflict(text=str(e)) from e


def _part(inside: Inside, asked: AtRiskQuestion, found: Page[PositionView]) -> Content:
    filled = {name: str(value) for name, value in asked.model_dump(exclude_none=True).items() if name != "cursor"}
    ways = list[Content]()
    if asked.cursor is not None:
        ways.append(link(f"/at-risk?{urlencode(filled)}", "First page", class_="button"))
    if found.next is not None:
        ways.append(link(f"/at-risk?{urlencode({**filled, 'cursor': found.next})}", "Next page", class_="button"))
    stale = el("p", "This list is not up to date: the service does not answer.", class_="problem gone", hidden=True)
    shown = positions(f"{len(found.items):,} positions, by {asked.sort}", found.items, inside.now_s, asked.sort)
    return stale, shown, el("p", ways, class_="ways")


def _form(asked: AtRiskQuestion, deployments: Sequence[str]) -> Markup:
    now = "" if asked.liquidatable_now is None else str(asked.liquidatable_now).lower()
    fields = (
        _choice(
            "deployment", "Deployment", [("", "all"), *((one, one) for one in deployments)], asked.deployment or ""
        ),
        _entry("health_below", "Health below", asked.health_below, "1.1"),
        _entry("distance_below", "Distance below %", asked.distance_below, "10"),
        _entry("min_debt_usd", "Debt from $", asked.min_debt_usd, "1000"),
        _entry("min_profit_usd", "Profit from $", asked.min_profit_usd, "5"),
        _entry("collateral", "Collateral", asked.collateral, "WETH"),
        _entry("debt", "Owes", asked.debt, "USDC"),
        _choice("liquidatable_now", "Liquidatable", [("", "any"), ("true", "now"), ("false", "not now")], now),
        _choice("sort", "Sort by", _SORTS, asked.sort),
        _choice("limit", "Rows", [(one, one) for one in dict.fromkeys((*_LIMITS, str(asked.limit)))], str(asked.limit)),
    )
    return el("form", fields, el("button", "Apply", type="submit"), action="/at-risk", method="get", class_="filters")


def _entry(name: str, said: str, value: str | None, hint: str) -> Markup:
    field = el("input", name=name, id=name, value=value, placeholder=hint, autocomplete="off")
    return el("div", el("label", said, for_=name), field)


def _choice(name: str, said: str, options: Sequence[tuple[str, str]], chosen: str) -> Markup:
    told = (el("option", text, value=value, selected=value == chosen) for value, text in options)
    return el("div", el("label", said, for_=name), el("select", told, name=name, id=name))
