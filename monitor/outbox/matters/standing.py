"""How a position stands: its health, what sets its level, how near its line is and at which prices."""

from collections.abc import Iterator, Mapping

from monitor.domain.alerts import Alert, AlertKind
from monitor.domain.label import safe_line, shown_label
from monitor.outbox import figures
from monitor.outbox.lines import KEY, Line, plain, strong


def health_lines(alert: Alert) -> Iterator[Line]:
    """Yield the health and what sets the level."""
    facts = alert.facts
    health, cautious, last = facts.get("health"), facts.get("cautious_health"), facts.get("last_health")
    if "no_debt" in facts:
        yield strong(KEY, f"Health: {nothing_owed(facts)}, so nothing can be liquidated")
    elif health is not None:
        yield strong(KEY, f"Health {figures.health_text(health)} (liquidation below 1)")
    else:
        known = (
            f", last {figures.health_text(last)} at block {safe_line(facts.get('last_at_block', '?'))}" if last else ""
        )
        yield strong(KEY, f"Health not measurable now{known}")
    yield from _margin(facts)
    if "unknown" in facts:
        yield plain(8, f"Why: {safe_line(facts['unknown'])}")
        if alert.kind is AlertKind.UNKNOWN:
            yield plain(8, f"Level before: {alert.level.name}. Unknown is not safe.")
    if "blockers" in facts:
        yield plain(7, f"Past its line, but not liquidatable right now: {safe_line(facts['blockers'])}")
    if cautious is not None and facts.get("driver") == "cautious":
        said = f"Cautious health {figures.health_text(cautious)} (independent prices, haircuts) sets this level"
        yield plain(7, said)
    yield from (plain(7, f"Distance: {text}; this sets the level") for _, text in _nearness(facts, sets_level=True))
    for one in figures.listed(facts.get("foreseen")):
        yield plain(7, f"Foreseen: health {figures.foreseen_text(one)}")


def detail_lines(alert: Alert) -> Iterator[Line]:
    """Yield what can be read later: nothing of it changes what to do now."""
    facts = alert.facts
    if alert.kind is AlertKind.RECOVERED:
        yield from _ending(facts)
    cautious = facts.get("cautious_health")
    if cautious is not None and facts.get("driver") != "cautious":
        yield plain(4, f"Cautious health {figures.health_text(cautious)} (independent prices, haircuts)")
    for measure, text in _nearness(facts, sets_level=False):
        if measure in ("joint", "sigmas"):
            yield plain(3, f"Distance: {text}")


def _nearness(facts: Mapping[str, str], *, sets_level: bool) -> Iterator[tuple[str, str]]:
    """Yield how near the line is in the measures beside health: in the one that sets the level, or in the others."""
    distance, driver = facts.get("distance_pct"), facts.get("driver")
    in_time = figures.duration_text(facts.get("time_to_liquidation_s"))
    told = (
        ("distance", None if distance is None else f"{safe_line(distance)} % if the nearest price moves alone"),
        ("joint", figures.joint_text(facts)),
        ("sigmas", figures.sigmas_text(facts)),
        ("time", in_time and f"{in_time} of what holding the position costs, and nothing else"),
    )
    yield from ((measure, text) for measure, text in told if text is not None and (driver == measure) is sets_level)


def nothing_owed(facts: Mapping[str, str]) -> str:
    """Return what an account without a health has not: `no debt`, or of perpetual positions `no open position`."""
    return "no open position" if facts.get("kind") == "perp" else "no debt"


def _margin(facts: Mapping[str, str]) -> Iterator[Line]:
    if "equity" in facts:
        yield plain(7, figures.margin_text(facts))


def _ending(facts: Mapping[str, str]) -> Iterator[Line]:
    lasted = figures.duration_text(facts.get("duration_s"))
    worst = facts.get("worst_health")
    shown = f", health {figures.health_text(worst)}" if worst else ""
    yield plain(7, f"Lasted {lasted or 'unknown'}; worst {safe_line(facts.get('worst', 'unknown'))}{shown}")


def price_lines(facts: Mapping[str, str]) -> Iterator[Line]:
    """Yield the nearest liquidation price, then the others and what else is known of prices and time."""
    prices = figures.listed(facts.get("liquidation_prices"))
    if not prices:
        owed = "open" if facts.get("kind") == "perp" else "owed"
        nothing = f"none, nothing is {owed}" if "no_debt" in facts else "not known"
        yield plain(KEY, f"Liquidation price: {nothing}")
    for index, price in enumerate(prices):
        yield plain(KEY if index == 0 else 2, f"Liquidation price: {price_line(price)}")
    if "oracle_of" in facts:
        yield plain(2, f"Price: {figures.oracle_text(facts)}")
    in_time = figures.interest_text(facts.get("time_to_liquidation_s"))
    if in_time is not None:
        carry = "funding and fees" if facts.get("kind") == "perp" else "interest"
        yield plain(4, f"By {carry} alone, at today's rates: liquidatable {in_time}")


def price_line(price: Mapping[str, str]) -> str:
    """Return one liquidation price: which way, to where, from where."""
    falls = price["direction"] == "falls"
    name, now = shown_label(price["name"]), figures.price_text(price["now"], up=not falls)
    line, way = figures.price_text(price["price"], up=falls), safe_line(price["direction"])
    if figures.is_past(price["now"], price["price"], falls=falls):
        return f"{name} at {now} is past {line}"
    away = figures.away_text(price["now"], price["price"])
    return f"{name} {way} to {line} (now {now}{f', {away} away' if away else ''})"


def away_words(facts: Mapping[str, str]) -> str:
    """Return `, 15.25 % away` from the nearest liquidation price, nothing where none is known."""
    prices = figures.listed(facts.get("liquidation_prices"))
    if not prices:
        return ""
    nearest = prices[0]
    if figures.is_past(nearest["now"], nearest["price"], falls=nearest["direction"] == "falls"):
        return ", past its line"
    away = figures.away_text(nearest["now"], nearest["price"])
    return f", {away} away" if away else ""
