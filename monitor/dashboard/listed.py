"""A list of positions as a table: level, both healths, distance, line, and what a liquidation would pay."""

import json
from collections.abc import Iterable

from monitor.dashboard import words
from monitor.dashboard.html import Content, Markup, el
from monitor.dashboard.table import Column, table
from monitor.domain.label import safe_label, safe_line
from monitor.outbox.figures import price_text
from monitor.store import PositionView
from monitor.units import decimal_text

_FULL_PCT = 50.0
"""The distance at which the bar beside it is full."""


def positions(caption: str, views: Iterable[PositionView], now_s: int, by: str = "health") -> Markup:
    """Return the table; `by` is the order they stand in."""
    way = {"health": "ascending", "distance": "ascending", "debt": "descending", "profit": "descending"}
    marks = {name: way[name] for name in way if name == by}
    columns = (
        Column("Level"),
        Column("Position"),
        Column("Owner"),
        Column("Health", is_figure=True, sorted_=marks.get("health")),
        Column("Cautious", is_figure=True),
        Column("Distance", is_figure=True, sorted_=marks.get("distance")),
        Column("Line", is_figure=True),
        Column("Now", is_figure=True),
        Column("Collateral", is_figure=True),
        Column("Debt", is_figure=True, sorted_=marks.get("debt")),
        Column("Profit now", is_figure=True, sorted_=marks.get("profit")),
        Column("Block · age", is_figure=True),
    )
    return table(caption, columns, (_cells(view, now_s) for view in views), "No position fits.")


def _cells(view: PositionView, now_s: int) -> tuple[Content, ...]:
    row = view.row
    line, now = _line(view)
    return (
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
        words.place(row, now_s),
    )


def _distance(view: PositionView) -> Content:
    row = view.row
    if row["status"] == "unmeasurable":
        return el("span", safe_line(str(row["reason"])), class_="unknown")
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
