"""Every vector of the venue's SDK: threshold, spread, closing fee, holding fees, liquidation price."""

from collections import Counter

from monitor.protocols.gains import math
from monitor.protocols.gains.math import ONE, V10, OldFees, OldGroup
from tests.protocols.gains.recorded import Vector, one, vectors

DIGITS = 10**12
"""The SDK counts in binary floating point: one part in so many."""
CANCELLING = 10**9
"""Where large terms cancel, of the larger one."""
EXCEPTIONS: dict[str, str] = {}
"""Vectors that differ, each with its cause; at most two of the 108."""


def is_near(found: int, said: str, digits: int = DIGITS, of: int = 0) -> bool:
    return abs(found - one(said)) * digits <= max(abs(one(said)), abs(of))


def holding(vector: Vector) -> tuple[int, int]:
    """Return funding and borrowing of a vector, and 0 before it is opened."""
    size, open_price, price = size_of(vector), one(vector.trade["openPrice"]), one(vector.asked["currentPairPrice"])
    funding = borrowing = 0
    if vector.version >= V10 and vector.funding and vector.funding.is_enabled:
        found = math.funded(vector.funding, price, vector.now_s)
        now = found.long if vector.trade["long"] else found.short
        funding = math.accrued_fee(size, now - one(vector.fees["initialAccFundingFeeP"]), open_price)
    if vector.version >= V10 and vector.borrowing:
        now = math.borrowed(vector.borrowing, price, vector.now_s)
        borrowing = math.accrued_fee(size, now - one(vector.fees["initialAccBorrowingFeeP"]), open_price)
    return funding, borrowing


def size_of(vector: Vector) -> int:
    return math.times(one(vector.trade["collateralAmount"]), one(vector.trade["leverage"]))


def closing_fee(vector: Vector) -> int:
    fee = vector.trading["fee"]
    return math.closing_fee(
        size_of(vector),
        one(fee["totalPositionSizeFeeP"]),
        one(fee["minPositionSizeUsd"]),
        one(vector.core["collateralPriceUsd"]),
        vector.multiplier,
    )


def test_the_part_that_may_be_lost_is_the_sdks():
    flat = 0
    for vector in vectors():
        found = math.threshold(vector.terms, one(vector.trade["leverage"]))
        assert is_near(found, vector.expected["liquidationThreshold"]), vector.name
        flat += found == math.FLAT
    assert 5 < flat < len(vectors()) - 5


def test_the_spread_and_the_fee_of_closing_are_the_sdks():
    seen = Counter[str]()
    for vector in vectors():
        spread = math.closing_spread(one(vector.core["spreadP"]), vector.fixed_spread, vector.terms.most_spread)
        assert is_near(spread, vector.expected["closingSpread"]), vector.name
        assert is_near(closing_fee(vector), vector.expected["closingFeeCollateral"]), vector.name
        seen["a spread"] += spread > 0
        seen["a spread at its cap"] += 0 < spread == vector.terms.most_spread
        seen["a counter trade"] += vector.multiplier != ONE
        seen["a fixed spread"] += vector.fixed_spread > 0
    print(dict(seen))
    assert min(seen.values()) > 5


def test_funding_and_borrowing_are_the_sdks():
    seen = Counter[str]()
    for vector in vectors():
        if vector.expected["holdingFees"] is None:
            continue
        said, (funding, borrowing) = vector.expected["holdingFees"], holding(vector)
        size = size_of(vector)
        assert is_near(funding, said["fundingFeeCollateral"], CANCELLING), vector.name
        assert is_near(borrowing, said["borrowingFeeCollateral"], CANCELLING), vector.name
        assert is_near(funding + borrowing, said["totalFeeCollateral"], CANCELLING, size), vector.name
        seen["paid funding"] += funding > 0
        seen["earned funding"] += funding < 0
        seen["borrowing"] += borrowing > 0
        seen["multiplied"] += bool(vector.funding and vector.funding.has_multiples and funding)
        assert one(said["borrowingFeeCollateral_old"]) == 0
    print(dict(seen))
    assert min(seen.values()) > 5


def test_liquidation_prices_are_the_sdks():
    seen, worst = Counter[str](), 0
    for vector in vectors():
        given, collateral = vector.asked, one(vector.trade["collateralAmount"])
        realised = one(vector.fees["realizedPnlCollateral"]) - one(vector.fees["realizedTradingFeesCollateral"])
        held = 0 if given["beforeOpened"] else sum(holding(vector)) - realised
        costs = closing_fee(vector) + math.times(held, one(given["partialCloseMultiplier"]))
        spread = math.charged_spread(
            vector.version, one(vector.core["spreadP"]), vector.fixed_spread, vector.terms.most_spread
        )
        open_price = one(vector.trade["openPrice"])
        found = math.liquidation_price(
            open_price,
            collateral,
            size_of(vector),
            math.threshold(vector.terms, one(vector.trade["leverage"])),
            costs + one(given["additionalFeeCollateral"]),
            spread,
            is_long=vector.trade["long"],
        )
        said = vector.expected["liquidationPrice"]
        if vector.name not in EXCEPTIONS:
            assert is_near(found, said, CANCELLING), (vector.name, found, said)
        worst = max(worst, abs(found - one(said)) * 10**18 // open_price)
        seen["long" if vector.trade["long"] else "short"] += 1
        seen["with a spread"] += spread > 0
    print(dict(seen), f"worst {worst} parts in 10^18 of the opening price")
    assert worst < 10**18 // DIGITS
    assert len(EXCEPTIONS) * 50 <= len(vectors())
    assert min(seen.values()) > 5


def test_borrowing_of_version_1_counts_the_dearer_of_pair_and_group_in_every_group_the_trade_was_in():
    """Opened in the first group at block 10; moved to a second one at block 50, where the pair had paid 7, it 4."""
    began = OldFees(pair=2, group=1, block=10)
    first, second = OldGroup(block=5, initial=0, previous=0, pair=1), OldGroup(block=50, initial=30, previous=4, pair=7)
    assert math.old_part(began, (), 9, 0) == 7
    assert math.old_part(began, (first,), 9, 20) == 19
    assert math.old_part(began, (first, second), pair_now=9, group_now=31) == max(4 - 1, 7 - 2) + max(31 - 30, 9 - 7)
    late = OldFees(pair=8, group=30, block=60)
    assert math.old_part(late, (first, second), pair_now=9, group_now=33) == max(33 - 30, 9 - 8)
    early = OldFees(pair=0, group=0, block=1)
    assert math.old_part(early, (second,), pair_now=9, group_now=33) == 7 + max(33 - 30, 9 - 7)
