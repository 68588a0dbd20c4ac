"""What may be answered to a message, and by whom: whoever holds the token that it went out with."""

from monitor.channels.channel import Answers
from monitor.domain.alerts import Alert, AlertKind, Level
from monitor.domain.ids import Cause, PositionId
from monitor.outbox.lanes.gathering import Parcel


def answers(parcel: Parcel, link_base: str) -> Answers | None:
    """Return what a message can be answered with; None where it has no token, or goes to those who run the monitor."""
    head, alerts = parcel.head, [one.alert for one in parcel.members]
    if head.token is None or _is_own_trouble(head.alert):
        return None
    is_of_one = len(alerts) == 1 and isinstance(head.alert.position, PositionId)
    return Answers(head.token, any(map(_can_be_acknowledged, alerts)), is_of_one, link_base)


def _can_be_acknowledged(alert: Alert) -> bool:
    return alert.topic == "level" and alert.kind is not AlertKind.RECOVERED and alert.level >= Level.WARN


def _is_own_trouble(alert: Alert) -> bool:
    about = alert.position
    return isinstance(about, Cause) and not about.chain and alert.kind is not AlertKind.DIGEST
