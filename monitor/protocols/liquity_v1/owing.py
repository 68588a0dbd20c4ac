"""How a trove changes when its owner repays or adds, why they cannot, and what time does to it: nothing.

Contract functions: BorrowerOperations.adjustTrove, closeTrove, TroveManager.applyPendingRewards.
"""

from dataclasses import replace

from monitor.domain.assessment import Leg, Side
from monitor.errors import UsageError
from monitor.ledger.accounts import Account
from monitor.protocols.liquity_v1.accounts import account_of
from monitor.protocols.liquity_v1.health import entire_of, priced
from monitor.protocols.liquity_v1.market import ETHER, Market
from monitor.protocols.liquity_v1.math import Trove, new_stake
from monitor.units import decimal_text


def adjusted(market: Market, account: Account, leg: Leg, change_raw: int) -> Account:
    """Return the account after its owner repays or adds that amount; raises UsageError for a leg it has not.

    What was redistributed becomes part of the trove first. Repaying all closes it, with the collateral paid out.
    """
    whole, is_debt = entire_of(market, account), leg.side is Side.DEBT
    if leg.token != (market.layout.lusd if is_debt else ETHER) or not (whole.debt_raw if is_debt else whole.coll_raw):
        raise UsageError(f"expected a leg of {account.key}, found {leg.side} of {leg.token.address}")
    debt_raw = whole.debt_raw - change_raw if is_debt else whole.debt_raw
    coll_raw = whole.coll_raw if is_debt else whole.coll_raw + change_raw
    if debt_raw <= 0:
        return replace(account, balances=())
    system, so_far = market.system, market.redistributed
    stake = new_stake(coll_raw, system.stakes_snapshot, system.coll_snapshot_raw)
    return account_of(
        account.key, Trove(coll_raw, debt_raw, stake, so_far.coll_per_stake_wad, so_far.debt_per_stake_wad)
    )


def closed_ways(market: Market, leg: Leg, change_raw: int = 0) -> str | None:
    """Return why that amount of the leg cannot be repaid or added now."""
    if leg.side is Side.COLLATERAL:
        return None
    terms = market.terms
    if change_raw >= leg.amount_raw:
        return "no trove can be closed in recovery mode" if priced(market).is_recovering else None
    if leg.amount_raw - terms.gas_debt_raw - change_raw < terms.min_net_debt_raw:
        least = decimal_text(terms.min_net_debt_raw, market.layout.lusd.decimals)
        return f"less than {least} {market.layout.lusd.symbol} would be left: repay all and close it"
    return None


def later(market: Market, seconds: int) -> Market:
    """Return the market that many seconds on: nothing grows but its time."""
    return replace(market, at=replace(market.at, timestamp_s=market.at.timestamp_s + seconds))
