"""Data that is too old: one alert for each cause, one when it is over, and neither says that anything is well."""

from collections.abc import Mapping

from monitor.domain.alerts import Alert, AlertKind, Level
from monitor.domain.ids import Cause, ChainId, DeploymentName
from monitor.domain.prices import Node
from monitor.pricing.graph import PriceGraph
from monitor.pricing.sanity import Doubt
from monitor.rules.state import incident_id

RULE = "stale"
FEED, DEPLOYMENT, ENDPOINTS = "feed", "deployment", "endpoints"
INTERVALS = 3
"""A deployment that misses so many evaluations is stale."""
LEAST_MS = 30_000
"""Not before, however fast blocks come: an answer that takes a few seconds is no cause to wake anybody."""


def feed_cause(chain: ChainId, node: Node) -> Cause:
    """Return the cause that a price input is; a node that is named for its feed names the cause."""
    return Cause(chain, node if node.startswith(f"{FEED}:") else f"{FEED}:{node}")


def deployment_cause(chain: ChainId, name: DeploymentName) -> Cause:
    """Return the cause that a deployment is which is not evaluated."""
    return Cause(chain, f"{DEPLOYMENT}:{name}")


def endpoints_cause(chain: ChainId) -> Cause:
    """Return the cause that all endpoints of a chain are, together, when none names a head."""
    return Cause(chain, ENDPOINTS)


def kind_of(cause: Cause) -> str:
    """Return what kind of cause it is: feed, deployment, endpoints."""
    return cause.what.partition(":")[0]


def is_stale_price(labels: tuple[str, ...]) -> bool:
    """Whether a price is older than its own feed allows: 1.1 heartbeats and a minute."""
    return Doubt.STALE in labels


def stale_inputs(graph: PriceGraph) -> frozenset[Node]:
    """Return the inputs of a price graph that are too old."""
    return frozenset(price.node for price in graph.inputs if is_stale_price(price.labels))


def overdue_after_ms(interval_ms: int) -> int:
    """Return how long a deployment may go without a whole evaluation: three intervals, half a minute at least."""
    return max(INTERVALS * interval_ms, LEAST_MS)


def stale_alert(cause: Cause, since_s: int, at_block: int, at_s: int, facts: Mapping[str, str]) -> Alert:
    """Return the message that a cause makes data too old, since when; `at_block` is the last block known of."""
    incident = incident_id(cause, since_s, 0, RULE)
    return _alert(AlertKind.STALE, cause, incident, 0, at_block, at_s, {**facts, "since_s": str(since_s)})


def over_alert(about: Cause, begun: Alert, at_block: int, at_s: int) -> Alert:
    """Return the message that a cause is over which an alert began; what it says of positions is told one by one."""
    kept = {name: value for name, value in begun.facts.items() if name not in ("why", "age_s")}
    facts = {**kept, "lasted_s": str(max(at_s - int(begun.facts["since_s"]), 0))}
    return _alert(AlertKind.STALE_OVER, about, begun.incident, begun.seq + 1, at_block, at_s, facts)


def _alert(
    kind: AlertKind, cause: Cause, incident: str, seq: int, at_block: int, at_s: int, facts: Mapping[str, str]
) -> Alert:
    return Alert(
        position=cause,
        kind=kind,
        incident=incident,
        seq=seq,
        level=Level.OK,
        previous=Level.OK,
        at_block=at_block,
        at_time_s=at_s,
        facts={**facts, "cause": kind_of(cause)},
        rule=RULE,
    )
