"""One position: where it stands, where its line is, what to do, how it would be at other prices, and how it was."""

import asyncio

from aiohttp import web

from monitor.dashboard import words
from monitor.dashboard.asking import moves, position_id
from monitor.dashboard.frame import framed
from monitor.dashboard.html import Content, el, joined
from monitor.dashboard.inside import Inside, given, html
from monitor.dashboard.pages.parts import history, standing, what_ifs
from monitor.domain.ids import PositionId
from monitor.domain.label import short_address
from monitor.history.queries import position as kept
from monitor.history.records import Record

_HISTORY_S = 7 * 86_400
_ALERTS = 20


async def page(inside: Inside, request: web.Request) -> web.StreamResponse:
    """Show a position; what messages link to for a whole chain or a cause is shown among the operations."""
    if request.match_info["id"].count("/") < 4:
        return web.Response(status=303, headers={"Location": "/operations"})
    which = position_id(request)
    found = await inside.board.position(which)
    if found is None:
        raise web.HTTPNotFound(text="no such position is known here")
    views, now_s = inside.board.store.views, inside.now_s
    alerts, incidents = await views.latest_alerts(which, _ALERTS), await views.incidents(which, _ALERTS)
    told = await _kept(inside, which)
    owner = found.row["owner"]
    title = f"{short_address(str(owner or which.key))} in {words.way(which.deployment)}"
    return html(
        framed(
            title,
            standing.shown(found, now_s),
            standing.lines(found),
            standing.advice(found),
            standing.quoted(found),
            standing.legs(found),
            what_ifs.sliders(found, await inside.board.assets(which)),
            history.healths(told, found),
            history.prices(told),
            history.alerts(alerts, now_s),
            history.incidents(incidents, now_s),
        )
    )


async def what_if(inside: Inside, request: web.Request) -> web.StreamResponse:
    """Show a position as it would be; `part` asks for that alone."""
    which, filled = position_id(request), given(request)
    is_part = filled.pop("part", "") == "1"
    shown: Content
    found = await inside.board.repriced(which, moves(filled))
    if found is None:
        shown = el(
            "p",
            "It is neither watched nor of a market that is followed as a whole, or could not be read last.",
            class_="unknown",
        )
    else:
        shown = what_ifs.shown(found, inside.now_s)
    if is_part:
        return html(joined(shown))
    return html(framed("What if", el("p", words.position_link(which, "Back to the position")), shown))


async def _kept(inside: Inside, which: PositionId) -> list[Record]:
    if inside.history is None or not inside.history.exists():
        return []
    return await asyncio.to_thread(kept, inside.history, which, inside.now_s - _HISTORY_S, inside.now_s)
