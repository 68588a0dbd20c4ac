"""How healths are spread: accounts and debts of each market by health, those of unknown health apart."""

from collections.abc import Sequence
from itertools import pairwise

from aiohttp import web

from monitor.cycle.answers.spread import Spread
from monitor.dashboard import words
from monitor.dashboard.figure import histogram
from monitor.dashboard.frame import framed
from monitor.dashboard.html import Content, Markup, el, joined, link
from monitor.dashboard.inside import Inside, given, html
from monitor.dashboard.pages.parts.over_time import EDGES_PPM
from monitor.dashboard.pages.parts.over_time import shown as over_time_shown
from monitor.dashboard.table import figures, table, texts
from monitor.domain.label import short_address
from monitor.errors import UsageError
from monitor.history.queries import Bucket, distribution
from monitor.store import AtRisk
from monitor.units import scaled_from_text

EDGES = ("1", "1.02", "1.05", "1.1", "1.15", "1.2", "1.3", "1.5", "2", "3", "5", "10")
_OVER_TIME, _DAYS = "/distribution/over-time", ("7", "30", "90")
_NEAR, _SOME = "1.1", "1.3"


async def page(inside: Inside, _: web.Request) -> web.StreamResponse:
    """Show every market that is followed as a whole."""
    found = await inside.board.spreads(AtRisk(), [scaled_from_text(one, 18) for one in EDGES])
    none = el("p", "No market is followed as a whole: give a deployment a start_block.", class_="empty")
    shown = [_market(one, inside.now_s) for one in found] or none
    later = el("div", link(_OVER_TIME, "How it was over time"), data_lazy=f"{_OVER_TIME}?part=1")
    return html(framed("Distribution of health", shown, later, here="/distribution"))


async def over_time(inside: Inside, request: web.Request) -> web.StreamResponse:
    """Show how it was in the last days, as history kept it; `part` asks for that alone."""
    filled = given(request)
    asked = filled.get("days", _DAYS[0])
    if asked not in _DAYS:
        raise UsageError(f"expected days of {', '.join(_DAYS)}, found {asked[:20]!r}")
    days = int(asked)
    buckets = await inside.remembered.of(("over time", days), lambda: _kept(inside, days))
    ways = [link(f"{_OVER_TIME}?days={one}", f"{one} days", class_="button") for one in _DAYS]
    shown = over_time_shown(buckets, days), el("p", ways, class_="ways")
    if filled.get("part") == "1":
        return html(joined(shown))
    return html(framed("Distribution of health over time", shown, here="/distribution"))


def _kept(inside: Inside, days: int) -> list[Bucket]:
    if inside.history is None or not inside.history.exists():
        return []
    return distribution(inside.history, EDGES_PPM, inside.now_s - days * 86_400, inside.now_s)


def _market(found: Spread, now_s: int) -> Markup:
    counts = _between(found.below, found.borrowers)
    sums = pairwise((0.0, *found.debt_below))
    debts = [None if before is None or after is None else after - before for before, after in sums]
    names = ("<1", *(f"<{edge}" for edge in EDGES[1:]), f"≥{EDGES[-1]}")
    bars = [(name, count, _kind(place)) for place, (name, count) in enumerate(zip(names, counts, strict=True))]
    title = f"{words.way(found.target.deployment.name)}, {short_address(found.market)}: {found.borrowers:,} borrowers"
    whole: Content = [
        el("p", words.at(found.at, now_s), ". By the screen: who stands in doubt counts as lower.", class_="quiet"),
        el("p", f"{found.unknown:,} accounts of unknown health are in none of the bars.", class_="unknown")
        if found.unknown
        else None,
    ]
    columns = (*texts("Health"), *figures("Accounts", "Debt"))
    sign = "$" if found.base_is_usd else ""
    told = [words.unknown() if debt is None else f"{sign}{debt / found.unit:,.0f}" for debt in debts]
    rows = [*zip(names[:-1], (f"{count:,}" for count in counts[:-1]), told, strict=True)]
    listed = el("details", el("summary", "As a table"), table("Below each health", columns, rows))
    return el("section", histogram(title, bars), whole, listed)


def _between(below: Sequence[int], everyone: int) -> list[int]:
    ends = (0, *below, everyone)
    return [after - before for before, after in pairwise(ends)]


def _kind(place: int) -> str:
    if place == 0:
        return "past"
    return "near" if place <= EDGES.index(_NEAR) else "some" if place <= EDGES.index(_SOME) else "far"
