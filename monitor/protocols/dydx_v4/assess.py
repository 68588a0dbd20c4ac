"""The whole assessment of a subaccount: USDC, positions, margin, and what stands against its liquidation."""

from collections.abc import Iterator
from dataclasses import replace

from monitor.domain.assessment import Accrual, Assessment, Exactness, Kind, Leg, Side
from monitor.domain.health import Line, Measured
from monitor.domain.ids import PositionId
from monitor.domain.moment import VenueMoment
from monitor.domain.perp import Carry, Margin, MarginMode, PerpLeg, Predicate
from monitor.ledger.accounts import Account
from monitor.protocols.dydx_v4.health import (
    BLOCK_S,
    Position,
    Priced,
    Sums,
    health_by,
    health_without,
    height_of,
    skew_s,
    sums_of,
)
from monitor.protocols.dydx_v4.liquidation import blockers
from monitor.protocols.dydx_v4.market import (
    CHILDREN_FROM,
    LONG,
    PAR,
    SHORT,
    USDC,
    Market,
    Status,
    number_of,
    owner_of,
)
from monitor.units import BPS, WAD, div_to_zero

RULE = "maintenance requirement > 0 and > net collateral (lib/margin, Risk.IsLiquidatable)"
_HOUR_S = 3600


def assess(view: Priced, account: Account) -> Assessment:
    """Return the exact assessment under the view's repricing."""
    market, sums = view.market, sums_of(view, account)
    deployment = market.deployment
    known = None if isinstance(sums, str) else sums
    health = health_without(account, sums) if isinstance(sums, str) else health_by(sums)
    legs = () if known is None else tuple(_legs(known))
    positions = () if known is None else tuple(_position(one) for one in known.positions)
    nodes = {*(leg.node for leg in legs), *(leg.node for leg in positions)}
    is_past = isinstance(health, Measured) and health.is_past_line
    return Assessment(
        id=PositionId(deployment.chain, deployment.protocol, deployment.name, market.key, account.key),
        owner=owner_of(account.key),
        at=market.at,
        kind=Kind.PERP,
        margin_mode=_mode(market, account),
        health=health,
        legs=legs,
        collateral_base=None if known is None else known.cash,
        debt_base=None if known is None else known.notional,
        base_unit=market.base_unit,
        base_is_usd=market.base_is_usd,
        blockers=blockers(known) if known is not None and is_past else (),
        exactness=Exactness.API,
        accrual=Accrual.ACCRUED,
        prices=tuple(price for price in market.graph.prices if price.node in nodes),
        repricing=view.repricing.name,
        skew_s=skew_s(market, account),
        positions=positions,
        margin=None if known is None else _margin(known),
        sources=_sources(market, account),
    )


def _margin(sums: Sums) -> Margin:
    risk = sums.risk
    return Margin(
        equity_base=risk.net,
        notional_base=sums.notional,
        initial_base=risk.initial,
        maintenance_base=risk.maintenance,
        free_collateral_base=max(risk.net - risk.initial, 0),
        collateral_base=sums.cash,
        undiscounted_base=sums.cash,
        predicate=Predicate(RULE, Line.BELOW),
    )


def _legs(sums: Sums) -> Iterator[Leg]:
    """Yield the USDC, a debt below zero: what a long has paid and not yet earned."""
    if sums.cash or sums.positions:
        side = Side.DEBT if sums.cash < 0 else Side.COLLATERAL
        yield Leg(side, USDC, sums.cash, abs(sums.cash), WAD, abs(sums.cash), BPS, PAR)


def _position(position: Position) -> PerpLeg:
    traded = position.traded
    return PerpLeg(
        market=traded.ticker,
        token=traded.token,
        size_raw=position.quantums * traded.size_unit,
        node=traded.node,
        price=position.price,
        price_decimals=traded.price_decimals,
        value_base=position.value,
        entry_base=position.entry,
        unrealised_pnl_base=position.value - position.entry,
        funding_base=0,
        initial_base=position.risk.initial,
        maintenance_base=position.risk.maintenance,
        carry=None if traded.funding_wad is None else _carry(position, traded.funding_wad),
        label="" if traded.status is Status.ACTIVE else traded.status.value.lower(),
    )


def _carry(position: Position, funding_wad: int) -> Carry:
    """Return the coming hour's funding as a rate: the chain takes it at the end of the hour."""
    return Carry(funding_wad_per_s=-div_to_zero(position.value * funding_wad, _HOUR_S))


def _mode(market: Market, account: Account) -> MarginMode:
    held = (market.traded.get(b.asset) for b in account.balances if b.kind in (LONG, SHORT))
    is_isolated = any(one is not None and one.is_isolated for one in held)
    return MarginMode.ISOLATED if is_isolated or number_of(account.key) >= CHILDREN_FROM else MarginMode.CROSS


def _sources(market: Market, account: Account) -> tuple[VenueMoment, ...]:
    """Return the moment of the prices and that of the subaccount, whose time follows from its block."""
    height, at = height_of(account), market.at
    if height is None or at.height is None or height == at.height:
        return ()
    apart_ms = (height - at.height) * BLOCK_S * 1000
    return (at, replace(at, height=height, server_time_ms=at.server_time_ms + apart_ms))
