"""The compiled lens: what it is given, and what its words stand for."""

from monitor.lens import Lens
from monitor.protocols.aave_v2.market import Market
from monitor.protocols.aave_v2.totals import COLLATERAL, SCALED_DEBT, STABLE_PRINCIPAL, STABLE_RATE, STABLE_SINCE

READS = {
    COLLATERAL: "scaledBalanceOf of the aToken",
    STABLE_RATE: "getUserStableRate of the stable debt token",
    STABLE_SINCE: "getUserLastUpdated of the stable debt token",
    STABLE_PRINCIPAL: "principalBalanceOf of the stable debt token",
    SCALED_DEBT: "scaledBalanceOf of the variable debt token",
}


LENS = Lens("aave_v2", frozenset(READS))


def head(market: Market) -> bytes:
    """Return what the lens must know of the pool: its address and the tokens of each reserve slot."""
    slots = max(market.reserves, default=-1) + 1
    parts = [bytes.fromhex(market.pool[2:]), bytes((slots,))]
    for number in range(slots):
        reserve = market.reserves.get(number)
        if reserve is None:
            parts.append(bytes(60))
            continue
        tokens = (reserve.a_token, reserve.variable_debt_token, reserve.stable_debt_token)
        parts.append(b"".join(bytes.fromhex(token[2:]) for token in tokens))
    return b"".join(parts)


def failure(market: Market, reserve_id: int, kind: int) -> str:
    """Return why an account could not be read."""
    reserve = market.reserves.get(reserve_id)
    token = reserve.token.address if reserve else f"slot {reserve_id}"
    return f"{READS.get(kind, 'a read')} of {token} fails or exceeds 128 bits"
