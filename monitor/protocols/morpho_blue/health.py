"""Exact health of an account under a repricing, and its whole assessment.

Contract file: Morpho.sol (_isHealthy, liquidate).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from monitor.domain.assessment import Accrual, Assessment, Exactness, Kind, Leg, Side
from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.ids import Address, PositionId
from monitor.domain.prices import PROTOCOL, Repricing, Unknown, Value
from monitor.ledger.accounts import Account
from monitor.pricing.graph import on_collateral_side, on_debt_side
from monitor.protocols.morpho_blue.market import (
    BORROW_SHARES,
    COLLATERAL,
    REPAID_ASSETS,
    REPAID_SHARES,
    Market,
)
from monitor.protocols.morpho_blue.math import ORACLE_PRICE_SCALE, to_assets_up, w_mul_down
from monitor.protocols.morpho_blue.oracle import loan_node, oracle_node
from monitor.units import BPS, UINT256_MAX, WAD, mul_div_down, mul_div_up

_REMEMBERED = 4
OVERFLOW = "collateral times price exceeds 256 bits: the contract's own check reverts"


@dataclass(frozen=True, slots=True)
class Priced:
    """A market under one repricing; both prices are per token unit, times 1e36, in loan token units.

    The loan token is worth 1e36 unless the repricing says otherwise.
    """

    market: Market
    repricing: Repricing
    collateral_price: Value
    loan_price: Value


class Holding(NamedTuple):
    """What an account has: raw collateral, borrow shares, and the loan units that those shares owe, rounded up."""

    collateral_raw: int
    borrow_shares: int
    owed_raw: int | Unknown


def priced(market: Market, repricing: Repricing = PROTOCOL) -> Priced:
    """Return the market under a repricing; raises UsageError when that names a node the market does not have.

    The last few of several nodes are remembered; those of a single one a search asks for once each.
    """
    for known in market.views:
        if known.repricing is repricing:
            return known
    prices, parameters = market.graph.evaluate(repricing), market.parameters
    collateral = on_collateral_side(prices[oracle_node(parameters.oracle)])
    view = Priced(market, repricing, collateral, on_debt_side(prices[loan_node(parameters.loan)]))
    if len(repricing.nodes) != 1:
        market.views.append(view)
        del market.views[:-_REMEMBERED]
    return view


def holding_of(market: Market, account: Account) -> Holding:
    """Return what an account has at the market's moment."""
    collateral = shares = repaid_shares = repaid_raw = 0
    for balance in account.balances:
        if balance.kind == COLLATERAL:
            collateral = balance.raw
        elif balance.kind == BORROW_SHARES:
            shares = balance.raw
        elif balance.kind == REPAID_SHARES:
            repaid_shares = balance.raw
        elif balance.kind == REPAID_ASSETS:
            repaid_raw = balance.raw
    totals = market.totals
    if isinstance(totals, Unknown) or not shares:
        return Holding(collateral, shares, totals if isinstance(totals, Unknown) and shares else 0)
    assets_raw = max(totals.borrow_assets_raw - repaid_raw, 0)
    return Holding(collateral, shares, to_assets_up(shares, assets_raw, totals.borrow_shares - repaid_shares))


def health_of(view: Priced, account: Account) -> Health:
    """Return the exact health: what the collateral lets borrow over what is owed (Morpho._isHealthy).

    Who owes nothing is healthy without a price, as in the contract.
    """
    holding = holding_of(view.market, account)
    if not holding.borrow_shares:
        return NoDebt()
    owed, price, loan_price = holding.owed_raw, view.collateral_price, view.loan_price
    if isinstance(owed, Unknown):
        return Unmeasurable(owed.reason)
    if isinstance(price, Unknown):
        return Unmeasurable(price.reason)
    if isinstance(loan_price, Unknown):
        return Unmeasurable(loan_price.reason)
    denominator = _owed(owed, loan_price)
    if not denominator:
        return NoDebt()
    worth = mul_div_down(holding.collateral_raw, price, ORACLE_PRICE_SCALE)
    return Measured(w_mul_down(worth, view.market.parameters.lltv_wad), denominator, Line.BELOW, None)


def _owed(owed_raw: int, loan_price: int) -> int:
    """Return what is owed at the loan token's price, rounded up; at its own price that is the debt itself."""
    return owed_raw if loan_price == ORACLE_PRICE_SCALE else mul_div_up(owed_raw, loan_price, ORACLE_PRICE_SCALE)


def _collateral_base(view: Priced, holding: Holding) -> int | None:
    """Return the collateral's worth in loan units, rounded down; None where it has no price."""
    price = view.collateral_price
    return None if isinstance(price, Unknown) else mul_div_down(holding.collateral_raw, price, ORACLE_PRICE_SCALE)


def _debt_base(view: Priced, holding: Holding) -> int | None:
    owed, price = holding.owed_raw, view.loan_price
    return None if isinstance(owed, Unknown) or isinstance(price, Unknown) else _owed(owed, price)


def healths(market: Market, accounts: Iterable[Account], repricing: Repricing = PROTOCOL) -> Iterator[Health]:
    """Yield the health of each account, in their order."""
    view = priced(market, repricing)
    return (health_of(view, account) for account in accounts)


def assess(view: Priced, account: Account) -> Assessment:
    """Return the exact assessment under the view's repricing."""
    market, deployment = view.market, view.market.deployment
    holding = holding_of(market, account)
    legs = tuple(_legs(view, holding))
    nodes = {leg.node for leg in legs}
    return Assessment(
        id=PositionId(deployment.chain, deployment.protocol, deployment.name, market.key, account.key),
        owner=Address(account.key),
        at=market.at,
        kind=Kind.LENDING,
        margin_mode="isolated",
        health=health_of(view, account),
        legs=legs,
        collateral_base=_collateral_base(view, holding) if holding.collateral_raw else 0,
        debt_base=_debt_base(view, holding) if holding.borrow_shares else 0,
        base_unit=market.base_unit,
        base_is_usd=market.base_is_usd,
        blockers=blockers(view, holding),
        exactness=Exactness.EXACT,
        accrual=Accrual.ACCRUED,
        prices=tuple(price for price in market.graph.prices if price.node in nodes),
        repricing=view.repricing.name,
    )


def blockers(view: Priced, holding: Holding) -> tuple[str, ...]:
    """Return why an account past its line cannot be liquidated: Morpho has no pause, but its arithmetic may revert."""
    price = view.collateral_price
    if isinstance(price, int) and holding.collateral_raw * price > UINT256_MAX:
        return (OVERFLOW,)
    return ()


def _legs(view: Priced, holding: Holding) -> Iterator[Leg]:
    layout = view.market.layout
    parameters = layout.parameters
    if holding.collateral_raw:
        yield Leg(
            side=Side.COLLATERAL,
            token=layout.collateral,
            raw=holding.collateral_raw,
            amount_raw=holding.collateral_raw,
            price=view.collateral_price,
            value_base=_collateral_base(view, holding),
            weight_bps=mul_div_down(parameters.lltv_wad, BPS, WAD),
            node=oracle_node(parameters.oracle),
        )
    if holding.borrow_shares:
        owed = holding.owed_raw
        yield Leg(
            side=Side.DEBT,
            token=layout.loan,
            raw=holding.borrow_shares,
            amount_raw=0 if isinstance(owed, Unknown) else owed,
            price=owed if isinstance(owed, Unknown) else view.loan_price,
            value_base=_debt_base(view, holding),
            weight_bps=BPS,
            node=loan_node(parameters.loan),
        )
