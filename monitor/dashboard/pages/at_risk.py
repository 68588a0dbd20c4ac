"""Positions at risk: filtered, sorted, paged, kept up to date, and as CSV."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

from aiohttp import web

from monitor.client.wire.asked import AtRiskQuestion
from monitor.cycle.answers.asking import wanted
from monitor.dashboard.asking import question
from monitor.dashboard.frame import framed
from monitor.dashboard.html import Content, Markup, el, joined, link
from monitor.dashboard.inside import LOOKER, Inside, Send, Streamed, given, html
from monitor.dashboard.listed import positions
from monitor.dashboard.live.told import Told
from monitor.dashboard.live.version import PAGE, Version
from monitor.errors import UsageError
from monitor.store import PositionView, Sort

_SORTS = (("health", "Health"), ("debt", "Debt"), ("distance", "Distance"), ("profit", "Profit"))
_LIMITS = ("100", "250", "500", "1000")
_AT_ONCE = "1000"


async def page(inside: Inside, request: web.Request) -> web.StreamResponse:
    """Show the list with its form; what changes in it is told as it does."""
    filled = given(request)
    asked = question(filled)
    found = await _found(inside, asked)
    names = [view.name for view in await inside.board.store.views.deployments()]
    own = {name: value for name, value in filled.items() if name != "cursor"}
    csv_link = link(f"/at-risk.csv?{urlencode(own)}", "All as CSV", download=True)
    live = el(
        "div",
        el("div", _pulse(inside.now_s), _finder(), el("p", csv_link), class_="tools"),
        _part(found, inside.now_s),
        data_live=f"/at-risk/live?{urlencode(filled)}",
        data_tag=found.tag,
    )
    return html(framed("At risk", _form(asked, names), live, here=PAGE, scripts=("live.js", "rows.js")))


async def rows(inside: Inside, request: web.Request) -> web.StreamResponse:
    """Show the table alone."""
    return html(joined(_part(await _found(inside, question(given(request))), inside.now_s)))


async def live(inside: Inside, request: web.Request) -> web.StreamResponse:
    """Tell what changes in the list, as server-sent events; `have`, or the last event, is what the page knows."""
    filled = given(request)
    have = request.headers.get("Last-Event-ID") or filled.pop("have", "")
    filled.pop("have", None)
    asked = question(filled)
    first = await _found(inside, asked)
    known = inside.lists.known(asked, have)
    told = Told(inside.lists, inside.clock, request[LOOKER], inside.closing)

    async def run(send: Send) -> None:
        await told.run(send, known, first)

    return Streamed(run, "text/event-stream", {"X-Accel-Buffering": "no"})


async def csv(inside: Inside, request: web.Request) -> web.StreamResponse:
    """Give all rows as CSV, with the columns of a snapshot, sent as they are found."""
    write = inside.csv
    if write is None:
        raise web.HTTPNotFound(text="no CSV is written here")
    filled = {name: value for name, value in given(request).items() if name not in ("cursor", "limit")}
    asked = question({**filled, "limit": _AT_ONCE})

    async def run(send: Send) -> None:
        head = write(())
        await send(head)
        async for some in _every(inside, asked):
            await send((await asyncio.to_thread(write, [view.row for view in some]))[len(head) :])

    named = {"Content-Disposition": 'attachment; filename="at-risk.csv"'}
    return Streamed(run, "text/csv; charset=utf-8", named)


async def _every(inside: Inside, asked: AtRiskQuestion) -> AsyncIterator[Sequence[PositionView]]:
    """Yield everyone, some at a time; raises StoreError."""
    cursor: str | None = None
    while True:
        page = await inside.board.at_risk(wanted(asked), Sort(asked.sort), cursor, asked.limit)
        yield page.items
        cursor = page.next
        if cursor is None:
            return


async def _found(inside: Inside, asked: AtRiskQuestion) -> Version:
    try:
        return await inside.lists.newest(asked)
    except UsageError as e:
        raise web.HTTPConflict(text=str(e)) from e


def _part(found: Version, now_s: int) -> Content:
    ways = {order: f"{PAGE}?{urlencode({**found.filled, 'sort': order})}" for order, _ in _SORTS}
    shown = positions(found.caption, found.lines, now_s, found.asked.sort, ways)
    return shown, el("p", found.ways, class_="ways")


def _finder() -> Markup:
    """Return the box that looks through all rows, which only a script can."""
    field = el(
        "input", type="search", id="find", autocomplete="off", spellcheck="false", placeholder="any text of a row"
    )
    return el(
        "p", el("label", "Find in all rows", for_="find"), " ", field, " ", el("output", for_="find"), class_="find"
    )


def _pulse(now_s: int) -> Content:
    """Return what says whether the list still follows; without a script, that it does not."""
    said = (el("span", class_="state", role="status"), " ", el("time", class_="age"), " ago")
    at = datetime.fromtimestamp(now_s, UTC).strftime("%H:%M:%S UTC")
    still = el("noscript", el("p", f"This list stands as of {at}; load it again for a newer one.", class_="quiet"))
    return el("p", said, class_="pulse", hidden=True), still


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
