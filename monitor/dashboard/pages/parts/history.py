"""How a position was: both healths and its prices over time, what was said of it, and its incidents."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from monitor.dashboard import words
from monitor.dashboard.figure import Series, chart
from monitor.dashboard.html import Markup, el
from monitor.dashboard.table import figures, table, texts
from monitor.domain.label import safe_label, safe_line
from monitor.history.records import Record
from monitor.outbox.figures import price_text
from monitor.store import AlertView, IncidentView, PositionView
from monitor.units import PPM

_SHOWN = 10.0
"""A health above this says nothing more; its line stays at the edge."""


def healths(told: Sequence[Record], view: PositionView) -> Markup:
    """Return both healths of the last days; a moment that could not be measured leaves a gap."""
    if not told:
        why = "Nothing is kept of it: history is kept of watched positions, and of whole markets now and then."
        return el("section", el("h2", "History"), el("p", why, class_="empty"))
    protocol = [(_s(one), _ratio(one["health_ppm"], one)) for one in told]
    cautious = [(_s(one), _ratio(one["cautious_health_ppm"], one)) for one in told]
    name = words.way(view.id.deployment)
    series = (Series("protocol health", protocol, "a"), Series("cautious health", cautious, "b"))
    return chart(f"Health in {name}", series, moment, lambda value: f"{value:.3f}", (1.0, "line"))


def prices(told: Sequence[Record]) -> Markup | None:
    """Return the nearest liquidation price against the price it is of, None where neither was kept."""
    now, line, name = list[tuple[float, float | None]](), list[tuple[float, float | None]](), ""
    for one in told:
        found = json.loads(str(one["liquidation_prices"] or "[]"))
        if not found:
            continue
        first = found[0]
        label = safe_label(first["symbol"] or "", first["token"]) if first["token"] else safe_line(first["node"])
        name = name or label
        if label == name:
            now.append((_s(one), float(first["now"])))
            line.append((_s(one), float(first["first_liquidatable"])))
    if not now:
        return None
    series = (Series("price", now, "a"), Series("liquidation price", line, "c"))
    return chart(f"{name}: price and liquidation price", series, moment, lambda value: f"{value:,.6g}")


def alerts(found: Sequence[AlertView], now_s: int) -> Markup:
    """Return what was said, newest first."""
    columns = (*texts("Alert", "Level", "Before"), *figures("Health", "Block · age"))
    rows = [
        (
            safe_line(one.alert.kind.value),
            words.level(one.alert.level.name),
            words.level(one.alert.previous.name),
            price_text(one.alert.facts["health"], up=False) if "health" in one.alert.facts else words.unknown("–"),
            (words.block(one.alert.at_block), " · ", words.moment(one.alert.at_time_s, now_s)),
        )
        for one in found
    ]
    return table("Alerts", columns, rows, "Nothing was said of it yet.")


def incidents(found: Sequence[IncidentView], now_s: int) -> Markup:
    """Return its times of danger, newest first."""
    columns = (*texts("Incident", "Worst"), *figures("Opened", "Lasted"))
    rows = [
        (
            safe_line(one.id),
            words.level(one.worst),
            (words.moment(one.opened_s, now_s), " ago"),
            "still open" if one.closed_s is None else words.seconds(one.closed_s - one.opened_s),
        )
        for one in found
    ]
    return table("Incidents", columns, rows, "It was never in danger while watched.")


def moment(at_s: float) -> str:
    """Return a moment as an axis shows it."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%d %b %H:%M")


def _s(one: Record) -> float:
    return float(str(one["at_time"]))


def _ratio(ppm: object, one: Record) -> float | None:
    return None if ppm is None or one["status"] != "measured" else min(int(str(ppm)) / PPM, _SHOWN)
