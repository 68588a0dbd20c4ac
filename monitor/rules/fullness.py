"""The monitor's own trouble: that nothing can be stored, and that it can again, told to those who run it."""

from monitor.domain.alerts import Alert, AlertKind, Level
from monitor.domain.ids import Cause, ChainId
from monitor.domain.label import safe_line
from monitor.rules.state import incident_id

STORE = Cause(ChainId(""), "store")
RULE = "store"


def cannot_store(since_s: int, why: str) -> Alert:
    """Return what is said when the store refuses; as urgent as a position about to be liquidated."""
    return _alert(AlertKind.UNKNOWN, since_s, since_s, {"why": safe_line(why, 300)})


def stores_again(since_s: int, now_s: int, steps: int) -> Alert:
    """Return what is said when everything that was kept in memory is stored."""
    facts = {"duration_s": str(max(now_s - since_s, 0)), "steps": str(steps)}
    return _alert(AlertKind.KNOWN_AGAIN, since_s, now_s, facts)


def _alert(kind: AlertKind, since_s: int, now_s: int, facts: dict[str, str]) -> Alert:
    return Alert(
        position=STORE,
        kind=kind,
        incident=incident_id(STORE, since_s, 0, RULE),
        seq=int(kind is AlertKind.KNOWN_AGAIN),
        level=Level.CRITICAL,
        previous=Level.OK,
        at_block=0,
        at_time_s=now_s,
        facts=facts,
        rule=RULE,
    )
