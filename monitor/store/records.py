"""How the nouns become rows of the tables, and come back."""

import json
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from typing import Any

from monitor.domain.alerts import Alert, AlertKind, Level, Recipient, Route, dedupe_key
from monitor.domain.assessment import Quote, Remedy
from monitor.domain.health import Health, Measured, NoDebt, Unmeasurable
from monitor.domain.ids import ChainId, PositionId
from monitor.domain.moment import At, BlockRef, VenueMoment
from monitor.domain.row import Evaluation, row
from monitor.domain.token import Token
from monitor.rules.state import Driver, Gap, Incident, PositionState, Streak, Told
from monitor.units import decimal_text

Record = dict[str, Any]

_WIDTH = 41
_OFFSET = 10**40
_INT64_MAX = 2**63 - 1
LAST = "9" * _WIDTH
NO_DEBT = "8" * _WIDTH


def sort_key(value: int) -> str:
    """Return digits of fixed width that sort as the integer does; what does not fit stands at the end of the scale."""
    return str(min(max(value + _OFFSET, 0), 2 * _OFFSET - 1)).zfill(_WIDTH)


def position_record(evaluation: Evaluation) -> Record:
    """Return the row of `positions`: the snapshot row as JSON, and the columns it is found and sorted by."""
    cells, seen = row(evaluation), evaluation.protocol
    cents = None if cells["debt_usd"] is None else _cents(str(cells["debt_usd"]))
    return {
        "id": str(seen.id),
        "chain": seen.id.chain,
        "protocol": seen.id.protocol,
        "deployment": seen.id.deployment,
        "owner": seen.owner,
        "status": cells["status"],
        "health_key": _health_key(seen.health),
        "debt_key": LAST if cents is None else sort_key(-cents),
        "distance_key": _distance_key(evaluation),
        "debt_cents": None if cents is None else min(cents, _INT64_MAX),
        "at_time_s": cells["at_time"],
        "time_to_liquidation_s": evaluation.time_to_liquidation_s,
        "row": json.dumps(cells),
        "remedy": None if evaluation.remedy is None else json.dumps(_remedy(evaluation.remedy)),
        "quote": None if evaluation.quote is None else json.dumps(_quote(evaluation.quote)),
    }


def _cents(dollars: str) -> int:
    whole, _, fraction = dollars.partition(".")
    return int(whole + fraction.ljust(2, "0"))


def _health_key(health: Health) -> str:
    match health:
        case Measured():
            return sort_key(health.factor_wad_down)
        case NoDebt():
            return NO_DEBT
        case Unmeasurable():
            return LAST


def _distance_key(evaluation: Evaluation) -> str:
    if evaluation.protocol.is_insolvent:
        return sort_key(0)
    return LAST if evaluation.distance_bps is None else sort_key(evaluation.distance_bps)


def _token(token: Token) -> Record:
    return {"address": token.address, "symbol": token.symbol, "decimals": token.decimals}


def _quote(quote: Quote) -> Record:
    return {
        "debt": _token(quote.debt),
        "collateral": _token(quote.collateral),
        "debt_to_cover": decimal_text(quote.debt_to_cover_raw, quote.debt.decimals),
        "debt_to_cover_raw": str(quote.debt_to_cover_raw),
        "collateral_to_liquidator": decimal_text(quote.collateral_to_liquidator_raw, quote.collateral.decimals),
        "collateral_to_liquidator_raw": str(quote.collateral_to_liquidator_raw),
        "protocol_fee_raw": str(quote.protocol_fee_raw),
        "bonus_bps": quote.bonus_bps,
        "profit_base": str(quote.profit_base),
        "target": quote.target,
        "function": quote.function,
        "arguments": list(quote.arguments),
    }


def _remedy(remedy: Remedy) -> Record:
    steps = [
        {
            "action": step.action,
            "token": _token(step.token),
            "amount": decimal_text(step.amount_raw, step.token.decimals),
            "amount_raw": str(step.amount_raw),
            "reaches": decimal_text(step.reaches_wad, 18),
        }
        for step in remedy.steps
    ]
    return {"target": decimal_text(remedy.target_wad, 18), "steps": steps, "unavailable": list(remedy.unavailable)}


def at_json(at: At) -> str:
    """Return the moment as JSON."""
    return json.dumps({"kind": type(at).__name__, **asdict(at)})


def at_from(text: str) -> At:
    """Return the moment written by `at_json`."""
    cells = json.loads(text)
    if cells.pop("kind") == BlockRef.__name__:
        return BlockRef(**{**cells, "chain": ChainId(cells["chain"])})
    return VenueMoment(**cells)


def state_record(state: PositionState) -> Record:
    """Return the row of `states`."""
    cells = _fields(state)
    own = {name: cells[name] and _fields(cells[name]) for name in ("incident", "told", "streak", "gap")}
    return {
        "position": str(state.position),
        "level": None if state.level is None else state.level.name,
        "is_unknown": int(state.is_unknown),
        "driver": state.driver.value,
        "incident": state.incident.id if state.incident else None,
        "state": json.dumps({**cells, **own, "position": str(state.position), "known": dict(state.known)}),
    }


def state_from(text: str) -> PositionState:
    """Return the state written by `state_record`."""
    cells = json.loads(text)
    incident, told, streak, gap = (cells[name] for name in ("incident", "told", "streak", "gap"))
    return PositionState(
        **{
            **cells,
            "position": PositionId.parse(cells["position"]),
            "level": None if cells["level"] is None else Level(cells["level"]),
            "driver": Driver(cells["driver"]),
            "incident": incident and Incident(**{**incident, "worst": Level(incident["worst"])}),
            "told": told and Told(**told),
            "streak": streak and Streak(**{**streak, "level": Level(streak["level"])}),
            "gap": gap and Gap(**gap),
        }
    )


def _fields(noun: Any) -> Record:
    return {name: getattr(noun, name) for name in noun.__dataclass_fields__}


def alert_key(alert: Alert) -> str:
    """Return what makes an alert one and the same."""
    return f"{alert.incident}:{alert.seq}:{alert.kind.value}"


def alert_record(alert: Alert, now_s: int) -> Record:
    """Return the row of `alerts`."""
    fields = _fields(alert)
    return {
        "key": alert_key(alert),
        "position": str(alert.position),
        "deployment": alert.position.deployment,
        "kind": alert.kind.value,
        "incident": alert.incident,
        "seq": alert.seq,
        "level": alert.level.name,
        "at_time_s": alert.at_time_s,
        "committed_s": now_s,
        "alert": json.dumps({**fields, "position": str(alert.position), "facts": dict(alert.facts)}),
    }


def alert_from(text: str) -> Alert:
    """Return the alert written by `alert_record`."""
    cells = json.loads(text)
    own = {
        "position": PositionId.parse(cells["position"]),
        "kind": AlertKind(cells["kind"]),
        "level": Level(cells["level"]),
        "previous": Level(cells["previous"]),
    }
    return Alert(**{**cells, **own})


def outbox_record(alert: Alert, recipient: Recipient, now_s: int, refused: AbstractSet[Route]) -> Record:
    """Return the row of `outbox` for one recipient: over the first route that did not refuse lately, else the first."""
    index = next((i for i, route in enumerate(recipient.routes) if route not in refused), 0)
    first = recipient.routes[index]
    return {
        "alert": alert_key(alert),
        "dedupe_key": dedupe_key(recipient, alert),
        "recipient": recipient.name,
        "position": str(alert.position),
        "topic": alert.topic,
        "routes": json.dumps([[r.channel, r.address] for r in recipient.routes]),
        "route": index,
        "channel": first.channel,
        "address": first.address,
        "severity": alert.severity,
        "time_to_liquidation_s": alert.time_to_liquidation_s,
        "state": "pending",
        "attempts": 0,
        "next_try_s": 0,
        "created_s": now_s,
    }


def recipient_from(name: str, routes: str) -> Recipient:
    """Return the recipient of an outbox row."""
    return Recipient(name, tuple(Route(channel, address) for channel, address in json.loads(routes)))
