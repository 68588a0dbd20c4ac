"""How rows look on a terminal."""

import json
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor.domain.assessment import Kind
from monitor.domain.ids import Address, spelled
from monitor.domain.label import safe_label
from monitor.domain.row import Evaluation, Row
from monitor.outbox.figures import foreseen_text, interest_text, joint_text, sigmas_text
from monitor.rules.facts import foreseen_facts, nearness_facts
from monitor.units import decimal_text


def screen() -> Console:
    """Return the terminal; a file or a pipe is wide enough for whole lines."""
    console = Console()
    return console if console.is_terminal else Console(width=240)


def print_rows(rows: Sequence[Row], shown: str, title: str) -> None:
    """Print rows as a table, or as one JSON object a line."""
    console = screen()
    if shown == "json":
        for row in rows:
            console.out(json.dumps(row), highlight=False)
    elif rows:
        console.print(positions(rows, title))
    else:
        console.print(f"{title}: none")


def positions(rows: Iterable[Row], title: str) -> Table:
    """Return a table of positions, worst first as given."""
    table = Table(title=title, title_justify="left", header_style="bold", expand=False)
    for name, justify in (
        ("owner", "left"),
        ("deployment", "left"),
        ("health", "right"),
        ("cautious", "right"),
        ("distance", "right"),
        ("collateral $", "right"),
        ("debt $", "right"),
        ("liquidation price", "left"),
        ("state", "left"),
    ):
        table.add_column(name, justify="right" if justify == "right" else "left", no_wrap=name != "state")
    for row in rows:
        table.add_row(
            short(row["owner"] or row["key"]),
            str(row["deployment"]),
            health(row["health_factor"]),
            health(row["cautious_health_factor"]),
            "" if row["distance_pct"] is None else f"{row['distance_pct']} %",
            money(row["collateral_usd"]),
            money(row["debt_usd"]),
            liquidation_price(row),
            state(row),
        )
    return table


def advice(evaluation: Evaluation) -> Text:
    """Return what the owner of a position can do, one line for each way, and what makes it necessary, and when.

    That is a price that is foreseen, and interest.
    """
    seen = evaluation.protocol
    found, who = evaluation.remedy, short((seen.owner and spelled(seen.id.chain, seen.owner)) or seen.id.key)
    lines = [f"{who} has health {foreseen_text(one)}" for one in foreseen_facts(evaluation.protocol)]
    lines += [f"{who} is away {text}" for text in distances(evaluation)]
    in_time, is_perp = interest_text(str(evaluation.time_to_liquidation_s)), evaluation.protocol.kind is Kind.PERP
    has_ways = found is not None and (found.steps or found.unavailable)
    if in_time and (has_ways or is_perp):
        lines.append(f"{who} is liquidatable by {'funding and fees' if is_perp else 'interest'} alone {in_time}")
    if found is None or not has_ways:
        return Text("\n".join(lines))
    lines.append(f"{who} reaches health {decimal_text(found.target_wad, 18)}:")
    for step in found.steps:
        amount = decimal_text(step.amount_raw, step.token.decimals)
        lines.append(f"  {step.action} {amount} {safe_label(step.token.symbol, step.token.address)}")
    lines.extend(f"  not possible: {closed}" for closed in found.unavailable)
    return Text("\n".join(lines))


def distances(evaluation: Evaluation) -> list[str]:
    """Return how far the line is when prices move together, empty where that is not worked out or leads nowhere."""
    if evaluation.nearness is None or (not evaluation.nearness.joint_ppm and not evaluation.nearness.sigmas_ppm):
        return []
    told = nearness_facts(evaluation.nearness)
    return [text for text in (joint_text(told), sigmas_text(told)) if text is not None]


def health(factor: object) -> Text:
    """Return a health factor cut to four decimals, coloured by how near 1 it is."""
    if factor is None:
        return Text("")
    text = str(factor)
    whole, _, fraction = text.partition(".")
    tenths = int(whole) * 10 + int(fraction[:1] or 0) if not text.startswith("-") else 0
    style = "bold white on red" if tenths < 10 else "bold red" if tenths < 11 else "yellow" if tenths < 15 else "green"
    shown = f"{whole}.{fraction[:4]}" if len(whole) < 7 else f">{10**6:,}"
    return Text(shown, style=style)


def money(amount: object) -> str:
    """Return dollars with thousands separators; empty where unknown."""
    if amount is None:
        return ""
    sign, digits = ("-", str(amount)[1:]) if str(amount).startswith("-") else ("", str(amount))
    whole, _, cents = digits.partition(".")
    return f"{sign}{int(whole):,}.{cents.ljust(2, '0')[:2]}"


def short(hexadecimal: object) -> str:
    """Return the two ends of an address."""
    text = str(hexadecimal)
    return f"{text[:6]}…{text[-4:]}" if len(text) > 14 else text


def liquidation_price(row: Row) -> str:
    """Return the first liquidation price with its direction."""
    prices: Sequence[dict[str, str]] = json.loads(str(row["liquidation_prices"] or "[]"))
    if not prices:
        return ""
    first = prices[0]
    arrow = "≤" if first["direction"] == "falls" else "≥"
    more = f" (+{len(prices) - 1})" if len(prices) > 1 else ""
    name = safe_label(first["symbol"], Address(first["token"])) if first["token"] else short(first["node"])
    return f"{name} {arrow} {first['first_liquidatable']}{more}"


def state(row: Row) -> Text:
    """Return what a reader must know first."""
    if row["status"] == "unmeasurable":
        return Text(f"unknown: {row['reason']}", style="bold magenta")
    if row["is_liquidatable_now"]:
        return Text("LIQUIDATABLE NOW", style="bold white on red")
    if row["is_insolvent"]:
        return Text(f"past its line; blocked: {', '.join(json.loads(str(row['blockers'])))}", style="bold red")
    return Text("no debt" if row["status"] == "no_debt" else "", style="dim")
