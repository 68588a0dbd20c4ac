"""What has waited long enough: alerts held over the night or through a mute, and acknowledgements that ran out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from monitor.domain.alerts import Alert, AlertKind, Level
from monitor.domain.people import Acknowledgement, Held, Subscriber
from monitor.domain.row import Evaluation
from monitor.rules.facts import facts
from monitor.rules.hearing.hearing import Hearing, hearing
from monitor.rules.judge import Judgement
from monitor.rules.levels import Levels
from monitor.rules.reading import reading

FORGOTTEN_S = 2 * 86_400
"""After so long nobody waits for a position that was never judged again."""
_AGAIN = (AlertKind.WORSENED, AlertKind.DETERIORATED, AlertKind.REPEATED)
_ENDS = (AlertKind.RECOVERED, AlertKind.KNOWN_AGAIN)


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be told now.

    `recorded` goes out as it was written, to one name each. `again` says by position who is to hear how it stands,
    with the held alerts this settles; `over` are acknowledgements by recipient and incident, `released` held alerts by
    recipient and key.
    """

    recorded: tuple[tuple[Alert, str], ...]
    again: Mapping[str, frozenset[str]]
    released: tuple[tuple[str, str], ...]
    over: tuple[tuple[str, str], ...]


def due(
    people: Mapping[str, Subscriber],
    acks: Iterable[Acknowledgement],
    held: Iterable[Held],
    judged: frozenset[str],
    now_s: int,
) -> Due:
    """Return what no longer waits, where `judged` are the positions of which it can be said now how they stand.

    Levels are told anew and not as they were; an end is told to whom the incident was told; events as recorded.
    """
    recorded, released, over = list[tuple[Alert, str]](), list[tuple[str, str]](), list[tuple[str, str]]()
    again: dict[str, set[str]] = {}
    for one in held:
        who, alert, about = people.get(one.recipient), one.alert, str(one.alert.position)
        waits = who is not None and hearing(who, alert, None, now_s) is Hearing.HELD
        if waits or (alert.kind in _AGAIN and about not in judged and now_s - one.held_s < FORGOTTEN_S):
            continue
        released.append((one.recipient, one.key))
        if who is None or hearing(who, alert, None, now_s) is Hearing.NEVER:
            continue
        if alert.kind in _AGAIN:
            again.setdefault(about, set()).add(one.recipient)
        elif one.was_told or alert.kind not in _ENDS:
            recorded.append((alert, one.recipient))
    for ack in acks:
        if ack.at_s <= now_s < ack.until_s:
            continue
        if ack.position in judged:
            again.setdefault(ack.position, set()).add(ack.recipient)
        if ack.position in judged or now_s - ack.until_s >= FORGOTTEN_S:
            over.append((ack.recipient, ack.incident))
    return Due(tuple(recorded), {at: frozenset(who) for at, who in again.items()}, tuple(released), tuple(over))


def retold(judgement: Judgement, evaluation: Evaluation, levels: Levels) -> tuple[Judgement, Alert | None]:
    """Return how a position stands as an alert of its open incident, and the judgement that counts it.

    There is none where no incident is open, or the judgement tells the level to everyone anyway.
    """
    state = judgement.state
    if state.incident is None or not state.level or any(alert.topic == "level" for alert in judgement.alerts):
        return judgement, None
    seen = reading(evaluation, levels)
    is_held = seen.unknown is not None or seen.level is None
    alert = Alert(
        position=state.position,
        kind=AlertKind.REPEATED,
        incident=state.incident.id,
        seq=state.incident.told,
        level=state.level if is_held or seen.level is None else max(seen.level, Level.WATCH),
        previous=state.level,
        at_block=state.at_block,
        at_time_s=state.at_time_s,
        facts=facts(evaluation, seen, state),
        time_to_liquidation_s=evaluation.time_to_liquidation_s,
    )
    counted = replace(state, incident=replace(state.incident, told=state.incident.told + 1))
    return replace(judgement, state=counted), alert
