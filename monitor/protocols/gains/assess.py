"""The whole assessment of a trade: collateral, exposure, margin, and what stands against its liquidation."""

from collections.abc import Iterator
from dataclasses import replace

from monitor.domain.assessment import Accrual, Assessment, Exactness, Kind, Leg, Side
from monitor.domain.health import Line, NoDebt, Unmeasurable
from monitor.domain.ids import Address, PositionId
from monitor.domain.moment import skew_s
from monitor.domain.perp import Carry, Margin, MarginMode, PerpLeg, Predicate
from monitor.domain.token import Token
from monitor.errors import UsageError
from monitor.ledger.accounts import Account
from monitor.pricing.graph import on_collateral_side
from monitor.protocols.gains import math
from monitor.protocols.gains.health import Priced, Sums, health_by, sums_of
from monitor.protocols.gains.market import Market, collateral_at, pair_at, pair_node, sources, token_node
from monitor.protocols.gains.math import ONE, V10
from monitor.protocols.gains.reading import API
from monitor.protocols.gains.trades import PRICE, Trade, trade_of, with_collateral
from monitor.units import BPS, WAD, YEAR_S, decimal_text, div_up

RULE = "index price <= liquidation price of a long, >= that of a short (getTradeLiquidationPrice)"
PAUSED = "trading is paused"
_PAUSED = 2
_SIZE_DECIMALS = 18


def assess(view: Priced, account: Account) -> Assessment:
    """Return the assessment under the view's repricing."""
    market, trade = view.market, trade_of(account)
    deployment = market.deployment
    found = Assessment(
        id=PositionId(deployment.chain, deployment.protocol, deployment.name, market.key, account.key),
        owner=account.owner,
        at=market.at,
        kind=Kind.PERP,
        margin_mode=MarginMode.ISOLATED,
        health=NoDebt(),
        legs=(),
        collateral_base=0,
        debt_base=0,
        base_unit=market.base_unit,
        base_is_usd=market.base_is_usd,
        exactness=Exactness.SDK,
        accrual=Accrual.ACCRUED,
        repricing=view.repricing.name,
    )
    if trade is None:
        return found
    sums = sums_of(view, trade)
    found = _joined(market, trade, found)
    if isinstance(sums, str):
        legs = (_leg(view, trade, None),) if collateral_at(trade.place) in market.layout.tokens else ()
        return replace(found, health=Unmeasurable(sums), legs=legs, collateral_base=None, debt_base=None)
    leg = _position(view, sums)
    return replace(
        found,
        health=health_by(sums),
        legs=(_leg(view, trade, sums.usd(sums.collateral)),),
        collateral_base=sums.usd(sums.collateral),
        debt_base=leg.notional_base,
        blockers=(PAUSED,) if market.state == _PAUSED else (),
        exactness=Exactness.ESTIMATE if trade.fixed_spread else Exactness.SDK,
        positions=(leg,),
        margin=_margin(leg, sums),
    )


def adjusted(market: Market, account: Account, leg: Leg, change_raw: int) -> Account:
    """Return the account after its owner lowers the leverage by adding collateral; raises UsageError for another token.

    The size stays; the fee for the change is not taken off.
    """
    trade = trade_of(account)
    if trade is None or leg.token != market.layout.tokens[collateral_at(trade.place)]:
        raise UsageError(f"expected the collateral of {account.key}, found {leg.side} of {leg.token.address}")
    return with_collateral(account, trade, trade.collateral_raw + change_raw)


def _joined(market: Market, trade: Trade, found: Assessment) -> Assessment:
    """Return the assessment with the prices it is made from and the moments these were true at."""
    moments = sources(market.at, market.deployment.venue(API), market.told_ms)
    nodes = (pair_node(pair_at(trade.place)), token_node(collateral_at(trade.place)))
    return replace(
        found,
        prices=tuple(price for price in market.graph.prices if price.node in nodes),
        sources=moments,
        skew_s=skew_s(moments),
    )


def _leg(view: Priced, trade: Trade, value: int | None) -> Leg:
    number, raw = collateral_at(trade.place), trade.collateral_raw
    price = on_collateral_side(view.prices[token_node(number)])
    token = view.market.layout.tokens[number]
    return Leg(Side.COLLATERAL, token, raw, raw, price, value, BPS, token_node(number))


def _margin(leg: PerpLeg, sums: Sums) -> Margin:
    return Margin(
        equity_base=sums.usd(sums.left),
        notional_base=leg.notional_base,
        initial_base=leg.initial_base,
        maintenance_base=leg.maintenance_base,
        free_collateral_base=None,
        collateral_base=sums.usd(sums.collateral),
        undiscounted_base=sums.usd(sums.collateral),
        predicate=Predicate(RULE, Line.AT_OR_BELOW),
    )


def _position(view: Priced, sums: Sums) -> PerpLeg:
    trade, layout = sums.trade, view.market.layout
    pair, sign = layout.pairs[pair_at(trade.place)], 1 if trade.is_long else -1
    node = pair_node(pair_at(trade.place))
    size_raw = sums.size * 10**_SIZE_DECIMALS // sums.trade.open_price // PRICE
    return PerpLeg(
        market=pair.name,
        token=Token(Address(pair.name), pair.name.partition("/")[0], _SIZE_DECIMALS),
        size_raw=sign * size_raw,
        node=node,
        price=sums.price // PRICE,
        price_decimals=10,
        value_base=sign * sums.usd(sums.size * sums.price // (trade.open_price * PRICE)),
        entry_base=sign * sums.usd(sums.size),
        unrealised_pnl_base=sums.usd(sums.pnl),
        funding_base=-sums.usd(sums.funding),
        borrow_fee_base=sums.usd(sums.borrowing + sums.old),
        close_fee_base=sums.usd(sums.closing + sums.spread),
        maintenance_base=sums.usd(sums.required),
        carry=_carry(sums),
        label="; ".join(_labels(sums)),
    )


def _carry(sums: Sums) -> Carry:
    """Return what holding costs from now on at the present rates: funding of one side, borrowing of version 10."""
    value = sums.usd(sums.size * sums.price // (sums.trade.open_price * PRICE))
    paid, speed = (sums.funded.rate, sums.funded.velocity) if _has_funding(sums) else (0, 0)
    if not sums.trade.is_long:
        paid, speed = -paid, -speed
    if paid < 0:
        funding = sums.running.funding
        multiple = math.multiples(funding, sums.funded.rate)[0 if sums.trade.is_long else 1]
        paid, speed = math.times(paid, multiple), math.times(speed, multiple)
    return Carry(
        -div_up(value * paid * WAD, 100 * ONE),
        -div_up(value * speed * WAD, 100 * ONE * YEAR_S),
        div_up(value * sums.running.borrowing.rate * WAD, 100 * ONE),
    )


def _has_funding(sums: Sums) -> bool:
    return sums.running.funding.is_enabled and sums.trade.version >= V10


def _labels(sums: Sums) -> Iterator[str]:
    yield f"gTrade shows liquidation at {decimal_text(sums.liquidation_price // PRICE, 10)}"
    if sums.trade.fixed_spread:
        yield "the trader has a spread of their own, which SDK and contract may count differently"
    if sums.old:
        yield "borrowing of version 1 stands as at the block"
