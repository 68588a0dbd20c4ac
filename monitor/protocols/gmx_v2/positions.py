"""One position as the Reader tells it, and as a row of stored numbers."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from monitor.errors import UnexpectedAnswer
from monitor.ledger.accounts import Account, Balance
from monitor.protocols.gmx_v2.market import Market
from monitor.protocols.gmx_v2.math import FUNDING_UNIT, part_down
from monitor.protocols.gmx_v2.store import position_key

LONG, SHORT_TOKEN, DISCOUNT_UNKNOWN = 1, 2, 4
"""What makes up the category: it is long; the short token backs it; the discount on its fees was not told."""
CATEGORIES = 8

SIZE_USD, SIZE_RAW, COLLATERAL, IMPACT, IMPACT_OWED = range(5)
BORROWING, FEES, CLAIM_LONG, CLAIM_SHORT, DISCOUNT = range(5, 10)
REQUIRED, BORROWED, FUNDED, CHARGED, WIDE = range(10, 15)
"""What follows from the numbers above and from rules that logs tell, for the screen, which multiplies no two of them:
the margin that is required, size × borrowing and size × fees when last settled, the size that fees are taken of, and
that a number does not fit into 128 binary digits."""
HIGH = 32
"""Added to the kind of what lies above 128 binary digits of a number: the contract's have 256."""
_LIMB = 128
_LOW_DIGITS = 2**_LIMB - 1


class Position(NamedTuple):
    """One position. Factors and sums per size are those it was last settled at; `impact_raw` is in index tokens."""

    place: int
    is_long: bool
    is_short_token: bool
    size_usd: int
    size_raw: int
    collateral_raw: int
    impact_raw: int
    borrowing: int
    fees: int
    claim_long: int
    claim_short: int
    discount: int
    is_discount_known: bool


def account_of(market: Market, told: Sequence[Any], discount: int | None) -> Account:
    """Return a position that is open as an account; `discount` is a part of its fees, None where that is not told.

    Raises UnexpectedAnswer where its market or its collateral is not part of the deployment as it was read.
    """
    (owner, name, collateral), numbers, (is_long,) = told
    place = market.places.get(name)
    if place is None:
        raise UnexpectedAnswer(f"its market {name} is not part of the deployment as it was read")
    listed = market.layout.listed[place]
    if collateral not in (listed.long_token, listed.short_token):
        raise UnexpectedAnswer(f"its collateral {collateral} is none of the market {name}")
    size_usd, size_raw, collateral_raw, impact_raw, borrowing, fees, claim_long, claim_short, _, _ = numbers
    found = Position(
        place=place,
        is_long=is_long,
        is_short_token=collateral != listed.long_token,
        size_usd=size_usd,
        size_raw=size_raw,
        collateral_raw=collateral_raw,
        impact_raw=impact_raw,
        borrowing=borrowing,
        fees=fees,
        claim_long=claim_long,
        claim_short=claim_short,
        discount=discount or 0,
        is_discount_known=discount is not None,
    )
    factor = market.layout.terms[place].least_factor_for_liquidation
    required_usd = max(market.layout.least_usd, part_down(size_usd, factor), 1)
    category = LONG * found.is_long | SHORT_TOKEN * found.is_short_token | DISCOUNT_UNKNOWN * (discount is None)
    key = position_key(owner, name, collateral, is_long)
    return Account(key, category, tuple(_rows(found, required_usd)), owner)


def position_of(account: Account) -> Position | None:
    """Return the position of an account, None where nothing is open."""
    if not account.balances:
        return None
    found = [0] * HIGH
    for _, kind, raw in ((one.asset, one.kind, one.raw) for one in account.balances):
        found[kind % HIGH] += raw << _LIMB if kind >= HIGH else raw
    return Position(
        place=account.balances[0].asset,
        is_long=bool(account.category & LONG),
        is_short_token=bool(account.category & SHORT_TOKEN),
        size_usd=found[SIZE_USD],
        size_raw=found[SIZE_RAW],
        collateral_raw=found[COLLATERAL],
        impact_raw=found[IMPACT] - found[IMPACT_OWED],
        borrowing=found[BORROWING],
        fees=found[FEES],
        claim_long=found[CLAIM_LONG],
        claim_short=found[CLAIM_SHORT],
        discount=found[DISCOUNT],
        is_discount_known=not account.category & DISCOUNT_UNKNOWN,
    )


def with_collateral(account: Account, position: Position, collateral_raw: int) -> Account:
    """Return the account with another amount of collateral."""
    stored = next((one.raw for one in account.balances if one.kind == REQUIRED), 1)
    rows = tuple(_rows(position._replace(collateral_raw=collateral_raw), stored))
    return Account(account.key, account.category, rows, account.owner)


def _rows(position: Position, required_usd: int) -> Iterator[Balance]:
    """Yield the stored numbers in the order of their kinds, without those that are 0."""
    size_usd, impact_raw = position.size_usd, position.impact_raw
    values = {
        SIZE_USD: size_usd,
        SIZE_RAW: position.size_raw,
        COLLATERAL: position.collateral_raw,
        IMPACT: max(impact_raw, 0),
        IMPACT_OWED: max(-impact_raw, 0),
        BORROWING: position.borrowing,
        FEES: position.fees,
        CLAIM_LONG: position.claim_long,
        CLAIM_SHORT: position.claim_short,
        DISCOUNT: position.discount,
        REQUIRED: required_usd if size_usd else 0,
        BORROWED: part_down(size_usd, position.borrowing),
        FUNDED: size_usd * position.fees // FUNDING_UNIT,
        CHARGED: size_usd - part_down(size_usd, position.discount),
    }
    is_wide = any(value >> _LIMB for value in values.values())
    rows = [Balance(position.place, kind, value & _LOW_DIGITS) for kind, value in values.items()]
    rows.append(Balance(position.place, WIDE, int(is_wide)))
    rows += [Balance(position.place, kind + HIGH, value >> _LIMB) for kind, value in values.items()]
    return (row for row in rows if row.raw)
