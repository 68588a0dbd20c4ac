"""What one message says of several positions at once: the worst first and in full, every one with its incident."""

import html
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from monitor.channels.channel import Message
from monitor.domain.alerts import Alert, AlertKind, Level, Recipient
from monitor.domain.label import safe_line, shown_label
from monitor.outbox import figures
from monitor.outbox.lines import CHARACTERS, EMPTY, KEY, Line, fitting, length, plain, strong
from monitor.outbox.matters.standing import price_line
from monitor.outbox.render import headline, labelled, link_to, who

IN_FULL = 3
"""So many of the worst keep liquidation price and action whatever else has to go."""


def listing(told: Sequence[tuple[Alert, Recipient]], key: str, link_base: str, refused_by: str = "") -> Message:
    """Return one message about several positions, the worst first, at most 4,096 UTF-16 units in either form.

    Each alert comes with its recipient, for what they call the position. `refused_by` is the channel that should have
    had it.
    Level, health, liquidation price, action and incident of the worst are always there, and every incident.
    """
    alerts = [labelled(alert, recipient) for alert, recipient in told]
    worst = alerts[0]
    entries = [tuple(_entry(alert, is_worst=place < IN_FULL)) for place, alert in enumerate(alerts)]
    first = [strong(KEY, _title(alerts)), *_reason(alerts), EMPTY]
    last = [EMPTY, *_ending(alerts, link_base, refused_by)]
    shown = _most_that_fit(first, entries, alerts, last)
    lines = fitting([*first, *(line for entry in entries[:shown] for line in entry), *_rest(alerts[shown:]), *last])
    return Message(
        key=key,
        incident=worst.incident,
        subject=f"[{_worst(alerts)[1]}] {len(alerts)} positions, worst {who(worst)}: {_health(worst)}",
        text="\n".join(line.text for line in lines).strip("\n"),
        html="\n".join(line.html for line in lines).strip("\n"),
    )


def _most_that_fit(
    first: Sequence[Line], entries: Sequence[tuple[Line, ...]], alerts: Sequence[Alert], last: Sequence[Line]
) -> int:
    """Return how many positions have a line of their own once everything less important has gone."""
    shown = len(entries)
    while shown > IN_FULL:
        kept = [line for entry in entries[:shown] for line in entry if line.keep == KEY]
        if length([*first, *kept, *_rest(alerts[shown:]), *last]) <= CHARACTERS:
            break
        shown -= 1
    return shown


def _title(alerts: Sequence[Alert]) -> str:
    mark, word = _worst(alerts)
    if alerts[0].kind in (AlertKind.UNKNOWN, AlertKind.KNOWN_AGAIN):
        return f"{mark} {len(alerts)} POSITIONS: {word}"
    return f"{mark} {len(alerts)} POSITIONS, THE WORST: {word}"


def _worst(alerts: Sequence[Alert]) -> tuple[str, str]:
    """Return the mark and the word of the worst, without the level before."""
    mark, _, word = headline(alerts[0]).partition(" (")[0].partition(" ")
    return mark, word


def _reason(alerts: Sequence[Alert]) -> Iterator[Line]:
    if alerts[0].kind is AlertKind.UNKNOWN:
        yield plain(KEY, f"Why: {safe_line(alerts[0].facts.get('unknown', 'not known'))}")
        yield plain(KEY, "Levels stay as they were, which does not mean safe.")
        yield strong(KEY, "To do: look at them yourself; reduce them, repay or add collateral if in doubt.")


def _entry(alert: Alert, *, is_worst: bool) -> Iterator[Line]:
    facts, keep = alert.facts, KEY if is_worst else 8
    named = f"{safe_line(alert.position.deployment)} {who(alert)}"
    if alert.kind is AlertKind.UNKNOWN:
        last = facts.get("last_health")
        health = f"last health {figures.health_text(last)}" if last else "health never known"
        yield plain(KEY, f"❔ was {alert.level.name} · {named} · {health} · {alert.incident}")
        return
    yield plain(KEY, f"{headline(alert)} · {named} · {_health(alert)} · {alert.incident}")
    if alert.kind in (AlertKind.RECOVERED, AlertKind.KNOWN_AGAIN) and alert.level <= Level.WATCH:
        return
    prices = figures.listed(facts.get("liquidation_prices"))
    yield plain(keep, f"    Liquidation price: {price_line(prices[0]) if prices else 'not known'}")
    yield plain(keep, f"    To do: {_to_do(alert)}")


def _health(alert: Alert) -> str:
    health = alert.facts.get("health")
    if "no_debt" in alert.facts:
        return "no debt"
    return f"health {figures.health_text(health)}" if health else "health not measurable now"


def _to_do(alert: Alert) -> str:
    steps = figures.listed(alert.facts.get("steps"))
    if steps:
        ways = (f"{safe_line(s['action'])} {figures.amount_text(s['amount'])} {shown_label(s['token'])}" for s in steps)
        return " or ".join(list(ways)[:2])
    is_perp = alert.facts.get("kind") == "perp"
    return "reduce the position or add collateral" if is_perp else "repay debt or add collateral"


def _rest(alerts: Sequence[Alert]) -> Iterator[Line]:
    if alerts:
        yield plain(KEY, f"and {len(alerts)} more: {', '.join(alert.incident for alert in alerts)}")


def _ending(alerts: Sequence[Alert], link_base: str, refused_by: str) -> Iterator[Line]:
    if refused_by:
        yield plain(7, f"Sent here because {safe_line(refused_by)} did not accept messages for you.")
    when = datetime.fromtimestamp(min(alert.at_time_s for alert in alerts), UTC)
    yield plain(6, f"As of {when:%Y-%m-%d %H:%M:%S} UTC or later; the last word of each line is its incident")
    if link_base:
        url = link_to(alerts[0], link_base)
        yield Line(KEY, url, f'<a href="{html.escape(url)}">Open the worst position</a>')
