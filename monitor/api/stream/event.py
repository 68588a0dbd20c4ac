"""One alert as an event of the stream, written once for everybody who listens, and who wants to hear of it."""

from dataclasses import dataclass
from functools import cached_property

from aiohttp import web

from monitor.client.wire.alert import AlertAnswer, Behind
from monitor.client.wire.asked import AlertFilter
from monitor.domain.alerts import Alert, AlertKind, Level
from monitor.domain.ids import Address, address
from monitor.errors import UsageError
from monitor.store import AlertView


@dataclass(frozen=True)
class Event:
    """A recorded alert."""

    view: AlertView

    @property
    def id(self) -> int:
        """Its place among all."""
        return self.view.id

    @cached_property
    def written(self) -> bytes:
        """The event as it goes over the wire."""
        return b"id: %d\nevent: alert\ndata: %b\n\n" % (self.id, answer(self.view).written)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts somebody wants to hear of, and of whose positions."""

    asked: AlertFilter
    owner: Address | None

    @classmethod
    def of(cls, asked: AlertFilter) -> "Wanted":
        """Return what is asked for; raises HTTPNotFound for an address whose checksum is wrong."""
        return cls(asked, None if asked.owner is None else owner_of(asked.owner))

    def takes(self, view: AlertView) -> bool:
        """Whether an alert is among them."""
        alert, asked = view.alert, self.asked
        place = alert.position
        pairs = ((asked.chain, place.chain), (asked.protocol, place.protocol), (asked.deployment, place.deployment))
        is_there = all(wanted is None or wanted == found for wanted, found in pairs)
        is_grave = asked.level is None or alert.level >= Level[asked.level] or alert.kind is AlertKind.UNKNOWN
        is_kind = asked.kind is None or alert.kind.value in asked.kind.split(",")
        return is_there and is_grave and is_kind and (self.owner is None or self.owner == owner(alert))


def answer(view: AlertView) -> AlertAnswer:
    """Return an alert as it is told."""
    alert = view.alert
    return AlertAnswer.model_validate(
        {
            "id": view.id,
            "position": str(alert.position),
            "owner": owner(alert),
            "chain": alert.position.chain,
            "protocol": alert.position.protocol,
            "deployment": alert.position.deployment,
            "kind": alert.kind.value,
            "level": alert.level.name,
            "previous": alert.previous.name,
            "severity": alert.severity,
            "incident": alert.incident,
            "seq": alert.seq,
            "at_block": alert.at_block,
            "at_time": alert.at_time_s,
            "committed_s": view.committed_s,
            "time_to_liquidation_s": alert.time_to_liquidation_s,
            "facts": dict(alert.facts),
        }
    )


def behind(after: int) -> bytes:
    """Return the last event of a client that does not keep up."""
    return b"event: behind\ndata: %b\n\n" % Behind(after=after).written


def heartbeat(after: int) -> bytes:
    """Return a comment that also says how far everything was told."""
    return b": heartbeat\nid: %d\n\n" % after


def owner_of(text: str) -> Address:
    """Return the owner that a client names; raises HTTPNotFound where nobody can have that address."""
    try:
        return address(text)
    except UsageError as e:
        raise web.HTTPNotFound(text=str(e)) from e


def owner(alert: Alert) -> str | None:
    """Return whose position it is, None where it concerns no position."""
    return alert.facts.get("owner") or alert.position.key or None
