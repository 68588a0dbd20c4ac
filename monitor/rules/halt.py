"""A chain that stands still: said once when it does and once when it goes on, and no reason for anything to improve."""

from dataclasses import replace

from monitor.domain.alerts import Alert, AlertKind, Level
from monitor.domain.ids import ChainWide
from monitor.domain.label import safe_line
from monitor.domain.liveness import Halted, Live, Liveness
from monitor.domain.moment import BlockRef
from monitor.rules.state import PositionState, incident_id

RULE = "halt"


def halt_news(last: Alert | None, seen: Liveness, name: str, now_s: int) -> Alert | None:
    """Return what is new about a chain's standing still, None where nothing is.

    `last` is the last alert of this rule about the chain, which is all there is to remember. A halt ends with a block
    above the one it began at, and with nothing else: neither endpoints that fail nor a service that begins anew. How
    long it lasted is by the local clock, because a chain may date the blocks that make up for a halt back.
    """
    is_open = last is not None and last.kind is AlertKind.UNKNOWN
    match seen:
        case Halted(head=head) if not is_open:
            facts = {"agreeing": str(seen.agreeing), "endpoints": str(seen.endpoints)}
            incident = incident_id(ChainWide(head.chain), head.number, 0, f"{RULE} {head.hash}")
            return _alert(AlertKind.UNKNOWN, head, incident, name, facts)
        case Live(head=head) if last is not None and is_open and head.number > last.at_block:
            lasted_s = max(now_s, head.timestamp_s) - last.at_time_s
            facts = {"duration_s": str(max(lasted_s, 0)), "halted_block": str(last.at_block)}
            return _alert(AlertKind.KNOWN_AGAIN, head, last.incident, name, facts)
        case _:
            return None


def thawed(state: PositionState, halted_s: int) -> PositionState:
    """Return what is remembered of a position, as if the time in which its chain stood still had not passed."""
    streak, gap = state.streak, state.gap
    return replace(
        state,
        streak=streak and replace(streak, since_s=streak.since_s + halted_s),
        gap=gap and replace(gap, mended_s=None if gap.mended_s is None else gap.mended_s + halted_s),
    )


def _alert(kind: AlertKind, head: BlockRef, incident: str, name: str, facts: dict[str, str]) -> Alert:
    return Alert(
        position=ChainWide(head.chain),
        kind=kind,
        incident=incident,
        seq=int(kind is AlertKind.KNOWN_AGAIN),
        level=Level.OK,
        previous=Level.OK,
        at_block=head.number,
        at_time_s=head.timestamp_s,
        facts={"chain": safe_line(name), **facts},
        rule=RULE,
    )
