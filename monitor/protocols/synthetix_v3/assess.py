"""The whole assessment of an account: collateral, debt, positions, margin, and what stands against its liquidation."""

from collections.abc import Iterator

from monitor.domain.assessment import Accrual, Assessment, Exactness, Kind, Leg, Side
from monitor.domain.health import Line, Measured
from monitor.domain.ids import PositionId
from monitor.domain.perp import Carry, Margin, MarginMode, PerpLeg, Predicate
from monitor.ledger.accounts import Account
from monitor.pricing.graph import on_collateral_side
from monitor.protocols.synthetix_v3.health import Position, Priced, Sums, health_by, health_without, sums_of
from monitor.protocols.synthetix_v3.liquidation import blockers
from monitor.protocols.synthetix_v3.market import COIN, DEBT, USD, Market
from monitor.protocols.synthetix_v3.math import DAY_S, YEAR_S, mul
from monitor.units import BPS, WAD, div_to_zero, mul_div_up

RULE = "requiredMaintenanceMargin > availableMargin, or flagged already (LiquidationModule.canLiquidate)"
MARGIN_RULE = "availableMargin < the keeper's reward, with a debt (LiquidationModule.canLiquidateMarginOnly)"


def assess(view: Priced, account: Account) -> Assessment:
    """Return the exact assessment under the view's repricing."""
    market, sums = view.market, sums_of(view, account)
    deployment = market.deployment
    known = None if isinstance(sums, str) else sums
    health = health_without(account, sums) if isinstance(sums, str) else health_by(sums)
    legs = tuple(_unvalued(view, account) if known is None else _legs(view, known))
    positions = () if known is None else tuple(_position(market, one) for one in known.positions)
    nodes = {*(leg.node for leg in legs), *(leg.node for leg in positions)}
    is_flagged = int(account.key, 16) in market.flagged
    is_past = is_flagged or (isinstance(health, Measured) and health.is_past_line)
    return Assessment(
        id=PositionId(deployment.chain, deployment.protocol, deployment.name, market.key, account.key),
        owner=account.owner,
        at=market.at,
        kind=Kind.PERP,
        margin_mode=MarginMode.CROSS,
        health=health,
        legs=legs,
        collateral_base=None if known is None else known.counted,
        debt_base=None if known is None else known.notional or known.debt,
        base_unit=market.base_unit,
        base_is_usd=market.base_is_usd,
        blockers=blockers(market, known) if known is not None and is_past else (),
        forced=is_flagged and known is not None,
        exactness=Exactness.EXACT,
        accrual=Accrual.ACCRUED,
        prices=tuple(price for price in market.graph.prices if price.node in nodes),
        repricing=view.repricing.name,
        positions=positions,
        margin=None if known is None else _margin(known),
    )


def _margin(sums: Sums) -> Margin:
    required = sums.maintenance if sums.positions else sums.margin_reward if sums.debt else 0
    return Margin(
        equity_base=sums.available,
        notional_base=sums.notional,
        initial_base=sums.initial,
        maintenance_base=required,
        free_collateral_base=max(sums.withdrawable, 0),
        collateral_base=sums.counted,
        undiscounted_base=sums.whole,
        predicate=Predicate(RULE if sums.positions else MARGIN_RULE, Line.BELOW),
    )


def _legs(view: Priced, sums: Sums) -> Iterator[Leg]:
    """Yield each collateral, by what part of it counts, and the debt."""
    market = view.market
    for held in sums.coins:
        coin = market.coins[held.place]
        price = WAD if held.place == USD else on_collateral_side(view.prices[coin.node])
        weight_bps = (WAD - held.discount) * BPS // WAD
        yield Leg(Side.COLLATERAL, coin.token, held.raw, held.raw, price, held.worth, weight_bps, coin.node)
    if sums.debt:
        yield _owed(market, sums.debt)


def _owed(market: Market, debt: int) -> Leg:
    return Leg(Side.DEBT, market.layout.usd, debt, debt, WAD, debt, BPS, market.coins[USD].node)


def _unvalued(view: Priced, account: Account) -> Iterator[Leg]:
    """Yield collateral and debt of an account that cannot be measured."""
    market = view.market
    for balance in account.balances:
        coin = market.coins.get(balance.asset) if balance.kind == COIN else None
        if coin is not None:
            price = WAD if coin.place == USD else on_collateral_side(view.prices[coin.node])
            yield Leg(Side.COLLATERAL, coin.token, balance.raw, balance.raw, price, None, BPS, coin.node)
        elif balance.kind == DEBT:
            yield _owed(market, balance.raw)


def _position(market: Market, position: Position) -> PerpLeg:
    traded = market.traded[position.place]
    is_long = position.size > 0
    return PerpLeg(
        market=str(traded.id),
        token=traded.token,
        size_raw=position.size,
        node=traded.node,
        price=position.price,
        price_decimals=18,
        value_base=position.notional if is_long else -position.notional,
        entry_base=mul(position.size, position.entry),
        unrealised_pnl_base=position.gain,
        funding_base=position.funding,
        borrow_fee_base=position.interest,
        initial_base=position.initial,
        maintenance_base=position.maintenance,
        index_node=traded.node,
        carry=_carry(market, position),
    )


def _carry(market: Market, position: Position) -> Carry:
    """Return what funding and interest do from now on while nobody trades: funding's rate moves with time itself."""
    traded = market.traded[position.place]
    value = position.size * position.price
    locked = mul(position.notional, traded.terms.locked_ratio)
    return Carry(
        funding_wad_per_s=-div_to_zero(value * traded.rate, WAD * DAY_S),
        funding_wad_per_s2=-div_to_zero(value * traded.velocity, WAD * DAY_S * DAY_S),
        borrow_wad_per_s=mul_div_up(locked, market.interest.rate, YEAR_S),
    )
