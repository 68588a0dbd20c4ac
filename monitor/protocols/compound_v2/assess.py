"""The whole assessment of an account: legs, totals, health, and what stands against its liquidation."""

from collections.abc import Iterator

from monitor.domain.assessment import Assessment, Exactness, Kind, Leg, Side
from monitor.domain.health import Measured
from monitor.domain.ids import Address, PositionId
from monitor.domain.prices import Unknown, Value
from monitor.ledger.accounts import Account
from monitor.protocols.compound_v2.health import (
    Priced,
    Stake,
    collateral_price,
    debt_of,
    debt_price,
    health_of,
    stakes_of,
)
from monitor.protocols.compound_v2.liquidation import blockers, is_forced
from monitor.protocols.compound_v2.market import Listed
from monitor.protocols.compound_v2.math import times
from monitor.units import BPS, WAD

NOT_ENTERED = "supplied, not entered as collateral"


def assess(view: Priced, account: Account) -> Assessment:
    """Return the exact assessment under the view's repricing."""
    market, health = view.market, health_of(view, account)
    deployment = market.deployment
    legs = tuple(leg for stake in stakes_of(account) for leg in _legs(view, account, stake))
    nodes = {leg.node for leg in legs}
    forced = is_forced(market, account)
    is_past = isinstance(health, Measured) and health.is_past_line
    return Assessment(
        id=PositionId(deployment.chain, deployment.protocol, deployment.name, market.key, account.key),
        owner=Address(account.key),
        at=market.at,
        kind=Kind.LENDING,
        margin_mode="cross",
        health=health,
        legs=legs,
        collateral_base=_total(legs, Side.COLLATERAL),
        debt_base=_total(legs, Side.DEBT),
        base_unit=market.base_unit,
        base_is_usd=market.base_is_usd,
        blockers=blockers(view, account, is_past_line=is_past) if is_past or forced else (),
        forced=forced,
        exactness=Exactness.EXACT if market.layout.is_proven else Exactness.TRANSCRIBED,
        accrual=market.accrual,
        prices=tuple(price for price in market.graph.prices if price.node in nodes),
        repricing=view.repricing.name,
    )


def _legs(view: Priced, account: Account, stake: Stake) -> Iterator[Leg]:
    """Yield what is supplied and owed in one market; membership alone is no leg."""
    one = view.market.listed.get(stake.place)
    if one is None or isinstance(one.standing, Unknown):
        return
    asset, standing = one.asset, one.standing
    ctokens = stake.held or stake.idle
    if ctokens:
        amount_raw = times(standing.exchange_rate_wad, ctokens)
        price = collateral_price(view, asset.node)
        is_entered = stake.held is not None
        weight_bps = one.terms_of(account.category).weight_wad * BPS // WAD if is_entered else 0
        label = "" if is_entered else NOT_ENTERED
        value = _value(price, amount_raw)
        yield Leg(Side.COLLATERAL, asset.underlying, ctokens, amount_raw, price, value, weight_bps, asset.node, label)
    if stake.principal_raw:
        yield _debt(view, one, stake, debt_of(stake, standing))


def _debt(view: Priced, one: Listed, stake: Stake, amount_raw: int) -> Leg:
    price = debt_price(view, one.asset.node)
    value = _value(price, amount_raw)
    asset = one.asset
    return Leg(Side.DEBT, asset.underlying, stake.principal_raw, amount_raw, price, value, BPS, asset.node)


def _value(price: Value, amount_raw: int) -> int | None:
    return None if isinstance(price, Unknown) else times(price, amount_raw)


def _total(legs: tuple[Leg, ...], side: Side) -> int | None:
    total = 0
    for leg in legs:
        if leg.side is side:
            if leg.value_base is None:
                return None
            total += leg.value_base
    return total
