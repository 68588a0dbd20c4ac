"""The exact health of a trove, as a liquidation decides it, and its whole assessment.

Contract functions: TroveManager.getCurrentICR, _getLatestTroveData, _batchLiquidateTroves. There is no recovery mode: a
trove is liquidated below the minimum ratio of its branch, in a batch or not.
"""

from dataclasses import dataclass

from monitor.domain.assessment import Assessment, Kind, Leg, Side
from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.ids import PositionId
from monitor.domain.prices import PROTOCOL, Repricing, Unknown, Value
from monitor.ledger.accounts import Account
from monitor.pricing.graph import on_collateral_side, on_debt_side
from monitor.protocols.liquity_v2 import market as kinds
from monitor.protocols.liquity_v2.market import MANAGER_MASK, PAR, Market
from monitor.protocols.liquity_v2.math import Entire, Trove, interest_raw, pending, period_s, ratio_wad
from monitor.units import BPS, WAD, mul_div_down, mul_div_up


@dataclass(frozen=True, slots=True)
class Priced:
    """A market under one repricing: what the collateral is worth, and what a unit of debt counts for."""

    market: Market
    repricing: Repricing
    price: Value
    par: Value


def priced(market: Market, repricing: Repricing = PROTOCOL) -> Priced:
    """Return the market under a repricing; raises UsageError when that names a node the market does not have."""
    prices = market.graph.evaluate(repricing)
    return Priced(market, repricing, on_collateral_side(prices[market.layout.node]), on_debt_side(prices[PAR]))


def trove_of(account: Account) -> Trove:
    """Return what the contract stores of the account's trove."""
    held = {balance.kind: balance.raw for balance in account.balances}
    batch = next((balance.asset for balance in account.balances if balance.kind == kinds.MANAGER), 0)
    return Trove(
        coll_raw=held.get(kinds.COLL, 0),
        stake=held.get(kinds.STAKE, 0),
        coll_per_stake_wad=held.get(kinds.COLL_TERM, 0),
        debt_per_stake_wad=held.get(kinds.DEBT_TERM, 0),
        debt_raw=held.get(kinds.DEBT, 0),
        rate_wad=held.get(kinds.RATE, 0),
        updated_s=held.get(kinds.UPDATED, 0),
        batch=batch,
        manager=held.get(kinds.MANAGER, 0),
        shares=held.get(kinds.SHARES, 0),
        is_zombie=kinds.ZOMBIE in held,
    )


def entire_of(market: Market, account: Account) -> Entire | Unknown:
    """Return the account's trove with interest, fees and redistributions (TroveManager._getLatestTroveData)."""
    trove = trove_of(account)
    coll_raw, debt_raw = pending(trove, market.redistributed)
    if trove.batch:
        batch = market.batches[trove.batch - 1] if trove.batch <= len(market.batches) else None
        if batch is None or int(batch.manager, 16) & MANAGER_MASK != trove.manager:
            return Unknown(f"batch {trove.batch} is not the one of the branch as it was read")
        own_raw = market.owed[trove.batch - 1].of(trove.shares)
    else:
        elapsed_s = period_s(trove.updated_s, market.at.timestamp_s, market.shutdown_s)
        own_raw = trove.debt_raw + interest_raw(trove.debt_raw, trove.rate_wad, elapsed_s)
    return Entire(trove.coll_raw + coll_raw, own_raw + debt_raw, coll_raw, debt_raw)


def health_of(view: Priced, account: Account) -> Health:
    """Return the exact health; its native number is the trove's ratio where debt counts at par (getCurrentICR)."""
    return _health(view, entire_of(view.market, account))


def _health(view: Priced, whole: Entire | Unknown) -> Health:
    if isinstance(whole, Unknown):
        return Unmeasurable(whole.reason)
    if not whole.debt_raw:
        return NoDebt()
    price, par = view.price, view.par
    if isinstance(price, Unknown):
        return Unmeasurable(price.reason)
    if isinstance(par, Unknown):
        return Unmeasurable(par.reason)
    native = ratio_wad(whole.coll_raw, whole.debt_raw, price) if par == WAD else None
    owed = mul_div_up(whole.debt_raw, par, WAD)
    return Measured(whole.coll_raw * price, owed * view.market.layout.mcr_wad, Line.BELOW, native)


def blockers(market: Market) -> tuple[str, ...]:
    """Return why nobody can be liquidated now (TroveManager._requireMoreThanOneTroveInSystem)."""
    return ("the last trove of a branch cannot be liquidated",) if market.troves <= 1 else ()


def assess(view: Priced, account: Account) -> Assessment:
    """Return the exact assessment under the view's repricing."""
    market, whole = view.market, entire_of(view.market, account)
    deployment, health = market.deployment, _health(view, whole)
    legs = () if isinstance(whole, Unknown) else _legs(view, trove_of(account), whole)
    nodes = {leg.node for leg in legs}
    return Assessment(
        id=PositionId(deployment.chain, deployment.protocol, deployment.name, market.key, account.key),
        owner=account.owner if account.owner is not None and int(account.owner, 16) else None,
        at=market.at,
        kind=Kind.LENDING,
        margin_mode="isolated",
        health=health,
        legs=legs,
        collateral_base=None if isinstance(whole, Unknown) else _total(legs, Side.COLLATERAL),
        debt_base=None if isinstance(whole, Unknown) else _total(legs, Side.DEBT),
        base_unit=market.base_unit,
        base_is_usd=market.base_is_usd,
        blockers=blockers(market) if isinstance(health, Measured) and health.is_past_line else (),
        prices=tuple(price for price in market.graph.prices if price.node in nodes),
        repricing=view.repricing.name,
    )


def _legs(view: Priced, trove: Trove, whole: Entire) -> tuple[Leg, ...]:
    layout, held, owed = view.market.layout, whole.coll_raw, whole.debt_raw
    weight_bps = mul_div_down(BPS, WAD, layout.mcr_wad)
    worth, counts = _value(held, view.price), _value(owed, view.par)
    label = "zombie" if trove.is_zombie else "in a batch" if trove.batch else ""
    stored = trove.shares if trove.batch else trove.debt_raw
    collateral = Leg(
        Side.COLLATERAL, layout.collateral, trove.coll_raw, held, view.price, worth, weight_bps, layout.node
    )
    debt = Leg(Side.DEBT, layout.bold, stored, owed, view.par, counts, BPS, PAR, label)
    return (*((collateral,) if held else ()), *((debt,) if owed else ()))


def _value(amount_raw: int, price: Value) -> int | None:
    return None if isinstance(price, Unknown) else mul_div_down(amount_raw, price, WAD)


def _total(legs: tuple[Leg, ...], side: Side) -> int | None:
    """Return the worth of the one leg of a side, 0 where there is none."""
    return next((leg.value_base for leg in legs if leg.side is side), 0)
