"""The alerts that tell an event, with where it leaves the position."""

import json
from collections.abc import Sequence

from monitor.domain.alerts import Alert, AlertKind, Level
from monitor.domain.assessment import Leg
from monitor.domain.health import Health
from monitor.domain.ids import Address
from monitor.domain.label import safe_label, safe_line, short_address
from monitor.domain.moment import BlockRef
from monitor.domain.row import Evaluation
from monitor.domain.token import Token
from monitor.rules.events.liquidations import Sighting
from monitor.rules.events.parameters import Change
from monitor.rules.facts import Facts, facts
from monitor.rules.levels import Levels
from monitor.rules.reading import health_wad, reading
from monitor.rules.state import PositionState, incident_id
from monitor.units import decimal_text

LEGS_SHOWN = 12
CHANGES_SHOWN = 12
VALUE_CHARACTERS = 60
_PERCENT = {"_bps": 2, "_wad": 16}
"""Decimals of a share in percent, by the unit in a field's name."""
_UNITS = ("_bps", "_wad", "_tokens", "_s")
_TRUTH = {0: "no", 1: "yes"}


def liquidation_alert(
    sighting: Sighting, kind: AlertKind, evaluation: Evaluation, levels: Levels, at: BlockRef
) -> Alert:
    """Return the message of a liquidation, seen or announced; `evaluation` is the position as it now is, at `at`.

    `seized`, `repaid`, `written_off` and `left` are JSON lists of amounts with their tokens.
    """
    what = sighting.liquidation
    own = {
        "seized": _amounts([(what.collateral, what.seized_raw)]),
        "repaid": _amounts([(what.debt, what.repaid_raw)]),
        "liquidator": what.liquidator,
        "transaction": safe_line(what.transaction),
        "event_block": str(what.block),
    }
    if what.written_off:
        own["written_off"] = _amounts(what.written_off)
    return Alert(
        position=what.position,
        kind=kind,
        incident=what.id,
        seq=int(kind is AlertKind.LIQUIDATED),
        level=Level.LIQUIDATABLE,
        previous=Level.LIQUIDATABLE,
        at_block=at.number,
        at_time_s=at.timestamp_s,
        facts={**_standing(evaluation, levels), **own},
        rule="liquidation",
    )


def parameter_alert(
    before: Health,
    evaluation: Evaluation,
    changes: Sequence[Change],
    tokens: Sequence[Token],
    levels: Levels,
    at: BlockRef,
) -> Alert:
    """Return the message of changed parameters to one position: health before them, and how it stands after.

    `changes` is a JSON list, each what changed from what to what, either left out where it is not there or not told;
    `tokens` name the subjects.
    """
    position, seen = evaluation.protocol.id, reading(evaluation, levels)
    was = health_wad(before)
    own = {"changes": json.dumps([_change(c, tokens) for c in changes[:CHANGES_SHOWN]])}
    if len(changes) > CHANGES_SHOWN:
        own["more_changes"] = str(len(changes) - CHANGES_SHOWN)
    if was is not None:
        own["health_before"] = decimal_text(was, 18)
    transactions = dict.fromkeys(safe_line(c.transaction) for c in changes if c.transaction)
    if transactions:
        own["transaction"] = next(iter(transactions))
    shown = seen.level if seen.unknown is None and seen.level is not None else max(seen.level or Level.OK, Level.WARN)
    return Alert(
        position=position,
        kind=AlertKind.PARAMETER_CHANGED,
        incident=incident_id(position, at.number, 0, "parameters|" + "|".join(sorted(c.id for c in changes))),
        seq=0,
        level=shown,
        previous=shown,
        at_block=at.number,
        at_time_s=at.timestamp_s,
        facts={**_standing(evaluation, levels), **own},
        rule="parameters",
    )


def _standing(evaluation: Evaluation, levels: Levels) -> Facts:
    position = evaluation.protocol.id
    found = facts(evaluation, reading(evaluation, levels), PositionState(position))
    left = [leg for leg in evaluation.protocol.legs if leg.amount_raw]
    return found | ({"left": json.dumps([_left(leg) for leg in left[:LEGS_SHOWN]])} if left else {})


def _left(leg: Leg) -> Facts:
    return {"side": leg.side.value, **_amount(leg.token, leg.amount_raw)}


def _amounts(amounts: Sequence[tuple[Token, int]]) -> str:
    return json.dumps([_amount(token, raw) for token, raw in amounts])


def _amount(token: Token, raw: int) -> Facts:
    return {"amount": decimal_text(raw, token.decimals), "token": safe_label(token.symbol, token.address)}


def _change(change: Change, tokens: Sequence[Token]) -> Facts:
    token = next((t for t in tokens if t.address == change.subject), None)
    subject = safe_label(token.symbol, token.address) if token else _named(change.subject)
    values = {"old": change.old, "new": change.new}
    shown = {name: _shown(change.field, value) for name, value in values.items() if value is not None}
    return {"subject": subject, "field": _field(change.field), **shown}


def _named(subject: str) -> str:
    return short_address(Address(subject)) if subject.startswith("0x") else safe_line(subject)


def _field(field: str) -> str:
    unit = next((unit for unit in _UNITS if field.endswith(unit)), "")
    return safe_line(field.removesuffix(unit).removeprefix("is_").replace("_", " "))


def _shown(field: str, value: int | str) -> str:
    percent = next((places for unit, places in _PERCENT.items() if field.endswith(unit)), None)
    if percent is not None and isinstance(value, int):
        return f"{decimal_text(value, percent)} %"
    if field.startswith("is_") and isinstance(value, int):
        return _TRUTH.get(value, str(value))
    if isinstance(value, str) and value.startswith("0x") and len(value) == 42:
        return short_address(value)
    return safe_line(str(value), VALUE_CHARACTERS)
