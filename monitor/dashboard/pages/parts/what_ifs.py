"""What if: a slider for each asset of a position, and the position as it would be."""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from monitor.cycle.answers.shocked import Shocked
from monitor.dashboard import words
from monitor.dashboard.html import Markup, el
from monitor.dashboard.table import figures, table, texts
from monitor.domain.health import Unmeasurable
from monitor.domain.label import safe_label, safe_line
from monitor.domain.row import Evaluation, row
from monitor.risk.factors import Asset
from monitor.store import PositionView

_FURTHEST_PCT = 60


def sliders(view: PositionView, assets: Sequence[Asset]) -> Markup:
    """Return the form; the answer comes below it. Where several assets are of one class, the class has a slider too.

    An asset that has been moved by itself does not follow its class.
    """
    moved = _moved(view)
    classes: dict[str, list[str]] = {}
    for one in assets:
        if one.token is not None and one.token.address in moved:
            classes.setdefault(one.of.name, []).append(one.token.address)
    together = {
        name: f"{safe_line(name)}: {', '.join(moved[token].partition(' (')[0] for token in tokens)}"
        for name, tokens in sorted(classes.items())
        if len(tokens) > 1 and name not in moved
    }
    if not moved:
        return el("section", el("h2", "What if"), el("p", "It holds nothing that could move.", class_="empty"))
    place = f"/what-if/{quote(str(view.id), safe='/:')}"
    form = slid(place, together | moved, "what-if", _FURTHEST_PCT)
    return el("section", el("h2", "What if prices move"), form, el("div", id="what-if", aria_live="polite"))


def slid(place: str, names: Mapping[str, str], part: str, furthest_pct: int) -> Markup:
    """Return a slider for each name that a shock may have, and what it is called."""
    fields = [
        el(
            "div",
            el("label", said, for_=f"{part}-{number}"),
            el(
                "input",
                type="range",
                id=f"{part}-{number}",
                name=name,
                min=-furthest_pct,
                max=furthest_pct,
                value=0,
                step=1,
            ),
            el("output", "0 %", for_=f"{part}-{number}"),
        )
        for number, (name, said) in enumerate(names.items())
    ]
    buttons = el("button", "Show", type="submit"), " ", el("button", "All at rest", type="reset")
    return el("form", fields, el("p", buttons), action=place, method="get", class_="sliders", data_part=part)


def _moved(view: PositionView) -> dict[str, str]:
    """Return every token whose price the position depends on, with what it is to it."""
    roles: dict[str, list[str]] = {}
    names = dict[str, str]()
    for leg in json.loads(str(view.row["legs"] or "[]")):
        names[leg["token"]] = safe_label(leg["symbol"] or "", leg["token"])
        roles.setdefault(leg["token"], []).append(safe_line(leg["side"]))
    for line in json.loads(str(view.row["liquidation_prices"] or "[]")):
        if line["token"] and line["token"] not in names:
            names[line["token"]] = safe_label(line["symbol"] or "", line["token"])
            roles[line["token"]] = ["price"]
    return {token: f"{name}, {' and '.join(dict.fromkeys(roles[token]))}" for token, name in names.items()}


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
