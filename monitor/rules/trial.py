"""An alert that is about nothing, to try a channel with."""

from types import MappingProxyType

from monitor.domain.alerts import Alert, AlertKind, Level
from monitor.domain.ids import ChainId, DeploymentName, MarketKey, PositionId, PositionKey, Slug
from monitor.rules.state import incident_id

_NOWHERE = PositionId(
    ChainId("eip155:0"), Slug("none"), DeploymentName("none"), MarketKey("none"), PositionKey("0x" + "00" * 20)
)


def trial_alert(now_s: int) -> Alert:
    """Return the alert; its incident is named after the second it was asked for."""
    return Alert(
        position=_NOWHERE,
        kind=AlertKind.TEST,
        incident=incident_id(_NOWHERE, 0, now_s, "test"),
        seq=0,
        level=Level.OK,
        previous=Level.OK,
        at_block=0,
        at_time_s=now_s,
        facts=MappingProxyType({}),
    )
