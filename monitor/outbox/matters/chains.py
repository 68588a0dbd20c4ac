"""What a message says of a whole chain, that it stands still or goes on, and of the monitor's own store."""

from collections.abc import Iterator
from datetime import UTC, datetime

from monitor.domain.alerts import Alert, AlertKind
from monitor.domain.label import safe_line
from monitor.outbox import figures
from monitor.outbox.lines import EMPTY, KEY, Line, plain, strong


def chain_subject(alert: Alert) -> str:
    """Return the line a mail program lists."""
    return f"[{_what(alert)}] {_name(alert)}"


def chain_lines(alert: Alert) -> Iterator[Line]:
    """Yield what happens and what to do."""
    facts = alert.facts
    when = datetime.fromtimestamp(alert.at_time_s, UTC)
    mark = "⏸" if alert.kind is AlertKind.UNKNOWN else "▶"
    yield strong(KEY, f"{mark} {_what(alert)}: {_name(alert)}")
    yield EMPTY
    if alert.kind is AlertKind.UNKNOWN:
        yield plain(KEY, f"No block after {alert.at_block}, {when:%Y-%m-%d %H:%M:%S} UTC.")
        agreeing, endpoints = safe_line(facts.get("agreeing", "?")), safe_line(facts.get("endpoints", "?"))
        yield plain(8, f"{agreeing} of {endpoints} endpoints have that block, and none has a newer one.")
        if agreeing == "1":
            yield plain(8, "One alone may itself be cut off from a chain that goes on.")
        yield plain(KEY, "Health: not measured since then. Levels stay as they were, which does not mean safe.")
        yield EMPTY
        yield strong(KEY, "To do: have what you would repay or add at hand for when it goes on. Prices move meanwhile.")
    else:
        lasted = figures.duration_text(facts.get("duration_s")) or "an unknown time"
        yield plain(KEY, f"It stood still for {lasted} after block {safe_line(facts.get('halted_block', '?'))}.")
        yield plain(KEY, "Health: every position is judged anew now, and changes are told one by one.")
        grace = "Some markets let nobody liquidate for a while after a halt (Aave with a price oracle sentinel)"
        yield plain(7, f"{grace}; most give no such time.")
        yield EMPTY
        yield strong(KEY, "To do: look at your positions now.")
        yield plain(6, f"As of block {alert.at_block}, {when:%Y-%m-%d %H:%M:%S} UTC")
    yield EMPTY
    yield plain(KEY, f"Incident {alert.incident}")


def _what(alert: Alert) -> str:
    return "CHAIN STANDS STILL" if alert.kind is AlertKind.UNKNOWN else "CHAIN GOES ON"


def _name(alert: Alert) -> str:
    return safe_line(alert.facts.get("chain", str(alert.position)), 40)


def own_subject(alert: Alert) -> str:
    """Return the line a mail program lists."""
    return f"[{_store(alert)}] hfm"


def own_lines(alert: Alert) -> Iterator[Line]:
    """Yield what happens and what to do."""
    facts, when = alert.facts, datetime.fromtimestamp(alert.at_time_s, UTC)
    is_over = alert.kind is AlertKind.KNOWN_AGAIN
    yield strong(KEY, f"{'🟢' if is_over else '🔴'} {_store(alert)}")
    yield EMPTY
    if is_over:
        lasted = figures.duration_text(facts.get("duration_s")) or "an unknown time"
        yield plain(KEY, f"Nothing could be stored for {lasted}. All that was kept in memory is stored now.")
    else:
        yield plain(KEY, f"The database refuses since {when:%Y-%m-%d %H:%M:%S} UTC: {safe_line(facts['why'], 300)}")
        yield plain(KEY, "Positions are still judged, and alerts from CRITICAL on are sent from memory, once each.")
        yield plain(7, "Others wait. Pages and API show what was stored last, with its age.")
        yield EMPTY
        yield strong(KEY, "To do: free space or mend the disk. Work goes on by itself; do not restart hfm before.")
    yield EMPTY
    yield plain(KEY, f"Incident {alert.incident}")


def _store(alert: Alert) -> str:
    return "HFM STORES AGAIN" if alert.kind is AlertKind.KNOWN_AGAIN else "HFM CANNOT STORE"
