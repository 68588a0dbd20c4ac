"""What a message says to a program: one JSON object per alert, its numbers exact as decimal text."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum

from monitor.domain.alerts import Alert, AlertKind, Level
from monitor.domain.ids import PositionId
from monitor.outbox import figures


class Stand(StrEnum):
    """A level as programs are told it: with what stands apart from the order."""

    OK = "OK"
    WATCH = "WATCH"
    WARN = "WARN"
    DANGER = "DANGER"
    CRITICAL = "CRITICAL"
    LIQUIDATABLE = "LIQUIDATABLE"
    UNKNOWN = "UNKNOWN"
    LIQUIDATED = "LIQUIDATED"


@dataclass(frozen=True, slots=True)
class Position:
    """The liquidatable unit; `id` is how the API and `hfm explain` name it."""

    id: str
    protocol: str
    deployment: str
    market: str
    key: str
    owner: str | None
    label: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """The alert. `id` is the same on every repeat; `seq` counts the messages of an incident.

    Health, distance, prices and amounts are exact decimals as text. A level that is not known is UNKNOWN, never the
    last one, which stands in `previous_level`; about a whole chain or a cause there is none. A liquidation price has
    `name`, `now`, `price` and `direction`, a step `action`, `amount`, `token` and the health that it `reaches`. `facts`
    is every recorded value by name, lists as JSON.
    """

    id: str
    incident: str
    seq: int
    kind: AlertKind
    rule: str
    level: Stand | None
    previous_level: Stand | None
    chain: str
    position: Position | None
    at_block: int
    health: str | None
    cautious_health: str | None
    driver: str | None
    unknown: str | None
    distance_pct: str | None
    liquidation_prices: Sequence[Mapping[str, str]]
    time_to_liquidation_s: int | None
    target_health: str | None
    steps: Sequence[Mapping[str, str]]
    subject: str
    text: str
    link: str | None
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Record:
    """The body of a webhook: what happened, at which moment of the chain, and the alert."""

    type: str
    timestamp: str
    data: Told


def record(alert: Alert, key: str, subject: str, text: str, link: str | None) -> str:
    """Return the JSON text."""
    facts = alert.facts
    level, previous = _levels(alert)
    told = Told(
        id=key,
        incident=alert.incident,
        seq=alert.seq,
        kind=alert.kind,
        rule=alert.rule,
        level=level,
        previous_level=previous,
        chain=alert.position.chain,
        position=_position(alert),
        at_block=alert.at_block,
        health=facts.get("health"),
        cautious_health=facts.get("cautious_health"),
        driver=facts.get("driver"),
        unknown=facts.get("unknown"),
        distance_pct=facts.get("distance_pct"),
        liquidation_prices=figures.listed(facts.get("liquidation_prices")),
        time_to_liquidation_s=alert.time_to_liquidation_s,
        target_health=facts.get("target_health"),
        steps=figures.listed(facts.get("steps")),
        subject=subject,
        text=text,
        link=link,
        facts=dict(facts),
    )
    when = datetime.fromtimestamp(alert.at_time_s, UTC)
    return json.dumps(asdict(Record(f"alert.{alert.kind.value}", f"{when:%Y-%m-%dT%H:%M:%SZ}", told)))


def _levels(alert: Alert) -> tuple[Stand | None, Stand | None]:
    if not isinstance(alert.position, PositionId):
        return None, None
    match alert.kind:
        case AlertKind.UNKNOWN:
            return Stand.UNKNOWN, _stand(alert.level)
        case AlertKind.LIQUIDATED:
            return Stand.LIQUIDATED, _stand(alert.previous)
        case _:
            return _stand(alert.level), _stand(alert.previous)


def _stand(level: Level) -> Stand:
    return Stand[level.name]


def _position(alert: Alert) -> Position | None:
    of = alert.position
    if not isinstance(of, PositionId):
        return None
    return Position(
        id=str(of),
        protocol=of.protocol,
        deployment=of.deployment,
        market=of.market,
        key=of.key,
        owner=alert.facts.get("owner"),
        label=alert.facts.get("label"),
    )
