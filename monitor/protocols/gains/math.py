"""What a trade costs and when it is liquidated, in integers of thirty decimals; a step rounds down and is that exact.

SDK functions (npm @gainsnetwork/sdk 1.8.7): getLiquidationPrice, getLiqPnlThresholdP, getSpreadP,
getTotalTradeFeesCollateral, getPairPendingAccFundingFees, getPairPendingAccBorrowingFees, getBorrowingFee. Where the
contract differs (FundingFeesUtils.sol) the contract is followed.
"""

from collections.abc import Sequence
from typing import NamedTuple

from monitor.units import YEAR_S

ONE = 10**30
"""1, 100 % of a part, one whole token or dollar."""
FLAT = 9 * ONE // 10
"""The part of its collateral that a trade without terms of its own may lose."""
MOST_MULTIPLE = 100 * ONE
"""The smaller side earns at most so many times the rate that the larger one pays."""
SPREADS, V10 = 1, 2
"""Versions of a trade: from the first on closing costs a spread; from the second on funding and new borrowing run."""


class Terms(NamedTuple):
    """The terms a trade is liquidated by, as they were when it was opened; parts and leverages times `ONE`."""

    most_spread: int
    start: int
    end: int
    start_leverage: int
    end_leverage: int


class Funding(NamedTuple):
    """How funding runs in one pair with one collateral, and where it stood when last written.

    Accumulators are per cent × price, rates per cent a second, the coefficient per token and year, all times `ONE`;
    interest and skew (longs less shorts) are in
    tokens.
    """

    coefficient: int
    velocity_cap: int
    rate_cap: int
    threshold_usd: int
    is_enabled: bool
    has_multiples: bool
    long_accrued: int
    short_accrued: int
    rate: int
    updated_s: int
    long_interest: int
    short_interest: int
    skew: int


class Funded(NamedTuple):
    """The accumulators of a moment, and the rate and its velocity a year from then on."""

    long: int
    short: int
    rate: int
    velocity: int


class Borrowing(NamedTuple):
    """How borrowing runs in one pair with one collateral since version 10; as in `Funding`."""

    rate: int
    accrued: int
    updated_s: int


class OldGroup(NamedTuple):
    """A group that a pair belonged to from a block on, for one side: what had accrued then (version 1, per cent)."""

    block: int
    initial: int
    previous: int
    pair: int


class OldFees(NamedTuple):
    """The accumulators that a trade began with (version 1), per cent times `ONE`."""

    pair: int
    group: int
    block: int


def times(a: int, b: int) -> int:
    """Return a product of two numbers of thirty decimals, rounded down."""
    return a * b // ONE


def over(a: int, b: int) -> int:
    """Return a quotient of two numbers of thirty decimals, rounded down."""
    return a * ONE // b


def threshold(terms: Terms, leverage: int) -> int:
    """Return which part of its collateral a trade may lose (getLiqPnlThresholdP)."""
    if 0 in terms:
        return FLAT
    if leverage < terms.start_leverage:
        return terms.start
    if leverage > terms.end_leverage or terms.start == terms.end:
        return terms.end
    fallen = (leverage - terms.start_leverage) * (terms.start - terms.end)
    return terms.start - fallen // (terms.end_leverage - terms.start_leverage)


def closing_spread(pair: int, fixed: int, most: int) -> int:
    """Return the part of the price that closing costs in a liquidation (getSpreadP)."""
    if not pair and not fixed:
        return 0
    spread = pair // 2 + fixed
    return min(spread, most) if most else spread


def charged_spread(version: int, pair: int, fixed: int, most: int) -> int:
    """Return the spread as a liquidation price counts it: none of old trades, none without a cap or a fixed one."""
    return closing_spread(pair, fixed, most) if version >= SPREADS and (most or fixed) else 0


def closing_fee(size: int, part: int, least_usd: int, token_usd: int, multiplier: int = ONE) -> int:
    """Return the fee for closing, at no tier (getTotalTradeFeesCollateral)."""
    return times(part, max(times(size, multiplier), over(least_usd, token_usd)))


def velocity(funding: Funding, price: int, token_usd: int = ONE) -> int:
    """Return how much the rate rises in a year at this skew (getCurrentFundingVelocityPerYear).

    `token_usd` is what the collateral is worth, in which the contract counts the skew and the SDK does not.
    """
    skew = funding.skew
    if abs(times(times(skew, price), token_usd)) < funding.threshold_usd:
        return 0
    risen = min(times(abs(skew), funding.coefficient), funding.velocity_cap)
    return risen if skew > 0 else -risen


def funded(funding: Funding, price: int, now_s: int, token_usd: int = ONE) -> Funded:
    """Return the accumulators at a price and a time (getPairPendingAccFundingFees)."""
    if not funding.is_enabled:
        return Funded(funding.long_accrued, funding.short_accrued, funding.rate, 0)
    speed, elapsed_s = velocity(funding, price, token_usd), now_s - funding.updated_s
    average, rate = _average_rate(funding, speed, elapsed_s)
    parts = [(average, elapsed_s * ONE)]
    if funding.has_multiples and rate * funding.rate < 0:
        turns = -funding.rate * YEAR_S * ONE // speed
        parts = [(funding.rate // 2, turns), (rate // 2, elapsed_s * ONE - turns)]
    long, short = funding.long_accrued, funding.short_accrued
    for part, seconds in parts:
        grown = times(times(part, seconds), price)
        long_multiple, short_multiple = multiples(funding, part)
        long += times(grown, long_multiple)
        short -= times(grown, short_multiple)
    return Funded(long, short, rate, 0 if abs(rate) >= funding.rate_cap else speed)


def borrowed(borrowing: Borrowing, price: int, now_s: int) -> int:
    """Return the accumulator at a price and a time (getPairPendingAccBorrowingFees)."""
    return borrowing.accrued + times(borrowing.rate * max(now_s - borrowing.updated_s, 0), price)


def accrued_fee(size: int, since: int, open_price: int) -> int:
    """Return what an accumulator that rose so much since has cost a trade, in its collateral; below 0 is earned."""
    return size * since // open_price // 100


def old_part(began: OldFees, groups: Sequence[OldGroup], pair_now: int, group_now: int) -> int:
    """Return the per cent of its size that a trade has paid to borrow by version 1 (getBorrowingFee).

    `pair_now` and `group_now` are the accumulators of the trade's side at the moment, of the pair and of its last
    group. In every group it was in, the dearer of the two counts.
    """
    if not groups:
        return pair_now - began.pair
    part = groups[0].pair - began.pair if groups[0].block > began.block else 0
    for place in range(len(groups) - 1, -1, -1):
        group, is_last = groups[place], place == len(groups) - 1
        was_open = group.block < began.block
        if not is_last and was_open and groups[place + 1].block <= began.block:
            break
        group_then, pair_then = (group_now, pair_now) if is_last else groups[place + 1][2:]
        since = (began.group, began.pair) if was_open else (group.initial, group.pair)
        part += max(group_then - since[0], pair_then - since[1])
        if was_open:
            break
    return part


def liquidation_price(
    open_price: int, collateral: int, size: int, loss: int, costs: int, spread: int, *, is_long: bool
) -> int:
    """Return the price at which a trade that may lose `loss`, costs included, is liquidated (getLiquidationPrice)."""
    distance = open_price * (times(collateral, loss) - costs) // size - times(open_price, spread)
    return max(open_price - distance if is_long else open_price + distance, 0)


def _average_rate(funding: Funding, speed: int, elapsed_s: int) -> tuple[int, int]:
    """Return the average rate of the time and the rate at its end (getAvgFundingRatePerSecondP)."""
    if not funding.rate_cap:
        return 0, 0
    if not speed or not elapsed_s:
        return funding.rate, funding.rate
    cap = funding.rate_cap if speed > 0 else -funding.rate_cap
    if cap == funding.rate:
        return cap, cap
    to_cap, elapsed = (cap - funding.rate) * YEAR_S * ONE // speed, elapsed_s * ONE
    if elapsed > to_cap:
        return ((funding.rate + cap) * to_cap + 2 * cap * (elapsed - to_cap)) // (2 * elapsed), cap
    rate = funding.rate + elapsed_s * speed // YEAR_S
    return (funding.rate + rate) // 2, rate


def multiples(funding: Funding, rate: int) -> tuple[int, int]:
    """Return by how much each side's share is multiplied, longs first (getLongShortAprMultiplier)."""
    long, short = funding.long_interest, funding.short_interest
    if not rate or not funding.has_multiples:
        return ONE, ONE
    if rate < 0:
        return (min(over(short, long), MOST_MULTIPLE) if long > 0 else ONE), ONE
    return ONE, (min(over(long, short), MOST_MULTIPLE) if short > 0 else ONE)
