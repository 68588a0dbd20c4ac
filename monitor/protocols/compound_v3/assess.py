"""The whole assessment of an account: legs, totals, health, and what stands against its absorption."""

from collections.abc import Iterator

from monitor.domain.assessment import Assessment, Exactness, Kind, Leg, Side
from monitor.domain.health import Measured
from monitor.domain.ids import Address, PositionId
from monitor.domain.prices import Unknown
from monitor.ledger.accounts import Account, Balance
from monitor.protocols.compound_v3.health import Priced, collateral_price, debt_price, health_of
from monitor.protocols.compound_v3.liquidation import blockers
from monitor.protocols.compound_v3.market import BORROWED, SUPPLIED
from monitor.protocols.compound_v3.math import present_value_down, value_down
from monitor.units import BPS, WAD

LENT = "lent, not collateral"


def assess(view: Priced, account: Account) -> Assessment:
    """Return the exact assessment under the view's repricing."""
    market, health = view.market, health_of(view, account)
    deployment = market.deployment
    legs = tuple(leg for balance in account.balances if (leg := _leg(view, balance)) is not None)
    nodes = {leg.node for leg in legs}
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
        blockers=blockers(market) if isinstance(health, Measured) and health.is_past_line else (),
        exactness=Exactness.TRANSCRIBED if market.layout.is_patched else Exactness.EXACT,
        accrual=market.accrual,
        prices=tuple(price for price in market.graph.prices if price.node in nodes),
        repricing=view.repricing.name,
    )


def _leg(view: Priced, balance: Balance) -> Leg | None:
    """Return what a stored number means; a supplied base asset earns interest and secures nothing."""
    market, base = view.market, view.market.base
    if balance.kind == BORROWED:
        amount_raw = present_value_down(balance.raw, market.indices.borrow)
        price = debt_price(view)
        value = None if isinstance(price, Unknown) else value_down(amount_raw, price, base.scale)
        return Leg(Side.DEBT, base.token, balance.raw, amount_raw, price, value, BPS, base.node)
    if balance.kind == SUPPLIED:
        amount_raw = present_value_down(balance.raw, market.indices.supply)
        price = collateral_price(view, base.node)
        value = None if isinstance(price, Unknown) else value_down(amount_raw, price, base.scale)
        return Leg(Side.COLLATERAL, base.token, balance.raw, amount_raw, price, value, 0, base.node, LENT)
    asset = market.collaterals.get(balance.asset)
    if asset is None:
        return None
    price = collateral_price(view, asset.node)
    value = None if isinstance(price, Unknown) else value_down(balance.raw, price, asset.scale)
    weight_bps = asset.liquidate_factor_wad * BPS // WAD
    return Leg(Side.COLLATERAL, asset.token, balance.raw, balance.raw, price, value, weight_bps, asset.node)


def _total(legs: tuple[Leg, ...], side: Side) -> int | None:
    values: Iterator[int | None] = (leg.value_base for leg in legs if leg.side is side)
    total = 0
    for value in values:
        if value is None:
            return None
        total += value
    return total
