"""How the nouns become rows of the tables, and come back."""

import json
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from typing import Any

from monitor.domain.alerts import Alert, AlertKind, Level, Recipient, Route, dedupe_key
from monitor.domain.assessment import Nearness, Quote, Remedy
from monitor.domain.ids import Address, ChainId, PositionId, subject
from monitor.domain.moment import At, BlockRef, VenueMoment
from monitor.domain.row import Evaluation, row
from monitor.domain.token import Token
from monitor.errors import StoreError
from monitor.rules.events.liquidations import Liquidation, Sighting
from monitor.rules.events.parameters import Change
from monitor.rules.events.parameters import Told as ToldChange
from monitor.rules.state import Driver, Gap, Incident, PositionState, Streak, Told, time_s
from monitor.store.paging import is_liquidatable, place, tokens_text
from monitor.units import decimal_text

Record = dict[str, Any]


def position_record(evaluation: Evaluation) -> Record:
    """Return the row of `positions`: the snapshot row as JSON, and the columns it is found and sorted by."""
    cells, seen, where = row(evaluation), evaluation.protocol, place(evaluation)
    return {
        "id": str(seen.id),
        "chain": seen.id.chain,
        "protocol": seen.id.protocol,
        "deployment": seen.id.deployment,
        "owner": seen.owner,
        "status": cells["status"],
        "health_key": where.health_key,
        "debt_key": where.debt_key,
        "distance_key": where.distance_key,
        "profit_key": where.profit_key,
        "debt_cents": where.debt_cents,
        "profit_cents": where.profit_cents,
        "is_liquidatable": int(is_liquidatable(evaluation)),
        "tokens": tokens_text(seen),
        "at_time_s": cells["at_time"],
        "time_to_liquidation_s": evaluation.time_to_liquidation_s,
        "row": json.dumps(cells),
        "remedy": None if evaluation.remedy is None else json.dumps(remedy_record(evaluation.remedy)),
        "quote": None if evaluation.quote is None else json.dumps(quote_record(evaluation.quote)),
        "nearness": None if evaluation.nearness is None else json.dumps(nearness_record(evaluation.nearness)),
    }


def _token(token: Token) -> Record:
    return {"address": token.address, "symbol": token.symbol, "decimals": token.decimals}


def quote_record(quote: Quote) -> Record:
    """Return a quote with raw amounts as decimal text."""
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


def remedy_record(remedy: Remedy) -> Record:
    """Return a remedy with raw amounts as decimal text."""
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


def nearness_record(near: Nearness) -> Record:
    """Return a nearness with percentages and standard deviations as decimal text."""
    return {
        "market": near.market,
        "joint_pct": None if near.joint_ppm is None else decimal_text(near.joint_ppm, 4),
        "joint_direction": near.joint_direction,
        "horizon_s": near.horizon_s,
        "sigmas": None if near.sigmas_ppm is None else decimal_text(near.sigmas_ppm, 6),
        "likeliest": [
            {
                "name": move.name,
                "token": None if move.token is None else _token(move.token),
                "move_pct": decimal_text(move.move_ppm, 4),
            }
            for move in near.likeliest
        ],
    }


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
        "position": subject(cells["position"]),
        "kind": AlertKind(cells["kind"]),
        "level": Level(cells["level"]),
        "previous": Level(cells["previous"]),
    }
    return Alert(**{**cells, **own})


def cursor_record(at: At, now_s: int, **whose: str) -> Record:
    """Return the row of `cursors`."""
    return {
        **whose,
        "number": at.number if isinstance(at, BlockRef) else at.height,
        "hash": at.hash if isinstance(at, BlockRef) else "",
        "time_s": time_s(at),
        "committed_s": now_s,
        "at": at_json(at),
    }


def reached_record(at: BlockRef) -> Record:
    """Return the row of `events` that says up to which block they were taken."""
    return {"id": "", "kind": "reached", "at_block": at.number, "event": at_json(at)}


def event_record(event: Sighting | ToldChange) -> Record:
    """Return the row of `events`, without whose it is; amounts are decimal text."""
    if isinstance(event, Sighting):
        kind, cells = "liquidation", Record({"seen": event.seen, "announced": event.announced})
        what = _liquidation(event.liquidation)
    else:
        kind, cells, what = "parameter", {}, _fields(event.change)
    cells |= {"stands": event.stands, "at": at_json(event.at), "what": what}
    return {"id": event.id, "kind": kind, "at_block": event.at.number, "event": json.dumps(cells)}


def _liquidation(what: Liquidation) -> Record:
    return {
        **_fields(what),
        "position": str(what.position),
        "collateral": _token(what.collateral),
        "debt": _token(what.debt),
        "seized_raw": str(what.seized_raw),
        "repaid_raw": str(what.repaid_raw),
        "written_off": [[_token(token), str(raw)] for token, raw in what.written_off],
    }


def event_from(kind: str, text: str) -> Sighting | ToldChange:
    """Return the event written by `event_record`."""
    cells = json.loads(text)
    at, what, stands = at_from(cells["at"]), cells["what"], cells["stands"]
    if not isinstance(at, BlockRef):
        raise StoreError(f"expected an event at a block, found it at {at!r:.80}")
    if kind == "parameter":
        return ToldChange(Change(**what), at, stands)
    own = {
        "position": PositionId.parse(what["position"]),
        "collateral": _token_from(what["collateral"]),
        "debt": _token_from(what["debt"]),
        "seized_raw": int(what["seized_raw"]),
        "repaid_raw": int(what["repaid_raw"]),
        "written_off": tuple((_token_from(token), int(raw)) for token, raw in what["written_off"]),
    }
    return Sighting(Liquidation(**{**what, **own}), at, stands, cells["seen"], cells["announced"])


def _token_from(cells: Record) -> Token:
    return Token(Address(cells["address"]), cells["symbol"], cells["decimals"])


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
        "wait_s": 0,
        "step": 0,
        "leader": None,
        "token": None,
        "label": recipient.label or None,
    }


def recipient_from(name: str, routes: str, label: str | None = None) -> Recipient:
    """Return the recipient of an outbox row."""
    known = tuple(Route(channel, address) for channel, address in json.loads(routes))
    return Recipient(name, known, label=label or "")
