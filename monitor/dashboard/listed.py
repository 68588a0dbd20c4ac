"""A list of positions as a table: level, both healths, distance, line, and what a liquidation would pay."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from monitor.dashboard import words
from monitor.dashboard.html import Content, Markup, el, link
from monitor.dashboard.table import Column, tabled
from monitor.domain.label import safe_label, safe_line
from monitor.outbox.figures import price_text
from monitor.store import PositionView
from monitor.units import decimal_text

_FULL_PCT = 50.0
"""The distance at which the bar beside it is full."""


@dataclass(frozen=True, slots=True)
class _Head:
    head: str
    is_figure: bool = True
    order: str = ""


_HEADS = (
    _Head("Level", is_figure=False),
    _Head("Position", is_figure=False),
    _Head("Owner", is_figure=False),
    _Head("Health", order="health"),
    _Head("Cautious"),
    _Head("Distance", order="distance"),
    _Head("Line"),
    _Head("Now"),
    _Head("Collateral"),
    _Head("Debt", order="debt"),
    _Head("Profit now", order="profit"),
    _Head("Block · age"),
)
*_COLUMNS, _LAST = (Column(one.head, one.is_figure) for one in _HEADS)
_WAYS = {"health": "ascending", "distance": "ascending", "debt": "descending", "profit": "descending"}


@dataclass(frozen=True, slots=True)
class Line:
    """A position as it is listed: its cells but the last, and the block and second that the last one says."""

    cells: tuple[Markup, ...]
    block: str
    at_s: int

    def written(self, now_s: int) -> tuple[Markup, ...]:
        """Return all cells as of a second."""
        return *self.cells, _LAST.cell((self.block, " · ", words.moment(self.at_s, now_s)))


def columns(by: str, ways: Mapping[str, str]) -> tuple[Column, ...]:
    """Return the heads of a list in an order; `ways` are where it is found in each order."""
    return tuple(
        Column(
            link(ways[one.order], one.head) if one.order in ways else one.head,
            is_figure=one.is_figure,
            sorted_=_WAYS.get(by) if one.order == by else None,
        )
        for one in _HEADS
    )


def line(view: PositionView) -> Line:
    """Return a position as it is listed."""
    row = view.row
    line, now = _line(view)
    told: tuple[Content, ...] = (
        words.level(view.level),
        words.position_link(view.id, words.way(row["deployment"])),
        words.owner_link(row["owner"]) if row["owner"] else safe_line(view.id.key),
        words.health(row["health_factor"], row["status"]),
        words.health(row["cautious_health_factor"], row["status"]),
        _distance(view),
        line,
        now,
        words.money(row["collateral_usd"], up=False),
        words.money(row["debt_usd"], up=True),
        _profit(view),
    )
    pairs = enumerate(zip(_COLUMNS, told, strict=True))
    cells = tuple(column.cell(cell, is_first=not place) for place, (column, cell) in pairs)
    return Line(cells, words.block(row["at_block"]), int(row["at_time"] or 0))


def positions(caption: str, lines: Mapping[str, Line], now_s: int, by: str, ways: Mapping[str, str]) -> Markup:
    """Return the table of lines by position, in the order `by`."""
    body = (el("tr", one.written(now_s), data_id=position) for position, one in lines.items())
    return tabled(caption, columns(by, ways), body, "list")


def _distance(view: PositionView) -> Content:
    row = view.row
    if row["status"] == "unmeasurable":
        why = safe_line(str(row["reason"]))
        return el("span", why, class_="unknown", title=why)
    if row["is_insolvent"]:
        return el("span", "past the line" if row["is_liquidatable_now"] else "past, blocked", class_="past")
    if row["distance_pct"] is None:
        return words.unknown("–")
    filled = round(min(float(str(row["distance_pct"])), _FULL_PCT) / _FULL_PCT * 40, 1)
    bar = el(
        "svg",
        el("rect", width=40, height=6, y=2, class_="rest"),
        el("rect", width=str(filled), height=6, y=2, class_="fill"),
        width=40,
        height=10,
        viewBox="0 0 40 10",
        aria_hidden="true",
        class_="bar",
    )
    return bar, f" {row['distance_pct']} %"


def _line(view: PositionView) -> tuple[Content, Content]:
    """Return the nearest liquidation price and the price now, with the token they are of."""
    found = json.loads(str(view.row["liquidation_prices"] or "[]"))
    if not found:
        return words.unknown("–"), words.unknown("–")
    first = found[0]
    name = safe_label(first["symbol"] or "", first["token"]) if first["token"] else safe_line(first["node"])
    falls = first["direction"] == "falls"
    line = el(
        "span", price_text(first["first_liquidatable"], up=falls), " ", el("small", name.partition(" (")[0]), title=name
    )
    return line, price_text(first["now"], up=not falls)


def _profit(view: PositionView) -> Content:
    if view.quote is None:
        return words.unknown("–") if view.row["status"] != "unmeasurable" else words.unknown()
    if view.row["debt_usd"] is None:
        return words.unknown("no USD price")
    cents = int(view.quote["profit_base"]) * 100 // int(str(view.row["base_unit"]))
    return words.money(decimal_text(cents, 2), up=False)
