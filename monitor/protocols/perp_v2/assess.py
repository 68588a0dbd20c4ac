"""The whole assessment of an account: collateral, positions, margin, and what stands against its liquidation."""

from collections.abc import Iterator

from monitor.domain.assessment import Accrual, Assessment, Exactness, Kind, Leg, Side
from monitor.domain.health import Line, Measured
from monitor.domain.ids import Address, PositionId
from monitor.domain.perp import Carry, Margin, MarginMode, PerpLeg, Predicate
from monitor.ledger.accounts import Account
from monitor.pricing.graph import on_collateral_side
from monitor.protocols.perp_v2.health import Position, Priced, Sums, health_by, health_without, mark_of, sums_of
from monitor.protocols.perp_v2.liquidation import blockers
from monitor.protocols.perp_v2.market import ACCOUNT, COIN, Traded
from monitor.protocols.perp_v2.math import DAY_S, parsed, ratio_down
from monitor.units import BPS, PPM, WAD, div_to_zero

RULE = "getAccountValue < getMarginRequirementForLiquidation (ClearingHouse.liquidate)"
COLLATERAL_RULE = "settlement debt > what the collateral may secure (Vault.isLiquidatable)"


def assess(view: Priced, account: Account) -> Assessment:
    """Return the exact assessment under the view's repricing."""
    market, sums = view.market, sums_of(view, account)
    deployment = market.deployment
    position = PositionId(deployment.chain, deployment.protocol, deployment.name, market.key, account.key)
    known = None if isinstance(sums, str) else sums
    health = health_without(account, sums) if isinstance(sums, str) else health_by(sums)
    is_past = isinstance(health, Measured) and health.is_past_line
    is_sold = known is not None and known.is_coin_sale_open
    legs = tuple(_unvalued(view, account) if known is None else _legs(view, known))
    positions = () if known is None else tuple(_position(view, one) for one in known.positions if one.size)
    nodes = {*(leg.node for leg in legs), *(leg.node for leg in positions)}
    return Assessment(
        id=position,
        owner=Address(account.key),
        at=market.at,
        kind=Kind.PERP,
        margin_mode=MarginMode.CROSS,
        health=health,
        legs=legs,
        collateral_base=None if known is None else known.collateral,
        debt_base=None if known is None else known.notional,
        base_unit=market.base_unit,
        base_is_usd=market.base_is_usd,
        blockers=blockers(market, known) if known is not None and (is_past or is_sold) else (),
        forced=is_sold,
        exactness=Exactness.EXACT,
        accrual=Accrual.ACCRUED,
        prices=tuple(price for price in market.graph.prices if price.node in nodes),
        repricing=view.repricing.name,
        positions=positions,
        margin=None if known is None else _margin(view, known),
    )


def _margin(view: Priced, sums: Sums) -> Margin:
    has_position = any(position.size for position in sums.positions)
    return Margin(
        equity_base=sums.equity,
        notional_base=sums.notional,
        initial_base=sums.initial,
        maintenance_base=sums.maintenance,
        free_collateral_base=parsed(sums.free_raw, view.market.layout.settlement.decimals),
        collateral_base=sums.collateral,
        undiscounted_base=sums.collateral - sums.coins_counted + sums.coins_whole,
        predicate=Predicate(RULE if has_position else COLLATERAL_RULE, Line.BELOW),
        pending_base=sums.fee,
    )


def _legs(view: Priced, sums: Sums) -> Iterator[Leg]:
    """Yield the settlement token and each collateral; what is owed in the settlement token is a debt."""
    market = view.market
    settlement, cash = market.layout.settlement, sums.cash_raw
    if cash or sums.positions:
        side = Side.DEBT if cash < 0 else Side.COLLATERAL
        value = parsed(abs(cash), settlement.decimals)
        yield Leg(side, settlement, cash, abs(cash), WAD, value, BPS, market.settlement_node)
    for place, (raw, worth) in sums.coins.items():
        coin = market.coins[place]
        price = on_collateral_side(view.prices[coin.node])
        weight_bps = coin.ratio_ppm * BPS // PPM
        yield Leg(Side.COLLATERAL, coin.token, raw, raw, price, worth, weight_bps, coin.node)


def _unvalued(view: Priced, account: Account) -> Iterator[Leg]:
    """Yield the collateral of an account that cannot be measured."""
    for balance in account.balances:
        coin = view.market.coins.get(balance.asset) if balance.kind == COIN else None
        if coin is not None and balance.asset != ACCOUNT:
            price = on_collateral_side(view.prices[coin.node])
            weight_bps = coin.ratio_ppm * BPS // PPM
            yield Leg(Side.COLLATERAL, coin.token, balance.raw, balance.raw, price, None, weight_bps, coin.node)


def _position(view: Priced, position: Position) -> PerpLeg:
    traded, ratios = view.market.traded[position.place], view.market.ratios
    return PerpLeg(
        market=traded.token.address,
        token=traded.token,
        size_raw=position.size,
        node=traded.node,
        price=mark_of(view, position.place, position.size),
        price_decimals=18,
        value_base=position.value,
        entry_base=-position.notional,
        unrealised_pnl_base=position.value + position.notional,
        funding_base=position.funding,
        maintenance_base=ratio_down(abs(position.value), ratios.maintenance_ppm),
        initial_base=ratio_down(abs(position.value), ratios.initial_ppm),
        index_node=traded.index_node,
        carry=_carry(traded, position),
        label="with open orders" if position.orders else "",
    )


def _carry(traded: Traded, position: Position) -> Carry | None:
    """Return what funding does from now on at the present averages; not told of a maker, whose size moves with it."""
    if traded.premium_per_day is None or position.orders:
        return None
    return Carry(funding_wad_per_s=-div_to_zero(position.size * traded.premium_per_day, DAY_S))
