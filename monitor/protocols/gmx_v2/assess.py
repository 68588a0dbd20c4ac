"""The whole assessment of a position: collateral, exposure, margin, and what stands against its liquidation."""

from collections.abc import Iterator
from dataclasses import replace

from monitor.domain.assessment import Accrual, Assessment, Exactness, Kind, Leg, Side
from monitor.domain.health import Health, Line, NoDebt, Unmeasurable
from monitor.domain.ids import Address, PositionId
from monitor.domain.moment import skew_s
from monitor.domain.perp import Carry, Margin, MarginMode, PerpLeg, Predicate
from monitor.errors import UsageError
from monitor.ledger.accounts import Account
from monitor.pricing.graph import on_collateral_side
from monitor.protocols.gmx_v2 import math
from monitor.protocols.gmx_v2.health import Priced, Sums, health_by, sums_of
from monitor.protocols.gmx_v2.market import (
    Listed,
    Market,
    State,
    Traded,
    collateral_node,
    high_node,
    price_node,
    sources,
)
from monitor.protocols.gmx_v2.positions import Position, position_of, with_collateral
from monitor.protocols.gmx_v2.reading import API
from monitor.units import BPS, WAD, decimal_text, mul_div_up

RULE = (
    "remaining < MIN_COLLATERAL_USD, <= 0, or < size x MIN_COLLATERAL_FACTOR_FOR_LIQUIDATION "
    "(PositionUtils.isPositionLiquidatable)"
)
DISABLED = "market disabled"


def assess(view: Priced, account: Account) -> Assessment:
    """Return the exact assessment under the view's repricing."""
    market, position = view.market, position_of(account)
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
    if position is None:
        return found
    traded = next((one for one in market.traded if one.place == position.place), None)
    if traded is None:
        return replace(
            found, health=Unmeasurable(f"market {position.place} is not part of the deployment as it was read")
        )
    sums = sums_of(view, position)
    found = _joined(market, traded.listed, found)
    if isinstance(sums, str) or isinstance(traded.state, str):
        reason = sums if isinstance(sums, str) else str(traded.state)
        legs = (_leg(view, traded.listed, position, None),)
        return replace(found, health=Unmeasurable(reason), legs=legs, collateral_base=None, debt_base=None)
    return _measured(view, traded, traded.state, sums, found)


def adjusted(market: Market, account: Account, leg: Leg, change_raw: int) -> Account:
    """Return the account after its owner adds that much collateral; raises UsageError for another token."""
    position = position_of(account)
    if position is None or leg.token.address != market.layout.listed[position.place].collateral(
        position.is_short_token
    ):
        raise UsageError(f"expected the collateral of {account.key}, found {leg.side} of {leg.token.address}")
    return with_collateral(account, position, position.collateral_raw + change_raw)


def _measured(view: Priced, traded: Traded, state: State, sums: Sums, found: Assessment) -> Assessment:
    position = sums.position
    health: Health = health_by(sums) if position.size_usd else NoDebt()
    leg = _position(view, traded, state, sums)
    return replace(
        found,
        health=health,
        legs=(_leg(view, traded.listed, position, sums.collateral_usd),),
        collateral_base=sums.collateral_usd,
        debt_base=leg.notional_base,
        blockers=(DISABLED,) if state.is_disabled else (),
        exactness=Exactness.SDK if position.is_discount_known else Exactness.ESTIMATE,
        positions=(leg,),
        margin=_margin(view, traded.listed, leg, sums),
    )


def _joined(market: Market, listed: Listed, found: Assessment) -> Assessment:
    """Return the assessment with the prices it is made from and the moments these were true at."""
    named = dict.fromkeys(listed[1:])
    quoted = (market.quoted_ms[token] for token in named if token in market.quoted_ms)
    moments = sources(market.at, market.deployment.venue(API), quoted)
    nodes = {node for token in named for node in (price_node(token), high_node(token), collateral_node(token))}
    return replace(
        found,
        prices=tuple(price for price in market.graph.prices if price.node in nodes),
        sources=moments,
        skew_s=skew_s(moments),
    )


def _leg(view: Priced, listed: Listed, position: Position, value: int | None) -> Leg:
    token = listed.collateral(position.is_short_token)
    node, raw = collateral_node(token), position.collateral_raw
    price = on_collateral_side(view.prices[node])
    return Leg(Side.COLLATERAL, view.market.layout.tokens[token], raw, raw, price, value, BPS, node)


def _margin(view: Priced, listed: Listed, leg: PerpLeg, sums: Sums) -> Margin:
    """Return the margin; `free_collateral_base` keeps what opening needs, and counts no profit as collateral."""
    free = min(sums.remaining_usd, sums.collateral_usd) - (leg.initial_base or 0)
    return Margin(
        equity_base=sums.remaining_usd,
        notional_base=leg.notional_base,
        initial_base=leg.initial_base,
        maintenance_base=sums.required_usd,
        free_collateral_base=max(free, 0),
        collateral_base=sums.collateral_usd,
        undiscounted_base=sums.collateral_usd,
        predicate=Predicate(RULE, Line.BELOW),
        pending_base=_claimable_usd(view, listed, sums),
    )


def _claimable_usd(view: Priced, listed: Listed, sums: Sums) -> int:
    """Return what funding has earned and the owner can claim, which is no margin; 0 of a token without a price."""
    position, claimable = sums.position, sums.quotes.state.now.claimable
    total = 0
    for is_short_token, then in ((False, position.claim_long), (True, position.claim_short)):
        price = on_collateral_side(view.prices[price_node(listed.collateral(is_short_token))])
        per_size = claimable.of(position.is_long, is_short_token)
        if isinstance(price, int):
            total += math.claimable_raw_down(position.size_usd, per_size, then) * price
    return total


def _position(view: Priced, traded: Traded, state: State, sums: Sums) -> PerpLeg:
    market, listed, position, costs = view.market, traded.listed, sums.position, sums.costs
    token, price = market.layout.tokens[listed.index_token], sums.quotes.owed
    sign = 1 if position.is_long else -1
    mark = sums.quotes.mark
    return PerpLeg(
        market=listed.market,
        token=token,
        size_raw=sign * position.size_raw,
        node=price_node(listed.index_token),
        price=mark,
        price_decimals=30 - token.decimals,
        value_base=sign * position.size_raw * mark,
        entry_base=sign * position.size_usd,
        unrealised_pnl_base=sums.pnl_usd,
        funding_base=-costs.funding_raw * price,
        borrow_fee_base=costs.borrowing_raw * price,
        close_fee_base=costs.fee_raw * price - sums.impact_usd,
        initial_base=_initial_usd(market, traded, state, position),
        maintenance_base=sums.required_usd,
        carry=_carry(state, position),
        label="; ".join(_labels(market, traded, sums)),
    )


def _initial_usd(market: Market, traded: Traded, state: State, position: Position) -> int:
    """Return what opening this size needs at the open interest of its side (getMinCollateralFactorForOpenInterest)."""
    interest_usd, is_long = state.interest_usd.of(position.is_long), position.is_long
    by_interest = math.part_down(interest_usd, traded.terms.interest_multiplier.of(is_long))
    factor = max(traded.terms.least_factor, by_interest)
    return max(math.part_down(position.size_usd, factor), market.layout.least_usd)


def _carry(state: State, position: Position) -> Carry:
    """Return what holding costs from now on at the present rates; what funding earns is claimed and is no margin."""
    pays = position.size_usd * state.funding_rate if position.is_long == state.do_longs_pay else 0
    borrows = position.size_usd * state.borrowing_rate.of(position.is_long)
    return Carry(-mul_div_up(pays, WAD, math.ONE), 0, mul_div_up(borrows, WAD, math.ONE))


def _labels(market: Market, traded: Traded, sums: Sums) -> Iterator[str]:
    if sums.pnl_usd != sums.uncapped_pnl_usd:
        yield "profit capped by the pool"
    if not sums.position.is_discount_known:
        yield "without the discount on its fees, which was not told"
    shown = _shown_price(market, traded, sums)
    if shown is not None:
        decimals = 30 - market.layout.tokens[traded.listed.index_token].decimals
        yield f"GMX shows liquidation at {decimal_text(shown, decimals)}"


def _shown_price(market: Market, traded: Traded, sums: Sums) -> int | None:
    """Return the price that the venue's own pages show, which takes the dearer closing fee."""
    position, listed, costs, price = sums.position, traded.listed, sums.costs, sums.quotes.owed
    if not position.size_usd:
        return None
    fee_raw = math.fee_raw_down(position.size_usd, traded.terms.fee_factor.no, price, position.discount)
    return math.shown_liquidation_price(
        position.size_usd,
        position.size_raw,
        max(sums.least_usd, sums.least_for_leverage_usd),
        (fee_raw + costs.borrowing_raw + costs.funding_raw) * price - sums.impact_usd,
        sums.collateral_usd,
        position.collateral_raw,
        is_long=position.is_long,
        is_index=_is_same(market, listed.collateral(position.is_short_token), listed.index_token),
    )


def _is_same(market: Market, one: Address, other: Address) -> bool:
    """Whether two tokens are one asset: the same contract, or a made-up index of the same name."""
    tokens = market.layout.tokens
    return one == other or (tokens[one].symbol, tokens[one].decimals) == (tokens[other].symbol, tokens[other].decimals)
