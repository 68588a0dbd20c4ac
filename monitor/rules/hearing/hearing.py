"""Whether somebody hears of an alert now, later or not at all; what is getting dangerous is always heard now."""

from enum import Enum, auto

from monitor.domain.alerts import Alert, AlertKind, Level
from monitor.domain.people import Acknowledgement, Subscriber
from monitor.rules.hearing.hours import is_within

LONGEST_MUTE_S = 7 * 86_400
_LEVEL_KINDS = (AlertKind.WORSENED, AlertKind.DETERIORATED, AlertKind.REPEATED)
_KNOWLEDGE = "knowledge"


class Hearing(Enum):
    """When somebody is told."""

    NOW = auto()
    HELD = auto()
    NEVER = auto()


def hearing(who: Subscriber, alert: Alert, ack: Acknowledgement | None, now_s: int) -> Hearing:
    """Return when a subscriber is told of an alert.

    Neither a mute nor quiet hours nor an acknowledgement holds what worsens to DANGER or beyond, or is a liquidation.
    Quiet hours hold nothing else above WARN either; what cannot be measured is no matter of level and is not held.
    """
    if who.is_stopped or str(alert.position) in who.silenced:
        return Hearing.NEVER
    if alert.kind in (AlertKind.LIQUIDATED, AlertKind.LIQUIDATION_SEEN, AlertKind.TEST, AlertKind.DIGEST):
        return Hearing.NOW
    if alert.kind is AlertKind.WORSENED and alert.level >= Level.DANGER:
        return Hearing.NOW
    if alert.kind is AlertKind.REPEATED and ack is not None and is_acknowledged(ack, alert, now_s):
        return Hearing.NEVER
    if is_muted(who, now_s):
        return Hearing.HELD
    sleeps = who.quiet is not None and is_within(who.quiet, who.zone, now_s)
    return Hearing.HELD if sleeps and may_wait(alert) else Hearing.NOW


def is_muted(who: Subscriber, now_s: int) -> bool:
    """Whether a mute holds; one that ends later than any mute may was set by a clock that has since been put back."""
    return who.muted_until_s is not None and now_s < who.muted_until_s <= now_s + LONGEST_MUTE_S


def may_wait(alert: Alert) -> bool:
    """Whether an alert may wait for the morning: WATCH and WARN, and the end of what was never worse."""
    if alert.topic == _KNOWLEDGE:
        return False
    if alert.kind is AlertKind.RECOVERED:
        worst = alert.facts.get("worst")
        return worst is not None and Level[worst] <= Level.WARN
    return alert.severity <= Level.WARN


def is_acknowledged(ack: Acknowledgement, alert: Alert, now_s: int) -> bool:
    """Whether an acknowledgement stands for an alert; a clock put back before it makes it void."""
    return ack.incident == alert.incident and ack.at_s <= now_s < ack.until_s and alert.level <= ack.level
