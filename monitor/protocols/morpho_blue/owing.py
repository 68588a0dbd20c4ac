"""How an account changes when its owner repays or adds collateral.

Contract file: Morpho.sol (repay, supplyCollateral).
"""

from dataclasses import replace

from monitor.domain.assessment import Leg, Side
from monitor.domain.prices import Unknown
from monitor.errors import UsageError
from monitor.ledger.accounts import Account, Balance
from monitor.protocols.morpho_blue.health import holding_of
from monitor.protocols.morpho_blue.market import (
    BORROW_SHARES,
    COLLATERAL,
    COLLATERAL_ASSET,
    LOAN_ASSET,
    REPAID_ASSETS,
    REPAID_SHARES,
    Market,
)
from monitor.protocols.morpho_blue.math import to_shares_down
from monitor.units import UINT128_MAX


def adjusted(market: Market, account: Account, leg: Leg, change_raw: int) -> Account:
    """Return the account after its owner repays that many loan units, or adds that much collateral.

    All that is owed or more repays every share, as the contract does when it is told the shares: told the assets, it
    would revert. What is repaid leaves the market's totals too, which moves what a share owes by a rounding.
    Raises UsageError for a leg the account has not.
    """
    stored = {balance.kind: balance.raw for balance in account.balances}
    if leg.side is Side.COLLATERAL and COLLATERAL in stored:
        stored[COLLATERAL] += change_raw
    elif leg.side is Side.DEBT and BORROW_SHARES in stored:
        stored |= _repaid(market, account, stored[BORROW_SHARES], change_raw)
    else:
        raise UsageError(f"expected a leg of {account.key}, found {leg.side} of {leg.token.address}")
    asset = {COLLATERAL: COLLATERAL_ASSET}
    rows = (Balance(asset.get(kind, LOAN_ASSET), kind, raw) for kind, raw in sorted(stored.items()) if raw)
    return replace(account, balances=tuple(rows))


def _repaid(market: Market, account: Account, shares: int, change_raw: int) -> dict[int, int]:
    totals, owed_raw = market.totals, holding_of(market, account).owed_raw
    if isinstance(totals, Unknown) or isinstance(owed_raw, Unknown):
        return {}
    if change_raw >= owed_raw:
        return {BORROW_SHARES: 0}
    repaid = to_shares_down(change_raw, totals.borrow_assets_raw, totals.borrow_shares)
    return {BORROW_SHARES: shares - repaid, REPAID_SHARES: repaid, REPAID_ASSETS: change_raw}


def closed_ways(market: Market, leg: Leg, change_raw: int = 0) -> str | None:  # noqa: ARG001  # the interface's
    """Return why that amount cannot be added: Morpho has no pause and no cap but the width of its numbers."""
    if leg.side is Side.COLLATERAL and leg.raw + change_raw > UINT128_MAX:
        return "a position holds at most 128 bits of collateral"
    return None
