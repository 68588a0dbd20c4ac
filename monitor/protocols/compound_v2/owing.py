"""How an account's stored numbers change when its owner repays or adds, why they cannot, and how interest runs on.

Contract functions: CToken.repayBorrowFresh, mintFresh; Comptroller.mintAllowed.
"""

from dataclasses import replace

from monitor.domain.assessment import Leg, Side
from monitor.domain.ids import ChainId
from monitor.domain.prices import Unknown
from monitor.errors import UsageError
from monitor.health.judge import lent_out
from monitor.ledger.accounts import Account, Balance
from monitor.protocols.compound_v2.health import Stake, debt_of, stakes_of
from monitor.protocols.compound_v2.market import (
    FLAT,
    HELD,
    IDLE,
    INDEX,
    MINTED,
    PRINCIPAL,
    SCALED,
    Listed,
    Market,
    as_accrued,
)
from monitor.protocols.compound_v2.math import Interest, minted_parts_raw
from monitor.protocols.compound_v2.rows import Debt, minted_rows, rows
from monitor.units import WAD, decimal_text, mul_div_down, mul_div_up

_OF_DEBT = (PRINCIPAL, INDEX, SCALED, FLAT)
_SHORTEST_BLOCK_MS = {ChainId("eip155:1"): 12_000}
_ANY_BLOCK_MS = 250
"""No chain that counts interest by blocks makes them faster."""


def adjusted(market: Market, account: Account, leg: Leg, change_raw: int) -> Account:
    """Return the account after its owner repays or adds that amount; raises UsageError for a leg it has not."""
    listed = _of(market, leg)
    kinds = (PRINCIPAL,) if leg.side is Side.DEBT else (HELD, IDLE)
    if listed is None or not any(b.asset == listed.place and b.kind in kinds for b in account.balances):
        raise UsageError(f"expected a leg of {account.key}, found {leg.side} of {leg.token.address}")
    if isinstance(listed.standing, Unknown):
        return account
    if leg.side is Side.DEBT:
        return _repaid(account, listed, change_raw)
    more = mul_div_down(change_raw, WAD, listed.standing.exchange_rate_wad)
    changed = (
        replace(b, raw=b.raw + more) if b.asset == listed.place and b.kind in kinds else b for b in account.balances
    )
    return replace(account, balances=tuple(changed))


def closed_ways(market: Market, leg: Leg, change_raw: int = 0) -> str | None:
    """Return why that amount of the leg cannot be repaid or added now."""
    listed = _of(market, leg)
    if listed is None:
        return "not listed"
    if isinstance(listed.interest, Unknown) or listed.interest.is_frozen:
        return "interest cannot be booked"
    is_debt = leg.side is Side.DEBT
    if listed.closed.repay if is_debt else listed.closed.mint:
        return "repaying paused" if is_debt else "supply paused"
    return None if is_debt else _full(listed, change_raw)


def kept(market: Market, leg: Leg) -> str | None:
    """Return why not all of the collateral can be taken out now: others have borrowed it (CToken.redeemFresh)."""
    listed = _of(market, leg)
    return lent_out(listed.interest.cash_raw, leg) if listed and isinstance(listed.interest, Interest) else None


def later(market: Market, seconds: int) -> Market | None:
    """Return the market that many seconds on, if nobody acts and no price moves; its moment is this block's, later.

    Interest is linear since the last accrual, so that one step over the whole time is what the contract computes. None
    where interest counts blocks: how many there will be is not known.
    """
    if not all(one.asset.counts_seconds for one in market.listed.values()):
        return None
    at = replace(market.at, timestamp_s=market.at.timestamp_s + seconds)
    listed = {place: replace(one, now=one.now + seconds) for place, one in market.listed.items()}
    return as_accrued(replace(market, at=at, listed=listed))


def debt_growth_wad(market: Market, seconds: int) -> int:
    """Return how much any debt can grow in that time, as a part of it, rounded up; blocks come as fast as they can."""
    block_ms = _SHORTEST_BLOCK_MS.get(market.deployment.chain, _ANY_BLOCK_MS)
    blocks = -(-seconds * 1000 // block_ms)
    grown = (_growth_wad(one, seconds if one.asset.counts_seconds else blocks) for one in market.listed.values())
    return max(grown, default=0)


def _growth_wad(one: Listed, units: int) -> int:
    if isinstance(one.interest, Unknown) or isinstance(one.standing, Unknown):
        return 0
    grown = one.interest.accrued(one.now + units).borrow_index - one.standing.borrow_index
    return mul_div_up(max(grown, 0), WAD, WAD if one.place == MINTED else one.standing.borrow_index)


def _repaid(account: Account, listed: Listed, change_raw: int) -> Account:
    """Return the account with the debt written anew at the present index; nothing stays of one that is repaid."""
    if isinstance(listed.standing, Unknown):
        return account
    index = listed.standing.borrow_index
    stake = next(stake for stake in stakes_of(account) if stake.place == listed.place)
    owed = debt_of(stake, listed.standing)
    others = (b for b in account.balances if b.asset != listed.place or b.kind not in _OF_DEBT)
    if listed.place == MINTED:
        left = _minted_left(stake, owed, change_raw)
    else:
        left = rows(listed.place, HELD, None, Debt(max(owed - change_raw, 0), index))
    balances: list[Balance] = [*others, *left]
    return replace(account, balances=tuple(sorted(balances, key=lambda b: (b.asset, b.kind))))


def _minted_left(stake: Stake, owed: int, change_raw: int) -> tuple[Balance, ...]:
    """Return a minted debt after a repayment, which takes of its parts alike (VAIController.repayVAIFresh).

    The index that it bears interest from stays.
    """
    if change_raw >= owed:
        return ()
    past_raw = stake.principal_raw - stake.bearing_raw
    burnt_raw, _, past_paid_raw = minted_parts_raw(owed, stake.principal_raw, past_raw, change_raw)
    minted_raw = stake.principal_raw - burnt_raw - past_paid_raw
    return minted_rows(minted_raw, stake.at_index, minted_raw - (past_raw - past_paid_raw))


def _full(listed: Listed, change_raw: int) -> str | None:
    supplied_raw = listed.supplied_up_raw
    if listed.supply_cap_raw is None or supplied_raw is None:
        return None
    room_raw = listed.supply_cap_raw - supplied_raw
    if room_raw >= max(change_raw, 1):
        return None
    if room_raw <= 0:
        return "supply cap full"
    return f"the supply cap leaves room for {decimal_text(room_raw, listed.asset.underlying.decimals)} only"


def _of(market: Market, leg: Leg) -> Listed | None:
    return next((one for one in market.listed.values() if one.asset.node == leg.node), None)
