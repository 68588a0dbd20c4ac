"""Every number of a DataStore, by its key, from one market of this program's nouns; keys are worked out anew."""

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from monitor.protocols.gmx_v2.market import Listed, Market, State, Terms

UPDATED_S = 100
"""How long before the block each market was last touched."""


def slot(name: str, *parts: str | bool | bytes) -> bytes:
    """The key of a number, worked out anew."""
    start = keccak(encode(["string"], [name]))
    if not parts:
        return start
    kinds = ["bool" if isinstance(one, bool) else "address" if isinstance(one, str) else "bytes32" for one in parts]
    return keccak(encode(["bytes32", *kinds], [start, *parts]))


def numbers_of(market: Market) -> dict[bytes, int]:
    """Return what the store holds."""
    found = {slot("MIN_COLLATERAL_USD"): market.layout.least_usd}
    for traded in market.traded:
        found |= _of_terms(traded.listed, traded.terms)
        if isinstance(traded.state, State):
            found |= _of_state(traded.listed, traded.state, market.at.timestamp_s)
    return found


def _of_terms(listed: Listed, sold: Terms) -> dict[bytes, int]:
    market = listed.market
    found = {
        slot("MIN_COLLATERAL_FACTOR", market): sold.least_factor,
        slot("MIN_COLLATERAL_FACTOR_FOR_LIQUIDATION", market): sold.least_factor_for_liquidation,
        slot("MAX_POSITION_IMPACT_FACTOR_FOR_LIQUIDATIONS", market): sold.most_impact_for_liquidations,
    }
    sided = {
        "MAX_POSITION_IMPACT_FACTOR": sold.most_impact,
        "POSITION_FEE_FACTOR": sold.fee_factor,
        "POSITION_IMPACT_FACTOR": sold.curve.factors,
        "POSITION_IMPACT_EXPONENT_FACTOR": sold.curve.exponents,
        "MIN_COLLATERAL_FACTOR_FOR_OPEN_INTEREST_MULTIPLIER": sold.interest_multiplier,
    }
    for name, pair in sided.items():
        found |= {slot(name, market, flag): value for flag, value in zip((True, False), pair, strict=True)}
    traders = slot("MAX_PNL_FACTOR_FOR_TRADERS")
    pairs = zip((True, False), sold.most_pnl_factor, strict=True)
    return found | {slot("MAX_PNL_FACTOR", traders, market, flag): value for flag, value in pairs}


def _of_state(listed: Listed, state: State, now_s: int) -> dict[bytes, int]:
    """The sums of a market; what is open is backed by the long token for a third, and by one token twice over."""
    market, long, short = listed.market, listed.long_token, listed.short_token
    found: dict[bytes, int] = {}
    for flag, place in ((True, 0), (False, 1)):
        for name, sums in (("OPEN_INTEREST", state.interest_usd), ("OPEN_INTEREST_IN_TOKENS", state.interest_raw)):
            parts = (
                {long: sums[place]}
                if long == short
                else {long: sums[place] // 3, short: sums[place] - sums[place] // 3}
            )
            found |= {slot(name, market, token, flag): value for token, value in parts.items()}
        rate, was, now = state.borrowing_rate[place], state.stored.borrowing[place], state.now.borrowing[place]
        assert now == was + rate * UPDATED_S
        found[slot("CUMULATIVE_BORROWING_FACTOR", market, flag)] = was
        found[slot("CUMULATIVE_BORROWING_FACTOR_UPDATED_AT", market, flag)] = now_s - UPDATED_S
        token = short if place else long
        found[slot("POOL_AMOUNT", market, token)] = state.pool_raw[place] * (2 if long == short else 1)
    return found
