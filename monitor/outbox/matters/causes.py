"""What a message says of data that is too old: which, since when and why, and that nothing is known to be well."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from monitor.domain.alerts import Alert, AlertKind
from monitor.domain.label import safe_line, shown_label
from monitor.outbox import figures
from monitor.outbox.lines import EMPTY, KEY, Line, plain, strong

_BEGUN = {
    "feed": "PRICE TOO OLD",
    "deployment": "NOT EVALUATED",
    "endpoints": "NO NEW BLOCKS FROM ANY ENDPOINT",
}
_OVER = {
    "feed": "PRICE UPDATED AGAIN",
    "deployment": "EVALUATED AGAIN",
    "endpoints": "ENDPOINTS ANSWER AGAIN",
}


def cause_subject(alert: Alert) -> str:
    """Return the line a mail program lists."""
    return f"[{_what(alert)}] {_name(alert)}"


def cause_lines(alert: Alert) -> Iterator[Line]:
    """Yield what happens and what to do."""
    facts, is_over = alert.facts, alert.kind is AlertKind.STALE_OVER
    yield strong(KEY, f"{'▶' if is_over else '⏳'} {_what(alert)}: {_name(alert)}")
    yield EMPTY
    yield from _over(facts) if is_over else _begun(facts)
    yield EMPTY
    when = datetime.fromtimestamp(alert.at_time_s, UTC)
    yield plain(6, f"As of block {alert.at_block}, {when:%Y-%m-%d %H:%M:%S} UTC")
    yield plain(KEY, f"Incident {alert.incident}")


def _begun(facts: Mapping[str, str]) -> Iterator[Line]:
    age = figures.duration_text(facts.get("age_s")) or "an unknown time"
    match facts.get("cause"):
        case "feed":
            yield plain(KEY, f"Its feed last answered {age} ago, longer than it promises to at most.")
            if "source" in facts:
                yield plain(6, f"Source {safe_line(facts['source'])}")
            yield plain(KEY, "Health: still computed with that old price by the protocol, so it is not known to be so.")
            yield plain(8, "Nothing is called better until the feed answers; what gets worse is told at once.")
            yield EMPTY
            todo = "compare with the market yourself; repay debt or add collateral if in doubt."
        case "deployment":
            yield plain(KEY, f"No whole evaluation for {age}, though the chain goes on.")
            yield from _why(facts)
            yield plain(KEY, "Health: not known since then. Levels stay as they were, which does not mean safe.")
            yield EMPTY
            todo = "look at your positions there yourself until this is over."
        case _:
            yield plain(KEY, f"No endpoint has named a new block for {age}; the chain itself may well go on.")
            yield from _why(facts)
            yield plain(KEY, "Health: not known since then. Levels stay as they were, which does not mean safe.")
            yield EMPTY
            todo = "look at your positions on this chain yourself until this is over."
    yield strong(KEY, f"To do: {todo}")


def _over(facts: Mapping[str, str]) -> Iterator[Line]:
    lasted = figures.duration_text(facts.get("lasted_s")) or "an unknown time"
    yield plain(KEY, f"It lasted {lasted}.")
    yield plain(KEY, "Health: every position concerned is judged anew, and changes are told one by one.")
    yield EMPTY
    yield strong(KEY, "To do: look at your positions now if you have not.")


def _why(facts: Mapping[str, str]) -> Iterator[Line]:
    if "why" in facts:
        yield plain(7, f"Why: {safe_line(facts['why'])}")


def _what(alert: Alert) -> str:
    words = _OVER if alert.kind is AlertKind.STALE_OVER else _BEGUN
    return words.get(alert.facts.get("cause", ""), "DATA TOO OLD")


def _name(alert: Alert) -> str:
    chain = safe_line(alert.facts.get("chain", alert.position.chain), 40)
    names = ", ".join(shown_label(name) for name in alert.facts["of"].split(", ")) if "of" in alert.facts else ""
    return f"{names} on {chain}" if names else chain
