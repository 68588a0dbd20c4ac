"""What if: a slider for each asset of a position, and the position as it would be."""

import json
from urllib.parse import quote

from monitor.cycle.answers.shocked import Shocked
from monitor.dashboard import words
from monitor.dashboard.html import Markup, el
from monitor.dashboard.table import figures, table, texts
from monitor.domain.health import Unmeasurable
from monitor.domain.label import safe_label
from monitor.domain.row import Evaluation, row
from monitor.store import PositionView

_FURTHEST_PCT = 60


def sliders(view: PositionView) -> Markup:
    """Return the form; the answer comes below it."""
    tokens = {leg["token"]: safe_label(leg["symbol"] or "", leg["token"]) for leg in json.loads(str(view.row["legs"]))}
    fields = [
        el(
            "div",
            el("label", name, for_=f"move-{place}"),
            el(
                "input",
                type="range",
                id=f"move-{place}",
                name=token,
                min=-_FURTHEST_PCT,
                max=_FURTHEST_PCT,
                value=0,
                step=1,
            ),
            el("output", "0 %", for_=f"move-{place}"),
        )
        for place, (token, name) in enumerate(tokens.items())
    ]
    if not fields:
        return el("section", el("h2", "What if"), el("p", "It holds nothing that could move.", class_="empty"))
    place = f"/what-if/{quote(str(view.id), safe='/:')}"
    form = el(
        "form",
        fields,
        el("button", "Show", type="submit"),
        action=place,
        method="get",
        class_="sliders",
        data_part="what-if",
    )
    return el("section", el("h2", "What if prices move"), form, el("div", id="what-if", aria_live="polite"))


def shown(found: Shocked, now_s: int) -> Markup:
    """Return the position now and then, side by side."""
    cells = [row(Evaluation(one, one)) for one in (found.now, found.then)]
    columns = (*texts(""), *figures("Health", "Collateral", "Debt", "Liquidatable"), *texts("Moment"))
    rows = [
        (
            name,
            words.health(one["health_factor"], one["status"]),
            words.money(one["collateral_usd"], up=False),
            words.money(one["debt_usd"], up=True),
            words.unknown() if isinstance(seen.health, Unmeasurable) else "yes" if seen.is_liquidatable_now else "no",
            words.place(one, now_s),
        )
        for name, one, seen in zip(("Now", "Then"), cells, (found.now, found.then), strict=True)
    ]
    return table("As it would be", columns, rows)
