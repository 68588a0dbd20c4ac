"""Which accounts a changed parameter of a pool bears on: their health, how they are liquidated, or their way out."""

from monitor.adapter import Changed
from monitor.ledger.accounts import Account
from monitor.pricing.caps import CAP_FIELDS
from monitor.protocols.aave_v2.market import Market
from monitor.protocols.aave_v2.totals import COLLATERAL, SCALED_DEBT, STABLE_PRINCIPAL

_DEBTS = {SCALED_DEBT, STABLE_PRINCIPAL}
_OF_COLLATERAL = {"ltv_bps", "threshold_bps", "bonus_bps", "a_token"}
_OF_DEBT = {"interest_rate_strategy", "variable_debt_token", "stable_debt_token"}
_OF_EITHER = {"price source", "is_active", "is_frozen", "grace_until_s", "decimals", "listed"} | CAP_FIELDS
_OF_POOL = {"oracle", "fallback oracle", "is_paused", "revision", "collateral_manager", "grace_sentinel"}
_OF_POOL |= {"pool implementation"}


def bears_on(market: Market, change: Changed, account: Account) -> bool:
    """Return whether the change matters to the account: it owes, and holds or owes what the change is about.

    Administrators, reserve factors and token implementations matter to nobody's health.
    """
    owed = {b.asset for b in account.balances if b.kind in _DEBTS and b.raw}
    if not owed:
        return False
    if change.subject == market.pool:
        return change.field in _OF_POOL
    reserve = next((r.id for r in market.reserves.values() if r.token.address == change.subject), None)
    held = {b.asset for b in account.balances if b.kind == COLLATERAL}
    is_held = reserve in held and change.field in _OF_COLLATERAL | _OF_EITHER
    return is_held or (reserve in owed and change.field in _OF_DEBT | _OF_EITHER)
