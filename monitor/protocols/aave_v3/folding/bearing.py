"""Which accounts a changed parameter of a pool bears on: their health, how they are liquidated, or their way out."""

from monitor.adapter import Changed
from monitor.ledger.accounts import Account
from monitor.pricing.caps import CAP_FIELDS
from monitor.protocols.aave_v3.market import Market
from monitor.protocols.aave_v3.versions.totals import COLLATERAL, PLAIN_DEBT, SCALED_DEBT, STABLE_PRINCIPAL

_DEBTS = {SCALED_DEBT, PLAIN_DEBT, STABLE_PRINCIPAL}
_OF_COLLATERAL = {"ltv_bps", "threshold_bps", "bonus_bps", "supply_cap_tokens", "category", "a_token"}
_OF_DEBT = {"interest_rate_strategy", "variable_debt_token", "stable_debt_token"}
_OF_EITHER = {"price source", "is_active", "is_frozen", "is_paused", "grace_until_s", "decimals", "listed"} | CAP_FIELDS
_OF_CATEGORY = {"ltv_bps", "threshold_bps", "bonus_bps", "members", "without_ltv", "is_isolated", "price"}
_OF_POOL = {"oracle", "fallback oracle", "sentinel", "revision", "pool implementation"}


def bears_on(market: Market, change: Changed, account: Account) -> bool:
    """Return whether the change matters to the account: it owes, and holds or owes what the change is about.

    Roles, borrow caps, fees of the protocol and token implementations matter to nobody's health.
    """
    owed = {b.asset for b in account.balances if b.kind in _DEBTS}
    if not owed:
        return False
    if change.subject == market.pool:
        return change.field in _OF_POOL
    if change.subject == f"category {account.category}" and account.category:
        return change.field in _OF_CATEGORY
    reserve = next((r.id for r in market.reserves.values() if r.token.address == change.subject), None)
    held = {b.asset for b in account.balances if b.kind == COLLATERAL}
    is_held = reserve in held and change.field in _OF_COLLATERAL | _OF_EITHER
    return is_held or (reserve in owed and change.field in _OF_DEBT | _OF_EITHER)
