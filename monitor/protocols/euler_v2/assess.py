"""The whole assessment of an account: legs, totals, health, and what stands against its liquidation."""

from collections.abc import Iterator

from monitor.domain.assessment import Accrual, Assessment, Exactness, Kind, Leg, Side
from monitor.domain.health import Measured
from monitor.domain.ids import Address, PositionId
from monitor.domain.prices import Unknown
from monitor.ledger.accounts import Account
from monitor.pricing.graph import on_collateral_side, on_debt_side
from monitor.protocols.euler_v2.health import Priced, debt_of, health_of, owed_raw
from monitor.protocols.euler_v2.liquidation import blockers
from monitor.protocols.euler_v2.market import SHARES
from monitor.protocols.euler_v2.oracle.path import through
from monitor.protocols.euler_v2.pricing import opening
from monitor.units import BPS


def assess(view: Priced, account: Account) -> Assessment:
    """Return the exact assessment under the view's repricing."""
    market, health = view.market, health_of(view, account)
    deployment = market.deployment
    legs = (*_debt(view, account), *_collateral(view, account))
    nodes = {node for leg in legs for node in (leg.node, *market.graph.drivers[leg.node])}
    return Assessment(
        id=PositionId(deployment.chain, deployment.protocol, deployment.name, market.key, account.key),
        owner=account.owner or Address(account.key),
        at=market.at,
        kind=Kind.LENDING,
        margin_mode="cross",
        health=health,
        legs=legs,
        collateral_base=_total(legs, Side.COLLATERAL),
        debt_base=_total(legs, Side.DEBT),
        base_unit=market.base_unit,
        base_is_usd=market.base_is_usd,
        blockers=blockers(view, account) if isinstance(health, Measured) and health.is_past_line else (),
        exactness=_exactness(view, account),
        accrual=Accrual.ACCRUED,
        prices=tuple(price for price in market.graph.prices if price.node in nodes),
        repricing=view.repricing.name,
    )


def _debt(view: Priced, account: Account) -> Iterator[Leg]:
    market, amount_raw = view.market, owed_raw(view.market, account)
    if not amount_raw:
        return
    node = market.layout.liability.node
    price = on_debt_side(market.graph.evaluate(view.repricing)[node])
    if isinstance(view.owed, Unknown):
        price = view.owed
    value = None if isinstance(view.owed, Unknown) else through(view.owed, amount_raw)
    yield Leg(Side.DEBT, market.layout.asset, debt_of(account).owed, amount_raw, price, value, BPS, node)


def _collateral(view: Priced, account: Account) -> Iterator[Leg]:
    """Yield a leg for each collateral with shares: told in the token inside the vault, its label the vault."""
    market = view.market
    prices = market.graph.evaluate(view.repricing)
    for balance in account.balances:
        collateral = market.collateral_at(balance.asset) if balance.kind == SHARES and balance.raw else None
        if collateral is None:
            continue
        path, opened = collateral.path, opening(market, collateral.path)
        threshold_bps, steps = view.collaterals[balance.asset]
        price = steps if isinstance(steps, Unknown) else on_collateral_side(prices[path.node])
        yield Leg(
            side=Side.COLLATERAL,
            token=path.token,
            raw=balance.raw,
            amount_raw=0 if isinstance(opened, Unknown) else through(opened, balance.raw),
            price=price,
            value_base=None if isinstance(steps, Unknown) else through(steps, balance.raw),
            weight_bps=threshold_bps,
            node=path.node,
            label=collateral.share.address,
        )


def _exactness(view: Priced, account: Account) -> Exactness:
    """Return whether every rounding is the contracts' own: an oracle or a vault that is only sampled may differ."""
    market = view.market
    held = (market.collateral_at(balance.asset) for balance in account.balances if balance.kind == SHARES)
    paths = [market.layout.liability, *(collateral.path for collateral in held if collateral is not None)]
    return Exactness.EXACT if all(path.is_exact for path in paths) else Exactness.ESTIMATE


def _total(legs: tuple[Leg, ...], side: Side) -> int | None:
    total = 0
    for leg in legs:
        if leg.side is side:
            if leg.value_base is None:
                return None
            total += leg.value_base
    return total
