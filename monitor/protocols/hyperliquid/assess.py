"""The whole assessment of a unit: collateral, positions, margin, and from which moments it is joined."""

from collections.abc import Iterator

from monitor.domain.assessment import Accrual, Assessment, Exactness, Kind, Leg, Side
from monitor.domain.health import Line
from monitor.domain.ids import PositionId
from monitor.domain.moment import skew_s
from monitor.domain.perp import Carry, Margin, MarginMode, PerpLeg, Predicate
from monitor.domain.prices import Unknown
from monitor.ledger.accounts import Account
from monitor.pricing.graph import on_collateral_side
from monitor.protocols.hyperliquid.health import (
    Position,
    Priced,
    Sums,
    health_by,
    health_without,
    held_by,
    is_isolated,
    mark_of,
    read_at,
    sums_of,
)
from monitor.protocols.hyperliquid.market import Mode, owner_of
from monitor.protocols.hyperliquid.math import CASH, PORTFOLIO_LINE_PERCENT, per_tick, value_of
from monitor.units import BPS, WAD

HOUR_S = 3_600
RULES = {
    Mode.STANDARD: "account value < maintenance margin",
    Mode.UNEXPLAINED: "account value < maintenance margin",
    Mode.UNIFIED: "token total less isolated margin < maintenance margin of all dexes (app warns from 95 %)",
    Mode.PORTFOLIO: "requirement > 0.95 × liquidation value",
}
ISOLATED_RULE = "isolated margin and profit < maintenance margin of the position"
BY_MIDS = "valued at the middles of books: the venue liquidates at marks"


def assess(view: Priced, account: Account) -> Assessment:
    """Return the assessment under the view's repricing."""
    market, sums, deployment = view.market, sums_of(view, account), view.market.deployment
    known = None if isinstance(sums, str) else sums
    moments = (market.at, read_at(market, held_by(account)))
    legs = () if known is None else tuple(_legs(view, known))
    positions = () if known is None else tuple(_position(view, one) for one in known.positions)
    nodes = {*(leg.node for leg in legs), *(leg.node for leg in positions), *(leg.index_node for leg in positions)}
    return Assessment(
        id=PositionId(deployment.chain, deployment.protocol, deployment.name, market.key, account.key),
        owner=owner_of(account.key),
        at=market.at,
        kind=Kind.PERP,
        margin_mode=_mode(account),
        health=health_without(account, sums) if isinstance(sums, str) else health_by(sums),
        legs=legs,
        collateral_base=None if known is None else _counted(known),
        debt_base=None if known is None else known.notional,
        base_unit=market.base_unit,
        base_is_usd=market.base_is_usd,
        blockers=(BY_MIDS,) if market.is_by_mids else (),
        exactness=Exactness.ESTIMATE if market.is_by_mids or (known and known.is_joined) else Exactness.API,
        accrual=Accrual.ACCRUED,
        prices=tuple(price for price in market.graph.prices if price.node in nodes),
        repricing=view.repricing.name,
        skew_s=skew_s(moments),
        positions=positions,
        margin=None if known is None else _margin(account, known),
        sources=moments,
    )


def _mode(account: Account) -> MarginMode:
    if is_isolated(account.key):
        return MarginMode.ISOLATED
    return MarginMode.PORTFOLIO if account.category == Mode.PORTFOLIO else MarginMode.CROSS


def _counted(sums: Sums) -> int:
    return sums.balance + sums.extra + sum(one.counted for one in sums.pledged)


def _margin(account: Account, sums: Sums) -> Margin:
    counted = _counted(sums)
    rule = ISOLATED_RULE if is_isolated(account.key) else RULES[sums.mode]
    is_alone = sums.mode in (Mode.STANDARD, Mode.UNEXPLAINED)
    return Margin(
        equity_base=sums.equity,
        notional_base=sums.notional,
        initial_base=sums.initial,
        maintenance_base=sums.maintenance,
        free_collateral_base=max(sums.equity - sums.initial - sums.held, 0) if is_alone else None,
        collateral_base=counted * PORTFOLIO_LINE_PERCENT // 100 if sums.mode is Mode.PORTFOLIO else counted,
        undiscounted_base=counted + sum(one.worth - one.counted for one in sums.pledged),
        predicate=Predicate(rule, Line.BELOW),
    )


def _legs(view: Priced, sums: Sums) -> Iterator[Leg]:
    """Yield the collateral token, as a debt where less than nothing is left of it, and each coin."""
    market = view.market
    amount_raw = sums.balance // CASH
    if amount_raw or sums.positions:
        side = Side.DEBT if amount_raw < 0 else Side.COLLATERAL
        value = abs(amount_raw) * CASH
        yield Leg(side, market.dex.collateral, amount_raw, abs(amount_raw), WAD, value, BPS, market.par_node)
    for one in sums.pledged:
        coin = market.coins[one.place]
        price = on_collateral_side(view.prices[coin.node])
        weight_bps = one.counted * BPS // one.worth if one.worth else 0
        yield Leg(Side.COLLATERAL, coin.token, one.amount_raw, one.amount_raw, price, one.worth, weight_bps, coin.node)


def _position(view: Priced, position: Position) -> PerpLeg:
    traded, size = position.traded, position.size
    decimals = traded.token.decimals
    return PerpLeg(
        market=traded.token.symbol,
        token=traded.token,
        size_raw=size,
        node=traded.node,
        price=mark_of(view, traded, size),
        price_decimals=view.market.graph.present[traded.node].decimals,
        value_base=position.value,
        entry_base=position.entry,
        unrealised_pnl_base=position.value - position.entry,
        funding_base=0,
        initial_base=position.initial,
        maintenance_base=position.maintenance,
        index_node=traded.index_node,
        edges=() if traded.tiers is None else traded.tiers.edges(abs(per_tick(size, decimals)), 1),
        carry=_carry(view, position),
        label="delisted" if traded.is_delisted else "",
    )


def _carry(view: Priced, position: Position) -> Carry | None:
    """Return the next hour's funding as if it ran evenly; in truth it is settled at once at the end of the hour."""
    oracle = on_collateral_side(view.prices[position.traded.index_node])
    if isinstance(oracle, Unknown):
        return None
    value = value_of(position.size, position.traded.token.decimals, oracle)
    return Carry(funding_wad_per_s=-(value * position.traded.funding_wad // HOUR_S))
