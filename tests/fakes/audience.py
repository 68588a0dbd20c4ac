"""An audience made from who is told of whom, as a service makes it from the store."""

from collections.abc import Mapping, Sequence

from monitor.cycle.people.audience import Audience
from monitor.domain.alerts import Recipient
from monitor.domain.ids import Address
from monitor.domain.people import Subscriber


def audience(
    told: Mapping[Address, Sequence[Recipient]] | None = None, labels: Mapping[Address, str] | None = None
) -> Audience:
    """Return an audience of recipients by whom they watch, with one label for each owner."""
    labels = labels or {}
    watches: dict[Recipient, dict[Address, str]] = {}
    for owner, recipients in (told or {}).items():
        for recipient in recipients:
            watches.setdefault(recipient, {})[owner] = labels.get(owner, "")
    return Audience.of_these(*(Subscriber(r.name, routes=r.routes, watches=w) for r, w in watches.items()))
