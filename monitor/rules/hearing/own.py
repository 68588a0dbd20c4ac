"""Alerts by thresholds of somebody's own: the same facts, and incidents that are theirs alone."""

from dataclasses import replace

from monitor.domain.alerts import Alert
from monitor.domain.ids import Subject
from monitor.rules.state import incident_id


def personal(alert: Alert, name: str) -> Alert:
    """Return an alert of one subscriber's own levels; its incident is never that of the usual ones."""
    incident = personal_incident(alert.position, alert.incident, name)
    return replace(alert, incident=incident, rule=f"{alert.rule} of {name}")


def personal_incident(of: Subject, incident: str, name: str) -> str:
    """Return what an incident of somebody's own levels is called in their alerts."""
    return incident_id(of, 0, 0, f"{incident}|{name}")
