"""How an account's stored numbers change when its owner repays or adds, why they cannot, and how interest runs on.

Contract functions: Comet.supplyBase, supplyCollateral, CometCore.principalValue.
"""

from dataclasses import replace

from monitor.domain.assessment import Accrual, Leg, Side
from monitor.errors import UsageError
from monitor.ledger.accounts import Account, Balance
from monitor.protocols.compound_v3.market import BASE, BORROWED, COLLATERAL, SUPPLIED, Market
from monitor.protocols.compound_v3.math import INDEX_SCALE, borrow_principal_up, present_value_down
from monitor.units import WAD, decimal_text, mul_div_down, mul_div_up


def adjusted(market: Market, account: Account, leg: Leg, change_raw: int) -> Account:
    """Return the account after its owner repays or adds that amount; raises UsageError for a leg it has not."""
    place, kind = _stored_at(market, leg)
    if not any((b.asset, b.kind) == (place, kind) for b in account.balances):
        raise UsageError(f"expected a leg of {account.key}, found {leg.side} of {leg.token.address}")
    changed = (
        replace(b, raw=_changed(market, b, change_raw)) if (b.asset, b.kind) == (place, kind) else b
        for b in account.balances
    )
    return replace(account, balances=tuple(b for b in changed if b.raw or b.kind != BORROWED))


def closed_ways(market: Market, leg: Leg, change_raw: int = 0) -> str | None:
    """Return why that amount of the leg cannot be repaid or added now."""
    place, _ = _stored_at(market, leg)
    if place in market.closed_supply:
        return "supply paused"
    if place == BASE:
        return None
    collateral = market.collaterals.get(place)
    if collateral is None:
        return "not listed"
    room_raw = collateral.supply_cap_raw - collateral.supplied_raw
    if room_raw >= max(change_raw, 1):
        return None
    if room_raw <= 0:
        return "supply cap full"
    return f"the supply cap leaves room for {decimal_text(room_raw, collateral.token.decimals)} only"


def kept(market: Market, leg: Leg) -> str | None:
    """Return why the collateral cannot be taken out now; it is lent to nobody (Comet.withdrawInternal)."""
    return "withdrawing paused" if market.paused.withdraw and leg.side is Side.COLLATERAL else None


def later(market: Market, seconds: int) -> Market:
    """Return the market that many seconds on, if nobody acts and no price moves; its moment is this block's, later.

    Interest is linear since the last accrual, so that one step over the whole time is what the contract computes.
    """
    at = replace(market.at, timestamp_s=market.at.timestamp_s + seconds)
    indices = market.interest.indices_at(at.timestamp_s)
    return replace(market, at=at, indices=indices, accrual=Accrual.ACCRUED)


def debt_growth_wad(market: Market, seconds: int) -> int:
    """Return how much a debt grows in that time, as a part of it, rounded up."""
    grown = later(market, seconds).indices.borrow - market.indices.borrow
    return mul_div_up(grown, WAD, market.indices.borrow)


def _stored_at(market: Market, leg: Leg) -> tuple[int, int]:
    if leg.token == market.base.token:
        return BASE, BORROWED if leg.side is Side.DEBT else SUPPLIED
    collateral = market.collateral_of(leg.token.address)
    return (-1 if collateral is None else collateral.place), COLLATERAL


def _changed(market: Market, balance: Balance, change_raw: int) -> int:
    """Return what one stored number becomes; what is repaid beyond the debt is lent, and no debt is left."""
    if balance.kind == COLLATERAL:
        return balance.raw + change_raw
    if balance.kind == BORROWED:
        rest_raw = present_value_down(balance.raw, market.indices.borrow) - change_raw
        return borrow_principal_up(rest_raw, market.indices.borrow) if rest_raw > 0 else 0
    lent_raw = present_value_down(balance.raw, market.indices.supply) + change_raw
    return mul_div_down(lent_raw, INDEX_SCALE, market.indices.supply)
