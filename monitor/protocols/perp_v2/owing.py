"""How an account's stored numbers change when its owner adds collateral, why they cannot, and what funding can cost.

Contract functions: Vault.deposit, Vault._modifyBalance, Exchange._getDeltaTwapX96.
"""

from dataclasses import replace

from monitor.domain.assessment import Leg
from monitor.errors import UsageError
from monitor.ledger.accounts import Account, Balance
from monitor.protocols.perp_v2.market import ACCOUNT, CASH, CASH_OWED, COIN, Market
from monitor.protocols.perp_v2.math import DAY_S
from monitor.units import WAD, mul_div_up


def adjusted(market: Market, account: Account, leg: Leg, change_raw: int) -> Account:
    """Return the account after its owner deposits that amount; raises UsageError for a token that is no collateral."""
    kept = [b for b in account.balances if not _is_of(market, b, leg)]
    before = next((b for b in account.balances if _is_of(market, b, leg)), None)
    if leg.token == market.layout.settlement:
        signed = 0 if before is None else before.raw if before.kind == CASH else -before.raw
        after = signed + change_raw
        kept += [Balance(ACCOUNT, CASH if after > 0 else CASH_OWED, abs(after))] if after else []
    elif before is not None:
        kept.append(replace(before, raw=before.raw + change_raw))
    else:
        raise UsageError(f"expected a leg of {account.key}, found {leg.side} of {leg.token.address}")
    return replace(account, balances=tuple(sorted(kept, key=lambda b: (b.asset, b.kind))))


def closed_ways(market: Market, leg: Leg, change_raw: int = 0) -> str | None:  # noqa: ARG001  # the interface's
    """Return why that amount cannot be deposited now; how full the caps are is not read."""
    if leg.token == market.layout.settlement:
        return None
    listed = any(coin.token == leg.token and coin.deposit_cap_raw for coin in market.coins.values())
    return None if listed else "not accepted"


def debt_growth_wad(market: Market, seconds: int) -> int:
    """Return a growth of the requirement that is as bad as the most that funding can take in that time, rounded up.

    Funding takes at most its cap of the index a day of every position; a requirement is a part of the same value.
    The mark may be below the index, so that twice the cap is allowed for.
    """
    ratios = market.ratios
    return mul_div_up(2 * ratios.most_funding_ppm * seconds, WAD, DAY_S * ratios.maintenance_ppm)


def _is_of(market: Market, balance: Balance, leg: Leg) -> bool:
    if leg.token == market.layout.settlement:
        return balance.asset == ACCOUNT and balance.kind in (CASH, CASH_OWED)
    coin = market.coins.get(balance.asset)
    return balance.kind == COIN and coin is not None and coin.token == leg.token
