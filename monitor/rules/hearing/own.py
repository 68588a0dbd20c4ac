"""Alerts by thresholds of somebody's own: the same facts, and incidents that are theirs alone."""

from dataclasses import replace

from monitor.domain.alerts import Alert
from monitor.rules.state import incident_id


def personal(alert: Alert, name: str) -> Alert:
    """Return an alert of one subscriber's own levels; its incident is never that of the usual ones."""
    incident = incident_id(alert.position, 0, 0, f"{alert.incident}|{name}")
    return replace(alert, incident=incident, rule=f"{alert.rule} of {name}")
