"""One position as one row of text cells: what a snapshot exports, the API serves and the store remembers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

from monitor.domain.assessment import Assessment, Leg, LiquidationPrice, Nearness, Quote, Remedy
from monitor.domain.health import Health, Measured, NoDebt, Unmeasurable
from monitor.domain.ids import spelled
from monitor.domain.label import clean_symbol, safe_line
from monitor.domain.moment import At, BlockRef
from monitor.domain.perp import PerpLeg
from monitor.domain.prices import Node
from monitor.domain.token import Token
from monitor.units import BPS, WAD, decimal_text, mul_div_down, mul_div_up

Cell = str | int | bool | None
Row = dict[str, Cell]

COLUMNS = (
    "chain", "protocol", "deployment", "market", "key", "owner", "at_block", "at_hash", "at_time", "status", "reason",
    "kind", "margin_mode", "exactness", "accrual", "native_health", "health_numerator", "health_denominator",
    "health_line", "health_factor", "is_insolvent", "is_liquidatable_now", "blockers", "cautious_health_factor",
    "base_unit", "collateral_base", "debt_base", "collateral_usd", "debt_usd", "equity_usd", "leverage",
    "distance_pct", "liquidation_prices", "legs",
)  # fmt: skip
"""The columns of a snapshot, in order; their names are a promise."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything one cycle says about a position: both views, where the line is, and what owner and keeper can do.

    `time_to_liquidation_s` is the first second from the moment of the evaluation in which interest alone, at the
    present rates, brings the position past the protocol's line: 0 when it is past it, None when that is ten years away
    or more, or not known. `nearness` is only worked out for positions near their line or asked for. `apart_bps` says of
    each price that has an independent one how far above it the protocol's is, rounded away from zero.
    """

    protocol: Assessment
    cautious: Assessment
    liquidation_prices: tuple[LiquidationPrice, ...] = ()
    distance_bps: int | None = None
    remedy: Remedy | None = None
    quote: Quote | None = None
    time_to_liquidation_s: int | None = None
    nearness: Nearness | None = None
    apart_bps: Mapping[Node, int] = field(default_factory=lambda: MappingProxyType({}))


def row(evaluation: Evaluation) -> Row:
    """Return the snapshot row; big integers are decimal text, unknown cells None, nothing ever rounded to look safe.

    Of a perpetual account the health is equity ÷ maintenance requirement, `collateral_*` what the venue counts,
    `debt_*` the notional of all positions, `equity_usd` the equity that is compared, and `leverage` notional ÷ equity;
    `legs` lists the collateral, with our own valuation beside the venue's, and the positions.
    """
    seen, health = evaluation.protocol, evaluation.protocol.health
    block = seen.at if isinstance(seen.at, BlockRef) else None
    measured = health if isinstance(health, Measured) else None
    return {
        "chain": seen.id.chain,
        "protocol": seen.id.protocol,
        "deployment": seen.id.deployment,
        "market": seen.id.market,
        "key": seen.id.key,
        "owner": None if seen.owner is None else spelled(seen.id.chain, seen.owner),
        "at_block": block.number if block else None,
        "at_hash": block.hash if block else None,
        "at_time": _time_s(seen.at),
        "status": _status(health),
        "reason": safe_line(health.reason) if isinstance(health, Unmeasurable) else None,
        "kind": seen.kind.value,
        "margin_mode": seen.margin_mode,
        "exactness": seen.exactness.value,
        "accrual": seen.accrual.value,
        "native_health": _text(measured.native if measured else None),
        "health_numerator": _text(measured.numerator if measured else None),
        "health_denominator": _text(measured.denominator if measured else None),
        "health_line": measured.line.value if measured else None,
        "health_factor": factor_text(health),
        "is_insolvent": None if isinstance(health, Unmeasurable) else seen.is_insolvent,
        "is_liquidatable_now": None if isinstance(health, Unmeasurable) else seen.is_liquidatable_now,
        "blockers": json.dumps(seen.blockers),
        "cautious_health_factor": factor_text(evaluation.cautious.health),
        "base_unit": str(seen.base_unit),
        "collateral_base": _text(seen.collateral_base),
        "debt_base": _text(seen.debt_base),
        **_sums(seen),
        "distance_pct": None if evaluation.distance_bps is None else decimal_text(evaluation.distance_bps, 2),
        "liquidation_prices": json.dumps([_liquidation_price(p) for p in evaluation.liquidation_prices]),
        "legs": json.dumps(_legs(seen.legs) if seen.margin is None else _perp_legs(evaluation)),
    }


def factor_text(health: Health) -> str | None:
    """Return numerator ÷ denominator with 18 decimals, floored; None where nothing is measured."""
    if not isinstance(health, Measured):
        return None
    return wad_text(health.factor_wad_down)


def wad_text(amount_wad: int) -> str:
    """Return a number times 1e18 as decimal text with all of its 18 decimals."""
    return f"{'-' if amount_wad < 0 else ''}{abs(amount_wad) // WAD}.{abs(amount_wad) % WAD:018d}"


def _status(health: Health) -> str:
    match health:
        case Measured():
            return "measured"
        case NoDebt():
            return "no_debt"
        case Unmeasurable():
            return "unmeasurable"


def _time_s(at: At) -> int:
    return at.timestamp_s if isinstance(at, BlockRef) else at.received_s


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def loan_cells(collateral_base: int | None, debt_base: int | None, base_unit: int, *, base_is_usd: bool) -> Row:
    """Return the cells that follow from what a position has and owes, as they are of a loan: dollars and leverage."""
    collateral = None if collateral_base is None else mul_div_down(collateral_base, 100, base_unit)
    debt = None if debt_base is None else mul_div_up(debt_base, 100, base_unit)
    equity = None if collateral is None or debt is None else collateral - debt
    cents = {"collateral_usd": collateral, "debt_usd": debt, "equity_usd": equity}
    leverage = None
    if collateral_base is not None and debt_base is not None and collateral_base > debt_base:
        leverage = decimal_text(mul_div_up(collateral_base, BPS, collateral_base - debt_base), 4)
    usd = {name: decimal_text(c, 2) if base_is_usd and c is not None else None for name, c in cents.items()}
    return {**usd, "leverage": leverage}


def _sums(seen: Assessment) -> Row:
    cells = loan_cells(seen.collateral_base, seen.debt_base, seen.base_unit, base_is_usd=seen.base_is_usd)
    if seen.margin is None:
        return cells
    leverage_wad = seen.margin.leverage_wad_up
    cells["leverage"] = None if leverage_wad is None else decimal_text(mul_div_up(leverage_wad, BPS, WAD), 4)
    if seen.base_is_usd and seen.margin.equity_base is not None:
        cells["equity_usd"] = decimal_text(mul_div_down(seen.margin.equity_base, 100, seen.base_unit), 2)
    return cells


@lru_cache(4096)
def _symbol(token: Token) -> str:
    return clean_symbol(token.symbol) or ""


def _liquidation_price(price: LiquidationPrice) -> dict[str, Cell]:
    return {
        "node": price.node,
        "token": price.token.address if price.token else None,
        "symbol": _symbol(price.token) if price.token else None,
        "direction": price.direction,
        "now": decimal_text(price.now, price.decimals),
        "last_safe": decimal_text(price.last_safe, price.decimals),
        "first_liquidatable": decimal_text(price.first_liquidatable, price.decimals),
    }


def _legs(legs: Sequence[Leg]) -> list[dict[str, Cell]]:
    return [
        {
            "side": leg.side.value,
            "label": leg.label,
            "token": leg.token.address,
            "symbol": _symbol(leg.token),
            "amount": decimal_text(leg.amount_raw, leg.token.decimals),
            "amount_raw": str(leg.amount_raw),
            "raw": str(leg.raw),
            "price": str(leg.price) if isinstance(leg.price, int) else None,
            "value_base": _text(leg.value_base),
            "weight_bps": leg.weight_bps,
        }
        for leg in legs
    ]


def _perp_legs(evaluation: Evaluation) -> list[dict[str, Cell]]:
    """Return the collateral with what it is worth to a cautious reader, then the positions."""
    cautious = {(leg.token.address, leg.label): leg.value_base for leg in evaluation.cautious.legs}
    seen = evaluation.protocol
    told = [(leg, cautious.get((leg.token.address, leg.label))) for leg in seen.legs]
    held = [
        cells | {"cautious_value_base": _text(value)} for cells, (_, value) in zip(_legs(seen.legs), told, strict=True)
    ]
    return [*held, *(_position(leg) for leg in seen.positions)]


def _position(leg: PerpLeg) -> dict[str, Cell]:
    return {
        "side": leg.direction.value,
        "label": leg.label,
        "market": leg.market,
        "token": leg.token.address,
        "symbol": _symbol(leg.token),
        "size": decimal_text(leg.size_raw, leg.token.decimals),
        "size_raw": str(leg.size_raw),
        "price": decimal_text(leg.price, leg.price_decimals) if isinstance(leg.price, int) else None,
        "value_base": _text(leg.value_base),
        "entry_base": _text(leg.entry_base),
        "unrealised_pnl_base": _text(leg.unrealised_pnl_base),
        "funding_base": _text(leg.funding_base),
        "borrow_fee_base": _text(leg.borrow_fee_base),
        "close_fee_base": _text(leg.close_fee_base),
        "initial_base": _text(leg.initial_base),
        "maintenance_base": _text(leg.maintenance_base),
    }
