"""What a message says of a protocol's price that is not the market's: how far, why, and what health would be."""

from collections.abc import Iterator, Mapping

from monitor.domain.alerts import Alert, AlertKind
from monitor.domain.label import safe_line, shown_label
from monitor.outbox import figures
from monitor.outbox.lines import EMPTY, KEY, Line, plain, strong


def divergence_lines(alert: Alert) -> Iterator[Line]:
    """Yield the lines of a divergence, none for an alert that is none."""
    facts = alert.facts
    if alert.kind is AlertKind.DIVERGED:
        yield strong(KEY, f"Protocol price of {_names(facts)} is {_apart(facts)}{_why(facts)}")
        yield plain(7, _prices(facts))
        yield from _at_market(facts)
        yield EMPTY
    elif alert.kind is AlertKind.DIVERGENCE_OVER:
        yield plain(KEY, f"The protocol's price of {_names(facts)} is near the market's again: {_apart(facts)}.")
        yield plain(7, _prices(facts))
        yield EMPTY


def _names(facts: Mapping[str, str]) -> str:
    return ", ".join(shown_label(name) for name in facts.get("price_of", "?").split(", "))


def _apart(facts: Mapping[str, str]) -> str:
    side = "above" if facts.get("apart_side") == "above" else "below"
    return f"{safe_line(facts.get('apart_pct', '?'))} % {side} the market"


def _why(facts: Mapping[str, str]) -> str:
    why = safe_line(facts["why"]) if "why" in facts else ""
    times = safe_line(facts["times"]) if "times" in facts else ""
    share = f"×{times}" if facts.get("apart_side") == "above" else f"×1/{times}"
    said = ", ".join(one for one in (why, f"misconfigured, {share}" if times else "") if one)
    return f" ({said})" if said else ""


def _prices(facts: Mapping[str, str]) -> str:
    own, market = facts.get("protocol_price"), facts.get("market_price")
    if own is None or market is None:
        return "The prices are not known."
    is_above = facts.get("apart_side") == "above"
    return f"Protocol {figures.price_text(own, up=is_above)}, market {figures.price_text(market, up=not is_above)}"


def _at_market(facts: Mapping[str, str]) -> Iterator[Line]:
    """Yield health now and health were the price the market's."""
    then, now = facts.get("market_health"), facts.get("health")
    if then is None:
        reason = safe_line(facts["market_health_unknown"]) if "market_health_unknown" in facts else "it is not known"
        yield plain(KEY, f"What your health would be at the market's price cannot be said: {reason}")
        return
    is_now = "" if now is None else f" (now {figures.health_text(now)})"
    past = ", past the line" if "is_past_line_at_market" in facts else ""
    moved = f"If the protocol price moves to the market, your health would be {figures.health_text(then)}{past}{is_now}"
    yield strong(KEY, moved)
    if "is_fictitious" in facts:
        yield plain(KEY, "The market says less than the protocol does: your health is fictitious.")
    elif now is not None:
        yield plain(7, "The market says more than the protocol does, but the protocol liquidates at its own price.")
