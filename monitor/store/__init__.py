"""What must survive: positions, states, alerts and the outbox, written in one transaction and read through views."""

from monitor.store.commit import Commit, Cursor, EventsKept, EventsPart
from monitor.store.ledgers.audits import AuditPart, AuditView
from monitor.store.ledgers.kept import LedgerPart, NotKept
from monitor.store.people.heard import Heard
from monitor.store.people.keys import Keys, StoredKey
from monitor.store.queue import Deliverable, Look, Queue
from monitor.store.shown import (
    AlertView,
    AtRisk,
    ChannelStatus,
    DeploymentView,
    IncidentView,
    OutboxStatus,
    Page,
    PositionView,
    Sort,
)
from monitor.store.store import Store
from monitor.store.views import Views

__all__ = [
    "AlertView",
    "AtRisk",
    "AuditPart",
    "AuditView",
    "ChannelStatus",
    "Commit",
    "Cursor",
    "Deliverable",
    "DeploymentView",
    "EventsKept",
    "EventsPart",
    "Heard",
    "IncidentView",
    "Keys",
    "LedgerPart",
    "Look",
    "NotKept",
    "OutboxStatus",
    "Page",
    "PositionView",
    "Queue",
    "Sort",
    "Store",
    "StoredKey",
    "Views",
]
