"""How a trove changes when its owner repays or adds, why they cannot, and how interest runs on.

Contract functions: BorrowerOperations.adjustTrove, closeTrove, TroveManager._updateBatchShares.
"""

from dataclasses import replace

from monitor.domain.assessment import Leg, Side
from monitor.domain.prices import Unknown
from monitor.errors import UsageError
from monitor.ledger.accounts import Account
from monitor.protocols.liquity_v2.accounts import account_of
from monitor.protocols.liquity_v2.health import entire_of, trove_of
from monitor.protocols.liquity_v2.market import Market
from monitor.protocols.liquity_v2.math import MAX_RATE_WAD, MIN_DEBT_RAW, Entire
from monitor.units import YEAR_S, decimal_text, mul_div_up


def adjusted(market: Market, account: Account, leg: Leg, change_raw: int) -> Account:
    """Return the account after its owner repays or adds that amount; raises UsageError for a leg it has not.

    Interest and what was redistributed become part of the trove first. Repaying all closes it, with the collateral paid
    out. The stake, which only later redistributions look at, is left as it is.
    """
    whole, is_debt = entire_of(market, account), leg.side is Side.DEBT
    token = market.layout.bold if is_debt else market.layout.collateral
    if isinstance(whole, Unknown) or leg.token != token or not (whole.debt_raw if is_debt else whole.coll_raw):
        raise UsageError(f"expected a leg of {account.key}, found {leg.side} of {leg.token.address}")
    if is_debt and change_raw >= whole.debt_raw:
        return replace(account, balances=())
    trove, so_far = trove_of(account), market.redistributed
    touched = replace(
        trove,
        coll_raw=whole.coll_raw if is_debt else whole.coll_raw + change_raw,
        coll_per_stake_wad=so_far.coll_per_stake_wad,
        debt_per_stake_wad=so_far.debt_per_stake_wad,
    )
    repaid_raw = change_raw if is_debt else 0
    if trove.batch:
        touched = replace(touched, shares=_shares(market, trove.batch, trove.shares, whole, repaid_raw))
    else:
        touched = replace(touched, debt_raw=whole.debt_raw - repaid_raw, updated_s=market.at.timestamp_s)
    return account_of(account.key, touched, account.owner or market.layout.trove_manager)


def closed_ways(market: Market, leg: Leg, change_raw: int = 0) -> str | None:
    """Return why that amount of the leg cannot be repaid or added now."""
    if leg.side is Side.DEBT and change_raw >= leg.amount_raw:
        is_last = market.troves <= 1 and not market.shutdown_s
        return "the last trove of a branch cannot be closed" if is_last else None
    if market.shutdown_s:
        return "the branch is shut down: a trove can only be closed"
    left_raw = leg.amount_raw - change_raw
    if leg.side is Side.DEBT and left_raw < MIN_DEBT_RAW:
        least = decimal_text(MIN_DEBT_RAW, market.layout.bold.decimals)
        return f"less than {least} {market.layout.bold.symbol} would be left: repay all and close it"
    return None


def later(market: Market, seconds: int) -> Market:
    """Return the market that many seconds on, if nobody acts and no price moves; its moment is this block's, later.

    Interest is simple since a debt was recorded, so that one step over the whole time is what the contract computes.
    """
    at = replace(market.at, timestamp_s=market.at.timestamp_s + seconds)
    owed = tuple(batch.owed(at.timestamp_s, market.shutdown_s) for batch in market.batches)
    return replace(market, at=at, owed=owed)


def debt_growth_wad(market: Market, seconds: int) -> int:
    """Return how much a debt grows in that time at most, as a part of it, rounded up.

    A trove of its own may pay any rate up to the highest that is allowed; interest is of what was recorded, which is
    never more than what is owed.
    """
    if market.shutdown_s:
        return 0
    most_wad = max((batch.rate_wad + batch.fee_wad for batch in market.batches), default=0)
    return mul_div_up(max(MAX_RATE_WAD, most_wad), seconds, YEAR_S)


def _shares(market: Market, number: int, shares: int, whole: Entire, repaid_raw: int) -> int:
    """Return the shares after a redistributed debt joined the batch's and a repayment left it.

    The batch's debt per share stays what it is but for rounding.
    """
    owed = market.owed[number - 1]
    change_raw = whole.pending_debt_raw - repaid_raw
    if not owed.total_raw:
        return shares
    if change_raw >= 0:
        return shares + owed.shares * change_raw // owed.total_raw
    return max(shares - owed.shares * -change_raw // owed.total_raw, 0)
