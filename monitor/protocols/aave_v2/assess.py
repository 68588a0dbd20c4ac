"""The whole assessment of an account: legs, totals, health, and what stands against its liquidation."""

from collections.abc import Iterator

from monitor.domain.assessment import Accrual, Assessment, Exactness, Kind, Leg, Side
from monitor.domain.health import Unmeasurable
from monitor.domain.ids import Address, PositionId
from monitor.domain.prices import Unknown, Value
from monitor.ledger.accounts import Account, Balance
from monitor.protocols.aave_v2.health import Priced, health_from, sums_of
from monitor.protocols.aave_v2.liquidation import blockers
from monitor.protocols.aave_v2.market import Reserve
from monitor.protocols.aave_v2.math import ray_mul_half_up
from monitor.protocols.aave_v2.owing import STABLE, VARIABLE, stable_debt_raw
from monitor.protocols.aave_v2.totals import COLLATERAL, SCALED_DEBT, STABLE_PRINCIPAL, Term
from monitor.units import BPS


def assess(view: Priced, account: Account) -> Assessment:
    """Return the exact assessment under the view's repricing."""
    market, sums = view.market, sums_of(view, account)
    deployment = market.deployment
    legs = tuple(_legs(view, account))
    nodes = {leg.node for leg in legs}
    known = None if isinstance(sums, Unknown) else sums
    return Assessment(
        id=PositionId(deployment.chain, deployment.protocol, deployment.name, market.key, account.key),
        owner=Address(account.key),
        at=market.at,
        kind=Kind.LENDING,
        margin_mode="cross",
        health=Unmeasurable(sums.reason) if isinstance(sums, Unknown) else health_from(sums),
        legs=legs,
        collateral_base=known.collateral_base if known else None,
        debt_base=known.debt_base if known else None,
        base_unit=market.base_unit,
        base_is_usd=market.base_is_usd,
        blockers=blockers(view, account, known) if known else (),
        exactness=Exactness.EXACT if market.is_proven else Exactness.TRANSCRIBED,
        accrual=Accrual.ACCRUED,
        prices=tuple(price for price in market.graph.prices if price.node in nodes),
        repricing=view.repricing.name,
    )


def _legs(view: Priced, account: Account) -> Iterator[Leg]:
    """Yield what the account owns and owes; a stored zero is a leg only where its unknown price hides the health."""
    for balance in account.balances:
        reserve = view.market.reserves.get(balance.asset)
        if reserve is None:
            continue
        leg = _leg(view, account, reserve, view.terms[balance.asset], balance)
        if leg is not None and (leg.amount_raw or isinstance(leg.price, Unknown)):
            yield leg


def _leg(view: Priced, account: Account, reserve: Reserve, term: Term, balance: Balance) -> Leg | None:
    if balance.kind == COLLATERAL:
        amount, price = ray_mul_half_up(balance.raw, reserve.supply_index_ray), term.collateral_price
        value = _value(amount, price, term.unit)
        return Leg(Side.COLLATERAL, reserve.token, balance.raw, amount, price, value, term.threshold_bps, reserve.node)
    if balance.kind == SCALED_DEBT:
        amount, label = ray_mul_half_up(balance.raw, reserve.debt_index_ray), VARIABLE
    elif balance.kind == STABLE_PRINCIPAL:
        amount, label = stable_debt_raw(view.market, account.balances, balance.asset), STABLE
    else:
        return None
    value = _value(amount, term.debt_price, term.unit)
    return Leg(Side.DEBT, reserve.token, balance.raw, amount, term.debt_price, value, BPS, reserve.node, label)


def _value(amount_raw: int, price: Value, unit: int) -> int | None:
    return None if isinstance(price, Unknown) else amount_raw * price // unit
