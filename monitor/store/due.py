"""The question which messages are due, made once: making it anew costs more than asking it."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, nulls_last, or_, select

from monitor.domain.alerts import Level
from monitor.store import tables

_t, _a, _leader, _other = tables.outbox.c, tables.alerts.c, tables.outbox.alias("leader"), tables.outbox.alias("other")
_NEWEST = select(func.coalesce(func.max(_t.id), 0)).scalar_subquery()
_ORDER = (_t.severity.desc(), nulls_last(_t.time_to_liquidation_s.asc()), _t.id)
_OWN = (_t.id, _t.dedupe_key, _t.recipient, _t.routes, _t.route, _t.attempts, _t.created_s)
_COMPANY = select(_other.c.id).where(
    _other.c.recipient == _t.recipient, _other.c.state == "pending", _other.c.id != _t.id
)
_SHOWN = (
    select(
        *_OWN,
        _t.label,
        _t.token,
        _t.step,
        _t.leader,
        _leader.c.dedupe_key.label("leader_key"),
        _a.alert,
        _COMPANY.exists().label("company"),
    )
    .join(tables.alerts, _a.key == _t.alert)
    .outerjoin(_leader, _leader.c.id == _t.leader)
    .order_by(*_ORDER)
)


def at(now_s: Any) -> ColumnElement[bool]:
    """Return whether a message is due; a deadline further ahead than its own wait was set by another clock."""
    return or_(_t.next_try_s <= now_s, _t.next_try_s > now_s + _t.wait_s)


def these(which: ColumnElement[bool], limit: Any) -> Select[Any]:
    """Return the question for the first pending messages of which something holds.

    They are found by narrow columns alone: the alerts of all the others are never read.
    """
    first = select(_t.id).where(_t.state == "pending", which).order_by(*_ORDER).limit(limit).scalar_subquery()
    return _SHOWN.where(_t.id.in_(first))


PENDING = these(
    and_(
        _t.channel == bindparam("channel"),
        at(bindparam("now_s")),
        _t.id.not_in(bindparam("without", expanding=True)),
        _t.address.not_in(bindparam("but_to", expanding=True)),
        or_(
            _t.id <= bindparam("other_id"),
            and_(_t.id <= bindparam("urgent_id"), _t.severity >= Level.DANGER.value),
        ),
    ),
    bindparam("limit"),
).add_columns(_NEWEST.label("newest_id"))
"""Due on a channel, but for some messages and some addresses, and only what has waited for others long enough."""
_ON = and_(_t.state == "pending", _t.channel == bindparam("channel"))
OWED = select(func.count()).select_from(select(_t.id).where(_ON).limit(bindparam("at_most")).subquery())
"""How many messages a channel owes, counted no further than `at_most`."""
_NEXT_TRY = select(func.min(_t.next_try_s)).where(_ON, _t.next_try_s > bindparam("now_s")).scalar_subquery()
NOTHING_DUE = select(_NEWEST.label("newest_id"), _NEXT_TRY.label("next_try_s"))
"""Where nothing is due on a channel: the largest id of any message, and when the next one will be due."""
