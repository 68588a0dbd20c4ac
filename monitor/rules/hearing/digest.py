"""The daily digest: how all of somebody's positions stand, and proof that the service is alive."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.domain.alerts import Alert, AlertKind, Level
from monitor.domain.ids import Cause, ChainId
from monitor.domain.label import safe_line
from monitor.domain.people import Subscriber
from monitor.rules.hearing.hours import day, minute
from monitor.rules.state import incident_id

POSITIONS_SHOWN = 20
RULE = "digest"


@dataclass(frozen=True, slots=True)
class Glance:
    """One position as the digest tells it; `level` is None while nothing is known of it."""

    who: str
    place: str
    level: Level | None
    health: str | None
    distance_pct: str | None
    has_debt: bool = True


@dataclass(frozen=True, slots=True)
class Source:
    """One deployment: the moment its positions are known of, its age in seconds, and whether that is recent enough."""

    name: str
    moment: str
    age_s: int
    is_current: bool


def is_due(who: Subscriber, now_s: int) -> bool:
    """Whether today's digest is due by the local clock: once a date, late rather than never."""
    if who.digest_at_min is None or who.is_stopped or not who.routes or not who.watches:
        return False
    is_new = who.digested_on is None or who.digested_on < day(who.zone, now_s)
    return is_new and minute(who.zone, now_s) >= who.digest_at_min


def first_day(zone: str, digest_at_min: int, now_s: int) -> str | None:
    """Return the date to remember when a digest is asked for: today where its time is over."""
    return day(zone, now_s) if minute(zone, now_s) >= digest_at_min else None


def digest(who: Subscriber, positions: Sequence[Glance], sources: Sequence[Source], now_s: int) -> Alert:
    """Return the digest, worst first; what is unknown stands above everything, and nothing old is called good.

    `positions` and `sources` are JSON lists.
    """
    order = sorted(positions, key=lambda one: (one.level is not None, -(one.level or 0), one.health or "~"))
    about = Cause(ChainId(""), f"{RULE}:{who.name}")
    worst = max((one.level for one in positions if one.level is not None), default=Level.OK)
    facts = {
        "positions": json.dumps([_position(one) for one in order[:POSITIONS_SHOWN]]),
        "count": str(len(positions)),
        "unknown": str(sum(one.level is None for one in positions)),
        "at_risk": str(sum((one.level or 0) > Level.OK for one in positions)),
        "sources": json.dumps([_source(one) for one in sources]),
        "stale": str(sum(not one.is_current for one in sources)),
        "watched": str(len(who.watches)),
    }
    return Alert(
        position=about,
        kind=AlertKind.DIGEST,
        incident=incident_id(about, 0, 0, day(who.zone, now_s)),
        seq=0,
        level=worst,
        previous=worst,
        at_block=0,
        at_time_s=now_s,
        facts=facts,
        rule=RULE,
    )


def _position(one: Glance) -> dict[str, str]:
    told = {"health": one.health, "distance_pct": one.distance_pct}
    level = "UNKNOWN" if one.level is None else one.level.name if one.has_debt else "NO DEBT"
    own = {"who": safe_line(one.who, 60), "place": safe_line(one.place, 60), "level": level}
    return own | {name: value for name, value in told.items() if value is not None}


def _source(one: Source) -> dict[str, str]:
    current = {} if one.is_current else {"stale": "yes"}
    return {"name": safe_line(one.name, 60), "moment": safe_line(one.moment, 40), "age_s": str(one.age_s), **current}
