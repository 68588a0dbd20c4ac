"""The whole assessment of a trove: legs, totals, health, and what stands against its liquidation."""

from monitor.domain.assessment import Assessment, Kind, Leg, Side
from monitor.domain.health import Measured
from monitor.domain.ids import Address, PositionId
from monitor.domain.prices import Unknown, Value
from monitor.ledger.accounts import Account
from monitor.protocols.liquity_v1.health import Priced, entire_of, health_of, trove_of
from monitor.protocols.liquity_v1.liquidation import blockers
from monitor.protocols.liquity_v1.market import ETHER, PAR
from monitor.units import BPS, WAD, mul_div_down


def assess(view: Priced, account: Account) -> Assessment:
    """Return the exact assessment under the view's repricing."""
    market, health, legs = view.market, health_of(view, account), _legs(view, account)
    deployment, nodes = market.deployment, {leg.node for leg in legs}
    return Assessment(
        id=PositionId(deployment.chain, deployment.protocol, deployment.name, market.key, account.key),
        owner=Address(account.key),
        at=market.at,
        kind=Kind.LENDING,
        margin_mode="isolated",
        health=health,
        legs=legs,
        collateral_base=_total(legs, Side.COLLATERAL),
        debt_base=_total(legs, Side.DEBT),
        base_unit=market.base_unit,
        base_is_usd=market.base_is_usd,
        blockers=blockers(view, account) if isinstance(health, Measured) and health.is_past_line else (),
        prices=tuple(price for price in market.graph.prices if price.node in nodes),
        repricing=view.repricing.name,
    )


def _legs(view: Priced, account: Account) -> tuple[Leg, ...]:
    layout, trove, whole = view.market.layout, trove_of(account), entire_of(view.market, account)
    held, owed, weight_bps = whole.coll_raw, whole.debt_raw, mul_div_down(BPS, WAD, view.line_wad)
    collateral = Leg(
        Side.COLLATERAL, ETHER, trove.coll_raw, held, view.price, _value(held, view.price), weight_bps, layout.node
    )
    debt = Leg(Side.DEBT, layout.lusd, trove.debt_raw, owed, view.par, _value(owed, view.par), BPS, PAR)
    return (*((collateral,) if held else ()), *((debt,) if owed else ()))


def _value(amount_raw: int, price: Value) -> int | None:
    return None if isinstance(price, Unknown) else mul_div_down(amount_raw, price, WAD)


def _total(legs: tuple[Leg, ...], side: Side) -> int | None:
    """Return the worth of the one leg of a side, 0 where there is none."""
    return next((leg.value_base for leg in legs if leg.side is side), 0)
