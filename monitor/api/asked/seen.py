"""Acknowledging: somebody on duty says over the API that an incident has been seen, for everyone who was told of it."""

from aiohttp import web

from monitor import log
from monitor.api.auth import Caller, Scope
from monitor.api.one_click import OneClick
from monitor.api.route import Route
from monitor.client.wire.alert import SeenAnswer
from monitor.client.wire.asked import SeenQuestion
from monitor.clock import Clock
from monitor.domain.alerts import AlertKind
from monitor.domain.ids import PositionId

NOBODY = "without a key"
_LOOKED_THROUGH = 1_000
_log = log.get("api")


def seen_route(readers: OneClick, clock: Clock) -> Route:
    """Return the route; an acknowledgement holds as long as one that a reader makes."""
    store, for_s = readers.store, readers.acknowledge_for_s

    async def acknowledge(body: SeenQuestion, caller: Caller) -> SeenAnswer:
        """Acknowledge the incident of an alert for everyone who was told of it, as the button of their message does.

        It is not repeated for a while and goes to no further contacts, unless it gets worse than that alert said. The
        name of the key is kept with it. The same again changes nothing. What is no incident, or is over, is a conflict.
        """
        found = await store.views.alerts(after=body.alert - 1, limit=1)
        if not found or found[0].id != body.alert:
            raise web.HTTPNotFound(text="no such alert is known here")
        alert = found[0].alert
        if alert.topic != "level" or alert.kind is AlertKind.RECOVERED or not isinstance(alert.position, PositionId):
            raise web.HTTPConflict(text=f"there is nothing to acknowledge in an alert of the kind {alert.kind.value}")
        since = await store.views.latest_alerts(alert.position, _LOOKED_THROUGH)
        if any(one.alert.incident == alert.incident and one.alert.kind is AlertKind.RECOVERED for one in since):
            raise web.HTTPConflict(text=f"incident {alert.incident} is over")
        by = NOBODY if caller.key is None else caller.key.name
        seen = await store.owed.acknowledge_for_all(by, alert, for_s)
        _log.info("acknowledged", by=by, incident=alert.incident, level=alert.level.name, fresh=seen.fresh)
        return SeenAnswer.model_validate(
            {
                "alert": body.alert,
                "incident": alert.incident,
                "position": str(alert.position),
                "level": alert.level.name,
                "by": by,
                "acknowledged_s": seen.at_s,
                "age_s": max(clock.wall_s() - seen.at_s, 0),
                "until_s": seen.until_s,
                "told": seen.told,
                "fresh": seen.fresh,
            }
        )

    return Route("/v1/acknowledge", acknowledge, scope=Scope.ACK, method="POST", problems=(404, 409))
