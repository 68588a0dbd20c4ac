"""The fast path: the exact health of an account, as isLiquidatable decides it.

Contract function: Comet.isLiquidatable. It reads the base price, then adds up collateral in the order of the assets and
stops as soon as the debt is covered: a price after that is never read, so a broken one hides nobody it does not touch.
"""

from dataclasses import dataclass, replace

from monitor.domain.assessment import Accrual
from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.prices import PROTOCOL, Node, Repricing, Unknown, Value
from monitor.ledger.accounts import Account
from monitor.pricing.graph import Prices, on_collateral_side, on_debt_side
from monitor.protocols.compound_v3.market import BORROWED, COLLATERAL, Market
from monitor.protocols.compound_v3.math import present_value_down, value_down, weighted_down


@dataclass(frozen=True, slots=True)
class Priced:
    """A market under one repricing."""

    market: Market
    repricing: Repricing
    prices: Prices


@dataclass(frozen=True, slots=True)
class Sums:
    """Both sides of the comparison, in base units: collateral weighted by the liquidate factors, and debt.

    A collateral whose price is not known, and that the contract does not come to, counts for nothing.
    """

    collateral: int
    debt: int


def priced(market: Market, repricing: Repricing = PROTOCOL) -> Priced:
    """Return the market under a repricing; raises UsageError when that names a node the market does not have."""
    return Priced(market, repricing, market.graph.evaluate(repricing))


def as_stored(market: Market) -> Market:
    """Return the market with its indices as of the last accrual, as `isLiquidatable` reads them."""
    return replace(market, indices=market.interest.stored, accrual=Accrual.STORED)


def debt_raw(market: Market, account: Account) -> int:
    """Return what the account owes in the base asset (Comet.borrowBalanceOf; CometCore.presentValue)."""
    principal = next((b.raw for b in account.balances if b.kind == BORROWED), 0)
    return present_value_down(principal, market.indices.borrow)


def collateral_price(view: Priced, node: Node) -> Value:
    """Return a price as collateral; one that is not above zero reverts (Comet.getPrice)."""
    return _positive(on_collateral_side(view.prices[node]))


def debt_price(view: Priced) -> Value:
    """Return the base asset's price as debt."""
    return _positive(on_debt_side(view.prices[view.market.base.node]))


def sums_of(view: Priced, account: Account) -> Sums | Unknown | None:
    """Return both sides, why a price that the contract reads is not known, or None where nothing is owed."""
    market = view.market
    owed_raw = debt_raw(market, account)
    if not owed_raw:
        return None
    price = debt_price(view)
    if isinstance(price, Unknown):
        return price
    debt, collateral = value_down(owed_raw, price, market.base.scale), 0
    for balance in account.balances:
        if balance.kind != COLLATERAL:
            continue
        asset = market.collaterals.get(balance.asset)
        if asset is None:
            return Unknown(f"collateral {balance.asset} is not part of the market as it was read")
        if market.layout.is_patched and not asset.liquidate_factor_wad:
            continue
        worth = collateral_price(view, asset.node)
        if isinstance(worth, Unknown):
            if collateral >= debt:
                continue
            return worth
        collateral += weighted_down(value_down(balance.raw, worth, asset.scale), asset.liquidate_factor_wad)
    return Sums(collateral, debt)


def health_of(view: Priced, account: Account) -> Health:
    """Return the exact health; a debt worth nothing in base units counts as none, as in the contract."""
    sums = sums_of(view, account)
    if isinstance(sums, Unknown):
        return Unmeasurable(sums.reason)
    if sums is None or not sums.debt:
        return NoDebt()
    return Measured(sums.collateral, sums.debt, Line.BELOW, None)


def _positive(value: Value) -> Value:
    return value if isinstance(value, Unknown) or value > 0 else Unknown(f"the price {value} reverts (BadPrice)")
