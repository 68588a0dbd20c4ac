"""All positions of an owner."""

from urllib.parse import quote

from aiohttp import web

from monitor.dashboard.frame import framed
from monitor.dashboard.html import el
from monitor.dashboard.inside import Inside, given, html
from monitor.dashboard.listed import line, positions
from monitor.domain.ids import address
from monitor.domain.label import safe_line, short_address


async def asked(_: Inside, request: web.Request) -> web.StreamResponse:
    """Go to the page of the address that was typed; raises UsageError for what is none."""
    typed = given(request).get("address", "")
    address(typed)
    return web.Response(status=303, headers={"Location": f"/owners/{quote(typed, safe='')}"})


async def page(inside: Inside, request: web.Request) -> web.StreamResponse:
    """Show everything that an address has; raises UsageError for what is no address."""
    typed = request.match_info["address"]
    found = await inside.board.positions_of(address(typed))
    told = el(
        "p",
        "Nothing of this address is known here: it has no position in what is followed, or its deployment is not.",
        class_="empty",
    )
    lines = {str(view.id): line(view) for view in found}
    shown = positions(f"{len(found)} positions", lines, inside.now_s, "health", {}) if found else told
    return html(framed(f"Owner {short_address(typed)}", el("p", safe_line(typed), class_="quiet"), shown))
