"""The shape of an alert, in lists and in the stream."""

from collections.abc import Mapping
from typing import Literal

from monitor.client.wire.answer import Answer

LevelName = Literal["OK", "WATCH", "WARN", "DANGER", "CRITICAL", "LIQUIDATABLE"]


class AlertAnswer(Answer):
    """One recorded alert; `id` grows, so that a list or a stream goes on where it stopped.

    `position` is whom it concerns: a position's id, a chain, or what several positions have in common; `owner` is known
    of positions only. `facts` are as messages show them. `at_time` is of the chain, `committed_s` of the service.
    """

    id: int
    position: str
    owner: str | None
    chain: str
    protocol: str
    deployment: str
    kind: str
    level: LevelName
    previous: LevelName
    severity: int
    incident: str
    seq: int
    at_block: int
    at_time: int
    committed_s: int
    time_to_liquidation_s: int | None
    facts: Mapping[str, str]


class AlertPage(Answer):
    """Some alerts, oldest first, and after which id those that follow are found; null at the end."""

    items: tuple[AlertAnswer, ...]
    next: int | None


class Behind(Answer):
    """A client did not take what was sent, and is cut off: it goes on with `Last-Event-ID: {after}`."""

    after: int


class SeenAnswer(Answer):
    """An incident that was acknowledged `by` the name of a key, for everyone who was told of it.

    It holds at this level until `until_s`, null where nobody was told. Of those `told`, `fresh` had not acknowledged it
    before. `acknowledged_s` is when the same name first did.
    """

    alert: int
    incident: str
    position: str
    level: LevelName
    by: str
    acknowledged_s: int
    age_s: int
    until_s: int | None
    told: int
    fresh: int
