"""The question which messages are due, made once: making it anew costs more than asking it."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, bindparam, case, func, literal, nulls_last, or_, select

from monitor.domain.alerts import Level
from monitor.store import tables

_t, _a, _leader, _other = tables.outbox.c, tables.alerts.c, tables.outbox.alias("leader"), tables.outbox.alias("other")
_ORDER = (_t.severity.desc(), nulls_last(_t.time_to_liquidation_s.asc()), _t.id)
_COMPANY = select(_other.c.id).where(
    _other.c.recipient == _t.recipient, _other.c.state == "pending", _other.c.id != _t.id
)
_SHOWN = (
    *(_t.id, _t.dedupe_key, _t.recipient, _t.routes, _t.route, _t.attempts, _t.created_s, _t.label, _t.token, _t.step),
    *(_t.leader, _leader.c.dedupe_key.label("leader_key"), _a.alert, _COMPANY.exists().label("company")),
)


def at(now_s: Any) -> ColumnElement[bool]:
    """Return whether a message is due; a deadline further ahead than its own wait was set by another clock."""
    return or_(_t.next_try_s <= now_s, _t.next_try_s > now_s + _t.wait_s)


def these(which: ColumnElement[bool], limit: Any) -> Select[Any]:
    """Return the question for the first pending messages of which something holds."""
    return _shown(tables.outbox).where(_first(which, limit))


def _first(which: ColumnElement[bool], limit: Any) -> ColumnElement[bool]:
    """Hold of the first; they are found by narrow columns alone, the alerts of all the others are never read."""
    first = select(_t.id).where(_t.state == "pending", which).order_by(*_ORDER).limit(limit)
    return _t.id.in_(first.scalar_subquery())


def _shown(messages: FromClause) -> Select[Any]:
    known = messages.outerjoin(tables.alerts, _a.key == _t.alert).outerjoin(_leader, _leader.c.id == _t.leader)
    return select(*_SHOWN).select_from(known).order_by(*_ORDER)


_ON = and_(_t.state == "pending", _t.channel == bindparam("channel"))
_DUE = and_(
    _t.channel == bindparam("channel"),
    at(bindparam("now_s")),
    _t.id.not_in(bindparam("without", expanding=True)),
    _t.address.not_in(bindparam("but_to", expanding=True)),
    or_(
        _t.id <= bindparam("other_id"),
        and_(_t.id <= bindparam("urgent_id"), _t.severity >= Level.DANGER.value),
    ),
)
_NEWEST = select(func.coalesce(func.max(_t.id), 0)).scalar_subquery()
_NEXT_TRY = select(func.min(_t.next_try_s)).where(_ON, _t.next_try_s > bindparam("now_s")).scalar_subquery()
_ALWAYS = select(literal(1)).subquery("always")

LOOK = _shown(_ALWAYS.outerjoin(tables.outbox, _first(_DUE, bindparam("limit")))).add_columns(
    _NEWEST.label("newest_id"), case((_t.id.is_(None), _NEXT_TRY)).label("next_try_s")
)
"""Due on a channel, but for some messages and some addresses, and only what has waited for others long enough.

Where nothing is, there is one row without a message, which says when the next one will be due.
"""
OWED = select(func.count()).select_from(select(_t.id).where(_ON).limit(bindparam("at_most")).subquery())
"""How many messages a channel owes, counted no further than `at_most`."""
