"""Where a position stands: both healths, its line, what to do, what a liquidator may take, and its legs."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from monitor.dashboard import words
from monitor.dashboard.html import Content, Markup, el
from monitor.dashboard.table import facts, figures, table, texts
from monitor.domain.label import safe_label, safe_line
from monitor.outbox.figures import amount_text, away_text, duration_text, price_text
from monitor.store import PositionView


def shown(view: PositionView, now_s: int) -> Markup:
    """Return level, healths and sums, and the moment they are of."""
    row, left = view.row, view.time_to_liquidation_s
    blockers = json.loads(str(row["blockers"] or "[]"))
    pairs: list[tuple[Content, Content]] = [
        ("Level", words.level(view.level)),
        ("Protocol health", el("strong", words.health(row["health_factor"], row["status"]))),
        ("Cautious health", el("strong", words.health(row["cautious_health_factor"], row["status"]))),
        ("Distance", "past the line" if row["is_insolvent"] else words.percent(row["distance_pct"])),
        ("Liquidatable now", _yes(row["is_liquidatable_now"])),
        ("Collateral", words.money(row["collateral_usd"], up=False)),
        ("Debt", words.money(row["debt_usd"], up=True)),
        ("Equity", words.money(row["equity_usd"], up=False)),
        ("Leverage", f"{row['leverage']} ×" if row["leverage"] else words.unknown("–")),
        ("By interest alone", "now" if left == 0 else words.seconds(left)),
        ("Owner", words.owner_link(row["owner"])),
        ("Moment", words.place(row, now_s)),
        ("Read", f"{safe_line(str(row['exactness']))}, {safe_line(str(row['accrual']))}"),
    ]
    problem = el("p", f"Not measurable: {safe_line(str(row['reason']))}", class_="problem") if row["reason"] else None
    held = el("p", f"No liquidation now: {safe_line('; '.join(blockers))}", class_="problem") if blockers else None
    identity = el("p", str(view.id), class_="quiet id")
    return el(
        "section",
        identity,
        problem,
        held,
        facts(pairs),
        None if row["is_insolvent"] else _near(view.nearness),
        aria_label="Where it stands",
    )


def lines(view: PositionView) -> Markup:
    """Return each price at which it is liquidated, against the price now."""
    columns = (*texts("Price of"), *figures("Now", "Last safe", "Liquidatable from", "Away"), *texts("If it"))
    rows = []
    for one in json.loads(str(view.row["liquidation_prices"] or "[]")):
        falls = one["direction"] == "falls"
        rows.append(
            (
                safe_label(one["symbol"] or "", one["token"]) if one["token"] else safe_line(one["node"]),
                price_text(one["now"], up=not falls),
                price_text(one["last_safe"], up=falls),
                price_text(one["first_liquidatable"], up=falls),
                away_text(one["now"], one["first_liquidatable"]) or words.unknown("–"),
                safe_line(one["direction"]),
            )
        )
    return table("Liquidation prices", columns, rows, "No price alone leads to liquidation, as far as is known.")


def advice(view: PositionView) -> Markup:
    """Return what the owner can do."""
    found = view.remedy
    if found is None or not (found["steps"] or found["unavailable"]):
        return el("section", el("h2", "What to do"), el("p", "Nothing is known to be needed or possible now."))
    ways = (
        el("li", safe_line(one["action"]), " ", el("strong", amount_text(one["amount"])), " ", _token(one["token"]))
        for one in found["steps"]
    )
    closed = (el("li", "Not possible: ", safe_line(one), class_="quiet") for one in found["unavailable"])
    said = f"One of these brings health to {Decimal(found['target']).normalize():f}:" if found["steps"] else None
    return el("section", el("h2", "What to do"), el("p", said), el("ul", ways, closed))


def quoted(view: PositionView) -> Markup | None:
    """Return what one liquidation would take now, None where there is no quote."""
    quote = view.quote
    if quote is None:
        return None
    cents = Decimal(int(quote["profit_base"])) / int(str(view.row["base_unit"]))
    is_usd = view.row["debt_usd"] is not None
    pairs: list[tuple[Content, Content]] = [
        ("A liquidator pays", (amount_text(quote["debt_to_cover"]), " ", _token(quote["debt"]))),
        ("and receives", (amount_text(quote["collateral_to_liquidator"], up=False), " ", _token(quote["collateral"]))),
        ("Bonus", f"{Decimal(quote['bonus_bps']) / 100} %"),
        ("Profit before gas", words.money(f"{cents:f}", up=False) if is_usd else words.unknown("no USD price")),
        ("Call", safe_line(quote["function"])),
        ("of", str(quote["target"])),
    ]
    return el("section", el("h2", "What one liquidation would take"), facts(pairs))


def legs(view: PositionView) -> Markup:
    """Return what it holds and owes."""
    unit = int(str(view.row["base_unit"]))
    columns = (*texts("Side", "Token"), *figures("Amount", "Worth", "Counts"), *texts("Remark"))
    rows = [
        _leg(one, unit, is_usd=view.row["debt_usd"] is not None) for one in json.loads(str(view.row["legs"] or "[]"))
    ]
    return table("Legs", columns, rows, "Nothing is known of what it holds.")


def _leg(leg: Mapping[str, Any], unit: int, *, is_usd: bool) -> tuple[Content, ...]:
    value, is_owed = leg["value_base"], leg["side"] in ("debt", "short")
    worth: Content = words.unknown()
    if value is not None:
        amount = Decimal(int(value)) / unit
        worth = words.money(f"{amount:f}", up=is_owed) if is_usd else f"{amount:,.6f}"
    return (
        safe_line(leg["side"]),
        safe_label(leg["symbol"] or "", leg["token"]),
        amount_text(leg.get("amount") or leg["size"], up=is_owed),
        worth,
        f"{Decimal(leg['weight_bps']) / 100} %" if "weight_bps" in leg else "–",
        safe_line(leg["label"]) or "–",
    )


def _near(near: Mapping[str, Any] | None) -> Markup | None:
    """Return how near the line is when prices move together."""
    if near is None:
        return None
    said = []
    if near["joint_pct"] is not None:
        way = "falls" if near["joint_direction"] == "falls" else "rises"
        said.append(
            f"Past the line when {safe_line(near['market'])} {way} {near['joint_pct']} %, others by their beta."
        )
    if near["sigmas"] is not None:
        time = duration_text(str(near["horizon_s"]))
        said.append(f"{near['sigmas']} standard deviations of {time} away, by its likeliest way.")
    return el("p", " ".join(said)) if said else None


def _token(token: Mapping[str, Any]) -> str:
    return safe_label(token["symbol"] or "", token["address"])


def _yes(whether: object) -> Content:
    return words.unknown() if whether is None else el("span", "yes", class_="past") if whether else "no"
