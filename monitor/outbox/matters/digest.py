"""What the daily digest says: how many positions, which are not well, and as of when."""

from collections.abc import Iterator, Mapping

from monitor.domain.alerts import Alert
from monitor.domain.label import safe_line
from monitor.outbox import figures
from monitor.outbox.lines import EMPTY, KEY, Line, plain, strong


def digest_subject(alert: Alert) -> str:
    """Return the line a mail program lists."""
    return f"[DAILY] {_summary(alert.facts)}"


def digest_lines(alert: Alert) -> Iterator[Line]:
    """Yield the summary, each position, and how fresh it all is."""
    facts = alert.facts
    yield strong(KEY, f"☀ Daily summary: {_summary(facts)}")
    yield EMPTY
    for place, one in enumerate(figures.listed(facts.get("positions"))):
        yield plain(8 if place else KEY, position_text(one))
    hidden = int(facts.get("count", "0")) - len(figures.listed(facts.get("positions")))
    if hidden > 0:
        yield plain(5, f"and {hidden} more")
    if facts.get("count") == "0":
        yield plain(KEY, f"No open position of the {safe_line(facts.get('watched', '?'))} watched addresses was found.")
    yield EMPTY
    for source in figures.listed(facts.get("sources")):
        yield plain(6, source_text(source))
    if facts.get("stale", "0") != "0":
        yield strong(KEY, "What is old or unknown is not known to be safe: look at those positions yourself.")
    yield plain(6, "You get this every day. If it does not come, the service is not watching.")


def _summary(facts: Mapping[str, str]) -> str:
    count, unknown, at_risk = (int(facts.get(name, "0")) for name in ("count", "unknown", "at_risk"))
    said = "1 position" if count == 1 else f"{count} positions"
    parts = [f"{unknown} not known now"] * bool(unknown) + [f"{at_risk} to look after"] * bool(at_risk)
    return f"{said}, {', '.join(parts)}" if parts else f"{said}, {'all well' if count else 'nothing to watch'}"


def position_text(one: Mapping[str, str]) -> str:
    """Return how a position of the facts of a digest stands."""
    level, who, place = safe_line(one["level"]), safe_line(one["who"], 60), safe_line(one["place"].replace("_", " "))
    health = f": health {figures.health_text(one['health'])}" if "health" in one else ""
    away = f", {safe_line(one['distance_pct'])} % away" if "distance_pct" in one else ""
    return f"{level} · {who} · {place}{health}{away}"


def source_text(one: Mapping[str, str]) -> str:
    """Return how fresh is what is known from a source of the facts of a digest."""
    age = figures.duration_text(one.get("age_s")) or "?"
    old = ", TOO OLD to say anything of now" if "stale" in one else ""
    return f"{safe_line(one['name'], 60)}: data of {safe_line(one['moment'], 40)}, {age} old{old}"
