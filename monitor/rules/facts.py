"""What a message can say, as display-ready text keyed by name; strangers' text has passed `monitor.domain.label`."""

import json
from collections.abc import Iterable, Mapping

from monitor.domain.alerts import Level
from monitor.domain.assessment import Assessment, Kind, Leg, LiquidationPrice, Nearness, Step
from monitor.domain.health import Health, NoDebt
from monitor.domain.label import safe_label, safe_line
from monitor.domain.moment import BlockRef
from monitor.domain.perp import PerpLeg
from monitor.domain.prices import PriceUsed
from monitor.domain.row import Evaluation
from monitor.rules.reading import Reading, health_wad
from monitor.rules.state import Incident, PositionState
from monitor.units import PPM, decimal_text, div_to_zero, mul_div_down

PRICES_SHOWN = 12
DOUBTS_SHOWN = 8
MOVES_SHOWN = 3

Facts = dict[str, str]


def known_facts(evaluation: Evaluation, block: int) -> Facts:
    """Return what is remembered for the time when nothing can be measured."""
    return _present(
        {
            "health": _factor(evaluation.protocol.health),
            "cautious_health": _factor(evaluation.cautious.health),
            "at_block": str(block),
        }
    )


def facts(evaluation: Evaluation, seen: Reading, past: PositionState) -> Facts:
    """Return the facts of one evaluation.

    Absent keys are unknown. `liquidation_prices`, `steps` and `foreseen` are JSON lists, nearest price first; amounts
    and prices are decimal text, healths are floored at 18 decimals. While health is unknown, `last_*` repeat the last
    values.
    """
    protocol = evaluation.protocol
    distance, left_s = evaluation.distance_bps, evaluation.time_to_liquidation_s
    nearest = sorted(evaluation.liquidation_prices, key=_distance_ppm)[:PRICES_SHOWN]
    remedy = evaluation.remedy
    found: dict[str, str | None] = {
        "health": _factor(protocol.health),
        "cautious_health": _factor(evaluation.cautious.health),
        "driver": seen.driver.value,
        "unknown": seen.unknown and safe_line(seen.unknown),
        "no_debt": "yes" if isinstance(protocol.health, NoDebt) else None,
        "is_liquidatable_now": "yes" if protocol.is_liquidatable_now else None,
        "blockers": "; ".join(map(safe_line, protocol.blockers)) or None,
        "distance_pct": None if distance is None else decimal_text(distance, 2),
        "time_to_liquidation_s": None if left_s is None else str(left_s),
        "liquidation_prices": json.dumps([_price(p) for p in nearest]) if nearest else None,
        "steps": json.dumps([_step(s) for s in remedy.steps]) if remedy and remedy.steps else None,
        "foreseen": json.dumps(foreseen_facts(protocol)) if protocol.foreseen else None,
        "target_health": decimal_text(remedy.target_wad, 18) if remedy else None,
        "unavailable": "; ".join(map(safe_line, remedy.unavailable)) or None if remedy else None,
        "kept": "; ".join(map(safe_line, remedy.kept)) or None if remedy else None,
        **_margin_facts(protocol),
        **(nearness_facts(evaluation.nearness) if evaluation.nearness is not None else {}),
        **oracle_facts(evaluation),
        "owner": protocol.owner,
        "exactness": protocol.exactness.value,
        "doubts": _doubts((*protocol.prices, *evaluation.cautious.prices)),
    }
    last = {f"last_{name}": value for name, value in past.known.items()} if seen.unknown else {}
    return _present({**found, **last})


def _margin_facts(seen: Assessment) -> dict[str, str | None]:
    """Return what only a perpetual account has: its equity, what it has to keep, and how far it is levered."""
    margin, decimals = seen.margin, len(str(seen.base_unit)) - 1
    if margin is None or margin.equity_base is None or margin.maintenance_base is None:
        return {"kind": seen.kind.value} if seen.kind is Kind.PERP else {}
    leverage_wad = margin.leverage_wad_up
    return {
        "kind": seen.kind.value,
        "equity": decimal_text(margin.equity_base, decimals),
        "requirement": decimal_text(margin.maintenance_base, decimals),
        "leverage": None if leverage_wad is None else decimal_text(leverage_wad, 18),
    }


def nearness_facts(near: Nearness) -> Facts:
    """Return how near the line is when prices move together; percentages are cut off, as standard deviations are.

    `likeliest` is a JSON list of moves in percent, the largest first.
    """
    moves = [
        {
            "name": safe_label(move.token.symbol, move.token.address) if move.token else safe_line(move.name),
            "move_pct": decimal_text(div_to_zero(move.move_ppm, 100), 2),
        }
        for move in near.likeliest[:MOVES_SHOWN]
    ]
    return _present(
        {
            "joint_pct": None if near.joint_ppm is None else decimal_text(near.joint_ppm // 100, 2),
            "joint_direction": near.joint_direction,
            "market": near.market,
            "sigmas": None if near.sigmas_ppm is None else decimal_text(near.sigmas_ppm // 10_000, 2),
            "horizon_s": str(near.horizon_s),
            "likeliest": json.dumps(moves) if moves else None,
        }
    )


def oracle_facts(evaluation: Evaluation) -> Facts:
    """Return what is known of the price that drives a position: that of the token with the nearest liquidation price.

    Where there is none it is that of the largest collateral. `oracle_age_s` is the age of the oldest part of the price,
    `oracle_apart_pct` how far it is above an independent one, negative below; keys are absent where nothing says it.
    """
    seen = evaluation.protocol
    used = {price.node: price for price in seen.prices}
    legs: list[Leg | PerpLeg] = [leg for leg in seen.legs if leg.node in used]
    legs += [leg for leg in seen.positions if leg.node in used]
    nearest = min(evaluation.liquidation_prices, key=_distance_ppm, default=None)
    driven = [leg for leg in legs if nearest is not None and nearest.token in (leg.token, None)]
    leg = max(driven or legs, key=lambda one: abs(one.value_base or 0), default=None)
    if leg is None:
        return {}
    price, now_s = used[leg.node], seen.at.timestamp_s if isinstance(seen.at, BlockRef) else seen.at.received_s
    apart_bps, updated_s = evaluation.apart_bps.get(leg.node), price.updated_at_s
    return _present(
        {
            "oracle_of": safe_label(leg.token.symbol, leg.token.address),
            "oracle_source": safe_line(price.source),
            "oracle_method": price.method,
            "oracle_age_s": None if updated_s is None else str(max(now_s - updated_s, 0)),
            "oracle_apart_pct": None if apart_bps is None else decimal_text(apart_bps, 2),
        }
    )


def foreseen_facts(seen: Assessment) -> list[Facts]:
    """Return what is foreseen of a position: at which price, in how many seconds at the earliest, with which health."""
    now_s = seen.at.timestamp_s if isinstance(seen.at, BlockRef) else seen.at.received_s
    return [
        _present({"name": one.name, "in_s": str(max(one.from_s - now_s, 0)), "health": _factor(one.health)})
        for one in seen.foreseen
    ]


def recovery_facts(incident: Incident, now_s: int) -> Facts:
    """Return what is said at the end of an incident."""
    return _present(
        {
            "duration_s": str(max(now_s - incident.opened_s, 0)),
            "worst": Level(incident.worst).name,
            "worst_health": _decimal(incident.worst_health_wad),
        }
    )


def _factor(health: Health) -> str | None:
    return _decimal(health_wad(health))


def _decimal(value_wad: int | None) -> str | None:
    return None if value_wad is None else decimal_text(value_wad, 18)


def _present(found: Mapping[str, str | None]) -> Facts:
    return {name: value for name, value in found.items() if value is not None}


def _distance_ppm(price: LiquidationPrice) -> int:
    return mul_div_down(abs(price.first_liquidatable - price.now), PPM, abs(price.now)) if price.now else 0


def _price(price: LiquidationPrice) -> Facts:
    token = price.token
    return {
        "name": safe_label(token.symbol, token.address) if token else safe_line(price.node),
        "now": decimal_text(price.now, price.decimals),
        "price": decimal_text(price.first_liquidatable, price.decimals),
        "direction": price.direction,
    }


def _step(step: Step) -> Facts:
    return {
        "action": step.action,
        "amount": decimal_text(step.amount_raw, step.token.decimals),
        "token": safe_label(step.token.symbol, step.token.address),
        "reaches": decimal_text(step.reaches_wad, 18),
    }


def _doubts(prices: Iterable[PriceUsed]) -> str | None:
    doubted = dict.fromkeys(f"{safe_line(p.node)} {safe_line(', '.join(p.labels))}" for p in prices if p.labels)
    return "; ".join(list(doubted)[:DOUBTS_SHOWN]) or None
