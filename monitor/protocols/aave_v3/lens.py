"""The compiled lens: what it is given, and what its words stand for."""

from monitor.lens import Lens
from monitor.protocols.aave_v3.market import NO_ADDRESS, Market, Reserve
from monitor.protocols.aave_v3.versions.totals import (
    COLLATERAL,
    PLAIN_DEBT,
    SCALED_DEBT,
    STABLE_PRINCIPAL,
    STABLE_RATE,
    STABLE_SINCE,
)

READS = {
    COLLATERAL: "scaledBalanceOf of the aToken",
    STABLE_RATE: "getUserStableRate of the stable debt token",
    STABLE_SINCE: "getUserLastUpdated of the stable debt token",
    STABLE_PRINCIPAL: "principalBalanceOf of the stable debt token",
    SCALED_DEBT: "scaledBalanceOf of the variable debt token",
    PLAIN_DEBT: "balanceOf of the variable debt token",
}


LENS = Lens("aave_v3", frozenset(READS), category_bits=8)


def reads_plain_debt(market: Market, reserve: Reserve) -> bool:
    """Return whether the version asks `balanceOf` for the reserve's debt (GenericLogic 3.3, no virtual accounting)."""
    return market.rules.has_discounted_debt and not reserve.configuration.is_virtual


def head(market: Market) -> bytes:
    """Return what the lens must know of the pool: its address and the tokens of each reserve slot."""
    slots = max(market.reserves, default=-1) + 1
    parts = [bytes.fromhex(market.pool[2:]), bytes((slots,))]
    for number in range(slots):
        reserve = market.reserves.get(number)
        if reserve is None:
            parts.append(bytes(61))
            continue
        tokens = (reserve.a_token, reserve.variable_debt_token, reserve.stable_debt_token or NO_ADDRESS)
        parts.append(bytes((reads_plain_debt(market, reserve),)) + b"".join(bytes.fromhex(t[2:]) for t in tokens))
    return b"".join(parts)


def failure(market: Market, reserve_id: int, kind: int) -> str:
    """Return why an account could not be read."""
    reserve = market.reserves.get(reserve_id)
    token = reserve.token.address if reserve else f"slot {reserve_id}"
    return f"{READS.get(kind, 'a read')} of {token} fails or exceeds 128 bits"
