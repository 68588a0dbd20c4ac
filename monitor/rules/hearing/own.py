"""Thresholds of somebody's own, and alerts by them: the same facts, and incidents that are theirs alone."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from monitor.domain.alerts import Alert
from monitor.domain.ids import Subject
from monitor.errors import UsageError
from monitor.rules.levels import STEPS, merged
from monitor.rules.state import incident_id
from monitor.units import WAD, scaled_from_text

_HIGHEST_WAD = 100 * WAD


def personal(alert: Alert, name: str) -> Alert:
    """Return an alert of one subscriber's own levels; its incident is never that of the usual ones."""
    incident = personal_incident(alert.position, alert.incident, name)
    return replace(alert, incident=incident, rule=f"{alert.rule} of {name}")


def personal_incident(of: Subject, incident: str, name: str) -> str:
    """Return what an incident of somebody's own levels is called in their alerts."""
    return incident_id(of, 0, 0, f"{incident}|{name}")


def with_health(own: Mapping[str, Any] | None, of: str, step: str, health: str) -> dict[str, Any]:
    """Return a table of own levels in which one of a class is entered below another health; `own` is left as it is.

    Raises UsageError for a level that has no threshold, and for a health that is not above 1 and at most 100.
    """
    names = [level.name.lower() for level in STEPS]
    if step.lower() not in names:
        raise UsageError(f"expected one of {', '.join(names)}, found {step[:20]!r}")
    try:
        wad = scaled_from_text(health, 18)
    except ValueError:
        wad = 0
    if not WAD < wad <= _HIGHEST_WAD:
        raise UsageError(f"expected a health above 1 such as 1.15, found {health[:20]!r}")
    return merged(own or {}, {"class": {of: {step.lower(): {"health": health}}}})
