"""What a message says: what happens and what to do first, the rest below, as text, as HTML and for programs."""

import html
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

from monitor.channels.channel import Message
from monitor.domain.alerts import Alert, AlertKind, Level, Recipient
from monitor.domain.ids import Cause, ChainWide, PositionId
from monitor.domain.label import safe_line, short_address, shown_label
from monitor.outbox import figures
from monitor.outbox.lines import EMPTY, KEY, Line, fitting, plain, strong
from monitor.outbox.matters.causes import cause_lines, cause_subject
from monitor.outbox.matters.chains import chain_lines, chain_subject, own_lines, own_subject
from monitor.outbox.matters.digest import digest_lines, digest_subject
from monitor.outbox.matters.divergence import divergence_lines
from monitor.outbox.matters.events import event_details, event_lines, left_lines
from monitor.outbox.matters.standing import away_words, detail_lines, health_lines, nothing_owed, price_lines
from monitor.outbox.record import record

_ICONS = {
    Level.OK: "🟢",
    Level.WATCH: "🔵",
    Level.WARN: "🟡",
    Level.DANGER: "🟠",
    Level.CRITICAL: "🔴",
    Level.LIQUIDATABLE: "🚨",
}


def render(alert: Alert, recipient: Recipient, key: str, route_index: int, link_base: str) -> Message:
    """Return the message, at most 4,096 UTF-16 units in either form.

    Level, health, liquidation price, action and incident are always there, or what is known of a chain or cause.
    The only link leads to `link_base`.
    """
    alert = labelled(alert, recipient)
    subject, said = _said(alert, recipient, route_index, link_base)
    lines = fitting(list(said))
    text = "\n".join(line.text for line in lines).strip("\n")
    link = link_to(alert, link_base) if link_base and isinstance(alert.position, PositionId) else None
    return Message(
        key=key,
        incident=alert.incident,
        subject=subject,
        text=text,
        html="\n".join(line.html for line in lines).strip("\n"),
        record=record(alert, key, subject, text, link),
    )


def labelled(alert: Alert, recipient: Recipient) -> Alert:
    """Return the alert with what its recipient calls the position."""
    return replace(alert, facts={**alert.facts, "label": recipient.label}) if recipient.label else alert


def _said(alert: Alert, recipient: Recipient, route_index: int, link_base: str) -> tuple[str, Iterator[Line]]:
    """Return the subject and the lines, by what the message is about."""
    match alert.position:
        case ChainWide():
            return chain_subject(alert), chain_lines(alert)
        case Cause() if alert.kind is AlertKind.DIGEST:
            return digest_subject(alert), digest_lines(alert)
        case Cause() if alert.kind in (AlertKind.STALE, AlertKind.STALE_OVER):
            return cause_subject(alert), cause_lines(alert)
        case Cause():
            return own_subject(alert), own_lines(alert)
        case PositionId():
            return _subject(alert), _lines(alert, recipient, route_index, link_base)


def _subject(alert: Alert) -> str:
    health, what = alert.facts.get("health"), _WORDS[alert.kind].format(level=alert.level.name)
    unmeasured = nothing_owed(alert.facts) if "no_debt" in alert.facts else "health unknown"
    said = f"health {figures.health_text(health)}{away_words(alert.facts)}" if health else unmeasured
    return f"[{what}] {who(alert)}: {said}"


_WORDS = {
    AlertKind.WORSENED: "{level}",
    AlertKind.DETERIORATED: "{level}, GETTING WORSE",
    AlertKind.REPEATED: "STILL {level}",
    AlertKind.RECOVERED: "RECOVERED, NOW {level}",
    AlertKind.UNKNOWN: "HEALTH UNKNOWN",
    AlertKind.KNOWN_AGAIN: "HEALTH KNOWN AGAIN, {level}",
    AlertKind.PARAMETER_CHANGED: "PARAMETERS CHANGED, {level}",
    AlertKind.LIQUIDATION_SEEN: "LIQUIDATED, NOT FINAL YET",
    AlertKind.LIQUIDATED: "LIQUIDATED",
    AlertKind.DIGEST: "DAILY",
    AlertKind.DIVERGED: "PRICES APART, {level}",
    AlertKind.DIVERGENCE_OVER: "PRICES TOGETHER AGAIN, {level}",
    AlertKind.STALE: "STALE",
    AlertKind.STALE_OVER: "FRESH AGAIN",
    AlertKind.TEST: "TEST",
}


_MARKS = {
    AlertKind.UNKNOWN: "❔",
    AlertKind.DIVERGED: "⚖",
    AlertKind.LIQUIDATION_SEEN: "🚨",
    AlertKind.LIQUIDATED: "🚨",
}
_REPEATING = {AlertKind.WORSENED, AlertKind.DETERIORATED, AlertKind.REPEATED}
_EVENTS = {AlertKind.LIQUIDATION_SEEN, AlertKind.LIQUIDATED}
_MAY_BE_FINE = {AlertKind.RECOVERED, AlertKind.KNOWN_AGAIN, AlertKind.PARAMETER_CHANGED}
_MAY_BE_FINE |= {AlertKind.DIVERGENCE_OVER}


def _lines(alert: Alert, recipient: Recipient, route_index: int, link_base: str) -> Iterator[Line]:
    facts, position = alert.facts, alert.position
    yield strong(KEY, headline(alert))
    place = f"{who(alert)} · {position.protocol} · {position.deployment}"
    yield plain(8, safe_line(place.replace("_", " ")))
    yield EMPTY
    yield from event_lines(alert)
    yield from divergence_lines(alert)
    yield from health_lines(alert)
    first, *further = price_lines(facts)
    yield first
    yield EMPTY
    yield from _action(alert)
    yield EMPTY
    if alert.kind in _EVENTS:
        yield from left_lines(facts)
    yield from event_details(facts)
    yield from detail_lines(alert)
    yield from further
    if "doubts" in facts:
        yield plain(3, f"Prices in doubt: {safe_line(facts['doubts'])}")
    if route_index > 0:
        yield plain(5, f"Sent here because {safe_line(recipient.routes[0].channel)} did not accept messages for you.")
    when = datetime.fromtimestamp(alert.at_time_s, UTC)
    yield plain(6, f"As of block {alert.at_block}, {when:%Y-%m-%d %H:%M:%S} UTC")
    yield plain(KEY, f"Incident {alert.incident}")
    yield from _quieting(alert, recipient.routes[route_index].channel)
    if link_base:
        url = link_to(alert, link_base)
        yield Line(KEY, url, f'<a href="{html.escape(url)}">Open this position</a>')


def link_to(alert: Alert, link_base: str) -> str:
    """Return the address of the position's page."""
    return f"{link_base.rstrip('/')}/positions/{quote(str(alert.position), safe='')}"


def headline(alert: Alert) -> str:
    """Return what happened, in a word, and how bad it is."""
    what = _WORDS[alert.kind].format(level=alert.level.name)
    match alert.kind:
        case AlertKind.RECOVERED:
            gone = f"{nothing_owed(alert.facts).upper()} LEFT"
            return f"🟢 {gone if 'no_debt' in alert.facts else what} (was {alert.previous.name})"
        case AlertKind.UNKNOWN | AlertKind.DIVERGED | AlertKind.LIQUIDATION_SEEN | AlertKind.LIQUIDATED:
            return f"{_MARKS[alert.kind]} {what}"
        case AlertKind.TEST | AlertKind.DIGEST:
            return f"✅ {what}: this channel works"
        case AlertKind.WORSENED:
            return f"{_ICONS[alert.level]} {what} (was {alert.previous.name})"
        case _:
            return f"{_ICONS[alert.level]} {what}"


def _action(alert: Alert) -> Iterator[Line]:
    facts, steps = alert.facts, figures.listed(alert.facts.get("steps"))
    if alert.kind is AlertKind.TEST:
        yield plain(KEY, "To do: nothing, this is only a test. An alert would say here what to repay or add.")
    elif alert.kind in _EVENTS and "no_debt" in facts:
        yield plain(KEY, f"To do: {nothing_owed(facts)} is left; withdraw what remains, or leave it.")
    elif alert.kind in _MAY_BE_FINE and alert.level <= Level.WATCH:
        own = " If you did not close it yourself, check what happened." if "no_debt" in facts else ""
        yield plain(KEY, f"To do: nothing now.{own}")
    elif steps:
        target = figures.health_text(facts.get("target_health", "?"))
        yield strong(KEY, f"To do, any one of these, for a health of {target}:")
        for index, step in enumerate(steps):
            what = f"{safe_line(step['action']).capitalize()} {figures.amount_text(step['amount'])}"
            yield plain(KEY if index == 0 else 6, f"• {what} {shown_label(step['token'])}")
    elif alert.kind is AlertKind.UNKNOWN:
        less = "reduce it" if facts.get("kind") == "perp" else "repay"
        yield strong(KEY, f"To do: look at the position yourself; {less} or add collateral if in doubt.")
    elif facts.get("kind") == "perp":
        yield strong(KEY, "To do: reduce the positions or add collateral.")
    else:
        yield strong(KEY, "To do: repay debt or add collateral.")
    if "unavailable" in facts:
        yield plain(5, f"Not possible now: {safe_line(facts['unavailable'])}")
    if "kept" in facts:
        yield plain(5, f"You cannot withdraw now: {safe_line(facts['kept'])}")


def _quieting(alert: Alert, channel: str) -> Iterator[Line]:
    """Yield how to hear less of this, where the channel has a way."""
    if channel == "telegram" and alert.kind in _REPEATING:
        yield plain(2, f"Seen it? /ack {alert.incident} stops repeats, /mute 2h holds back what may wait.")


def who(alert: Alert) -> str:
    """Return the owner's own label and the short name of the position."""
    return f"{safe_line(alert.facts.get('label', ''), 40)} {short_address(alert.position.key)}".strip()
