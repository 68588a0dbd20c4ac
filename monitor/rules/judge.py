"""One evaluation against what is remembered: the new memory, and the messages worth sending."""

from dataclasses import dataclass, replace

from monitor.domain.alerts import Alert, AlertKind, Level
from monitor.domain.row import Evaluation
from monitor.rules.cooldown import reminder
from monitor.rules.facts import facts, known_facts, recovery_facts
from monitor.rules.hysteresis import held
from monitor.rules.levels import Levels
from monitor.rules.reading import Reading, health_wad, reading
from monitor.rules.state import Incident, PositionState, Told, incident_id, mark, not_after, time_s
from monitor.rules.unknown import gap


@dataclass(frozen=True, slots=True)
class Judgement:
    """What to remember and what to say; commit both or neither."""

    state: PositionState
    alerts: tuple[Alert, ...]


def judge(past: PositionState | None, evaluation: Evaluation, levels: Levels, now_s: int) -> Judgement:
    """Return the judgement of one evaluation; total, and the same for the same arguments.

    `past` is None for a position never judged before. `now_s` is the wall clock; a step back silences nothing.
    """
    seen, at = reading(evaluation, levels), evaluation.protocol.at
    before = not_after(past or PositionState(evaluation.protocol.id), now_s)
    block = mark(at)
    level, streak = held(before, seen, levels, block, now_s)
    told_gap, gap_now, gap_kind = gap(before, seen, levels, block, now_s)
    incident = _incident(before, evaluation, level, now_s)
    kind = _kind(before, seen, level, incident, levels, now_s)
    after = replace(
        before,
        level=level,
        driver=seen.driver if seen.level is not None else before.driver,
        at_block=block,
        at_time_s=time_s(at),
        known=before.known if seen.unknown else known_facts(evaluation, block),
        incident=incident,
        incidents=before.incidents + (incident is not None and before.incident is None),
        streak=streak,
        gap=gap_now,
    )
    alerts = []
    if kind is not None and incident is not None:
        alerts.append(_level_alert(kind, before, after, evaluation, seen, incident, now_s))
        after = _after_telling(kind, after, seen, incident, now_s)
    if gap_kind is not None and told_gap is not None:
        alerts.append(
            Alert(
                position=after.position,
                kind=gap_kind,
                incident=told_gap.id,
                seq=int(gap_kind is AlertKind.KNOWN_AGAIN),
                level=_spoken(seen, level or Level.OK),
                previous=before.level or Level.OK,
                at_block=block,
                at_time_s=after.at_time_s,
                facts={**facts(evaluation, seen, before), "unknown_s": str(now_s - told_gap.since_s)},
                time_to_liquidation_s=evaluation.time_to_liquidation_s,
            )
        )
    return Judgement(after, tuple(alerts))


def _kind(
    before: PositionState, seen: Reading, level: Level | None, incident: Incident | None, levels: Levels, now_s: int
) -> AlertKind | None:
    if incident is None or level is None:
        return None
    if level > (before.level or Level.OK):
        return AlertKind.WORSENED
    if level == Level.OK or (level == Level.WATCH and incident.worst > Level.WATCH):
        return AlertKind.RECOVERED
    return reminder(before, seen, _spoken(seen, level), levels, now_s)


def _spoken(seen: Reading, level: Level) -> Level:
    """Return the level a message names: what is true now, or the level held while not everything can be measured."""
    return level if seen.unknown is not None or seen.level is None else seen.level


def _incident(before: PositionState, evaluation: Evaluation, level: Level | None, now_s: int) -> Incident | None:
    health = health_wad(evaluation.protocol.health)
    if before.incident is not None:
        worst = max(before.incident.worst, level or Level.OK)
        return replace(before.incident, worst=worst, worst_health_wad=_least(before.incident.worst_health_wad, health))
    if level is None or level <= (before.level or Level.OK):
        return None
    block = mark(evaluation.protocol.at)
    return Incident(
        id=incident_id(before.position, block, before.incidents, "level"),
        opened_block=block,
        opened_s=now_s,
        worst=level,
        worst_health_wad=health,
        told=0,
    )


def _least(one: int | None, other: int | None) -> int | None:
    return min((value for value in (one, other) if value is not None), default=None)


def _level_alert(
    kind: AlertKind,
    before: PositionState,
    after: PositionState,
    evaluation: Evaluation,
    seen: Reading,
    incident: Incident,
    now_s: int,
) -> Alert:
    ending = recovery_facts(incident, now_s) if kind is AlertKind.RECOVERED else {}
    level = after.level or Level.OK
    return Alert(
        position=after.position,
        kind=kind,
        incident=incident.id,
        seq=incident.told,
        level=level if kind is AlertKind.RECOVERED else _spoken(seen, level),
        previous=before.level or Level.OK,
        at_block=after.at_block,
        at_time_s=after.at_time_s,
        facts={**facts(evaluation, seen, before), **ending},
        time_to_liquidation_s=evaluation.time_to_liquidation_s,
    )


def _after_telling(
    kind: AlertKind, after: PositionState, seen: Reading, incident: Incident, now_s: int
) -> PositionState:
    if kind is AlertKind.RECOVERED:
        return replace(after, incident=None, told=None)
    last = after.told or Told(now_s, None, None)
    told = Told(
        at_s=now_s,
        remaining_ppm=last.remaining_ppm if seen.remaining_ppm is None else seen.remaining_ppm,
        cautious_ppm=last.cautious_ppm if seen.cautious_ppm is None else seen.cautious_ppm,
    )
    return replace(after, incident=replace(incident, told=incident.told + 1), told=told)
