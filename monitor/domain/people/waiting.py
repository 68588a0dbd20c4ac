"""What waits for people: incidents that they have seen, and alerts that they did not want to hear of yet."""

from dataclasses import dataclass

from monitor.domain.alerts import Alert, Level


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody has seen an incident of a position at a level; it holds until a second of the wall clock."""

    recipient: str
    incident: str
    position: str
    level: Level
    at_s: int
    until_s: int


@dataclass(frozen=True, slots=True)
class Held:
    """An alert that waits until somebody wants to hear of such things again.

    `key` names the alert in the store; `was_told` says whether they have heard of its incident before.
    """

    recipient: str
    key: str
    alert: Alert
    held_s: int
    was_told: bool
