"""What the DataStore keeps: the keys of its numbers, the questions for a market's rules and state, what answers mean.

Keys are hashes of a name and of what the number is one of (Keys.sol, Position.sol).
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from monitor.abi import Call, interface
from monitor.domain.ids import Address, PositionKey
from monitor.protocols.gmx_v2.market import Accrued, Listed, PerToken, State, Terms
from monitor.protocols.gmx_v2.math import Curve, Sides
from monitor.query import Failed

STORE = interface("gmx_v2", "data_store")
_BOTH = (True, False)
_NONE = b"\0" * 32
_FOR_TRADERS = "MAX_PNL_FACTOR_FOR_TRADERS"
TERMS, STATES = 16, 14
"""How many questions each market takes."""

Part = Address | bool | bytes


@cache
def constant(name: str) -> bytes:
    """Return the key of a name: the hash of the name encoded as a string, not of its bytes alone."""
    return keccak(encode(["string"], [name]))


def key(name: str, *parts: Part) -> bytes:
    """Return the key of a number that there is for each of something: markets, tokens, sides, other keys."""
    return keccak(encode(["bytes32", *(_kind(part) for part in parts)], [constant(name), *parts]))


def position_key(account: Address, market: Address, collateral_token: Address, is_long: bool) -> PositionKey:  # noqa: FBT001  # the contract's
    """Return the key of a position (Position.getPositionKey)."""
    words = encode(["address", "address", "address", "bool"], [account, market, collateral_token, is_long])
    return PositionKey("0x" + keccak(words).hex())


def least_usd(store: Address) -> Call:
    """Return the question how much margin every position needs, whatever its size."""
    return _uint(store, "MIN_COLLATERAL_USD")


def counts_tokens(store: Address) -> Call:
    """Return the question whether balance is measured by tokens at today's price, not by what they were opened at."""
    return STORE["getBool"].at(store, constant("USE_OPEN_INTEREST_IN_TOKENS_FOR_BALANCE"))


def terms_questions(store: Address, listed: Listed) -> list[Call]:
    """Return the questions for the parameters of a market, in the order in which `terms` takes their answers."""
    market = listed.market
    sided = (
        "MAX_POSITION_IMPACT_FACTOR",
        "POSITION_FEE_FACTOR",
        "POSITION_IMPACT_FACTOR",
        "POSITION_IMPACT_EXPONENT_FACTOR",
        "MIN_COLLATERAL_FACTOR_FOR_OPEN_INTEREST_MULTIPLIER",
    )
    return [
        _uint(store, "MIN_COLLATERAL_FACTOR", market),
        _uint(store, "MIN_COLLATERAL_FACTOR_FOR_LIQUIDATION", market),
        _uint(store, "MAX_POSITION_IMPACT_FACTOR_FOR_LIQUIDATIONS", market),
        *(_uint(store, name, market, flag) for name in sided for flag in _BOTH),
        *(_uint(store, "MAX_PNL_FACTOR", constant(_FOR_TRADERS), market, flag) for flag in _BOTH),
        STORE["getBytes32"].at(store, key("VIRTUAL_TOKEN_ID", listed.index_token)),
    ]


def terms(answers: Sequence[Any]) -> Terms:
    """Return the parameters that the answers say."""
    least, least_for_liquidation, most_impact, *pairs, virtual_id = answers
    impact, fee, factor, exponent, multiplier, pnl = (Sides(*pairs[at : at + 2]) for at in range(0, 12, 2))
    return Terms(
        least_factor=least,
        least_factor_for_liquidation=least_for_liquidation,
        most_impact_for_liquidations=most_impact,
        most_impact=impact,
        fee_factor=fee,
        curve=Curve(factor, exponent),
        most_pnl_factor=pnl,
        interest_multiplier=multiplier,
        virtual_id=virtual_id,
    )


def state_questions(store: Address, listed: Listed) -> list[Call]:
    """Return the questions for the sums of a market, in the order in which `state` takes their answers."""
    market, tokens = listed.market, (listed.long_token, listed.short_token)
    return [
        *(_uint(store, "POOL_AMOUNT", market, token) for token in tokens),
        *(
            _uint(store, name, market, token, flag)
            for name in ("OPEN_INTEREST", "OPEN_INTEREST_IN_TOKENS")
            for flag in _BOTH
            for token in tokens
        ),
        *(_uint(store, "CUMULATIVE_BORROWING_FACTOR", market, flag) for flag in _BOTH),
        *(_uint(store, "CUMULATIVE_BORROWING_FACTOR_UPDATED_AT", market, flag) for flag in _BOTH),
    ]


def state(listed: Listed, sold: Terms, answers: Sequence[Any], info: Any, now_s: int) -> State | str:
    """Return the state of a market, or why the Reader does not tell what has accrued.

    `info` is the answer of `Reader.getMarketInfo`: rates and what funding adds up to the block, at present prices.
    """
    if isinstance(info, Failed):
        return f"what has accrued in the market cannot be read: {info.reason}"
    _, rate_long, rate_short, (fees, claims), following, (_, _, virtual_usd), is_disabled = info
    do_longs_pay, funding_rate, _, more_fees, more_claims = following
    share = 2 if listed.is_one_token else 1
    sums = [answer // share for answer in answers[:10]]
    stored, updated_s = Sides(*answers[10:12]), Sides(*answers[12:14])
    rates = Sides(rate_long, rate_short)
    waits = (now_s - then_s if then_s else 0 for then_s in updated_s)
    return State(
        pool_raw=Sides(*sums[0:2]),
        interest_usd=Sides(sum(sums[2:4]), sum(sums[4:6])),
        interest_raw=Sides(sum(sums[6:8]), sum(sums[8:10])),
        stored=Accrued(stored, PerToken(*_flat(fees)), PerToken(*_flat(claims))),
        now=Accrued(
            Sides(*(factor + rate * wait_s for factor, rate, wait_s in zip(stored, rates, waits, strict=True))),
            _sum(fees, more_fees, share),
            _sum(claims, more_claims, share),
        ),
        virtual_usd=None if sold.virtual_id == _NONE else virtual_usd,
        borrowing_rate=rates,
        funding_rate=funding_rate,
        do_longs_pay=do_longs_pay,
        is_disabled=is_disabled,
    )


def interest_questions(store: Address, listed: Listed) -> list[Call]:
    """Return the questions whose answers add up to the sizes of all positions of a market, in its index token."""
    tokens = dict.fromkeys((listed.long_token, listed.short_token))
    name = "OPEN_INTEREST_IN_TOKENS"
    return [_uint(store, name, listed.market, token, flag) for token in tokens for flag in _BOTH]


def _uint(store: Address, name: str, *parts: Part) -> Call:
    return STORE["getUint"].at(store, key(name, *parts) if parts else constant(name))


def _flat(sides: Sequence[Sequence[int]]) -> Iterator[int]:
    return (value for side in sides for value in side)


def _sum(stored: Sequence[Sequence[int]], more: Sequence[Sequence[int]], share: int) -> PerToken:
    """Return sums per size with what is not stored yet; a market of one token stores each addition twice."""
    pairs = zip(_flat(stored), _flat(more), strict=True)
    return PerToken(*(value + added * share for value, added in pairs))


def _kind(part: Part) -> str:
    if isinstance(part, bool):
        return "bool"
    return "bytes32" if isinstance(part, bytes) else "address"
