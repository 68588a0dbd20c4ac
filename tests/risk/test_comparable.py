"""Health does not compare between loans and perpetual accounts; distance, joint moves and standard deviations do."""

import pytest

from monitor.health.tiers import flat
from tests.health.perp_book import UNIT, Book, Held
from tests.health.pool import account
from tests.risk.scene import USDC, WETH, factor, loan, perp, seen_loan

ONE_PER_CENT = flat(1, 100)
"""One hundredth of the notional is to be kept."""
LOAN = account({WETH: 10**18}, {USDC: 1_454_545_454})
"""An ether of 2,000 dollars that counts for 80 %, against 1,454.55 dollars: health 1.10."""


def long(coin: str, price: int, cash: int) -> Book:
    """One coin bought at its price, with that much cash beside it."""
    return Book(cash, {coin: price * UNIT}, (Held(coin, UNIT, price * UNIT, ONE_PER_CENT),))


AT_ONE_TENTH = long("ETH", 2_000, 22 * UNIT)
"""An ether of 2,000 dollars, of which 20 are to be kept, with 22 dollars: health 1.10."""


def test_the_same_health_is_ninety_times_as_far_away_on_a_loan_as_on_a_perp_that_keeps_one_per_cent():
    lent, traded = seen_loan(LOAN), perp(AT_ONE_TENTH)[0]
    assert factor(lent) == pytest.approx(1.10, abs=1e-9)
    assert factor(traded) == 1.10
    assert lent.distance_bps == 909
    assert traded.distance_bps == 10


def test_joint_moves_and_standard_deviations_tell_the_two_apart_as_distance_does():
    lent, traded = loan(LOAN), perp(AT_ONE_TENTH)[1]
    assert lent.joint_ppm is not None
    assert traded.joint_ppm is not None
    assert lent.joint_ppm / traded.joint_ppm == pytest.approx(90, rel=1e-3)
    assert lent.sigmas_ppm is not None
    assert traded.sigmas_ppm is not None
    assert lent.sigmas_ppm == pytest.approx(2_416_000, abs=1_000)
    assert traded.sigmas_ppm == pytest.approx(25_800, abs=100)


def test_the_same_distance_is_the_same_in_every_measure_whatever_the_health():
    """A loan at 1.10 and a perp at 10.09 are both 9.09 % away, and so are they in ether's standard deviations."""
    lent, (seen, traded) = loan(LOAN), perp(long("ETH", 2_000, 200 * UNIT))
    assert seen.distance_bps == 909
    assert factor(seen) == 10.0
    assert traded.joint_ppm == pytest.approx(lent.joint_ppm, rel=1e-4)
    assert traded.sigmas_ppm == pytest.approx(lent.sigmas_ppm, rel=0.01)


def test_a_hedge_is_far_from_its_line_when_all_moves_together_and_near_when_one_price_moves_alone():
    """Long bitcoin, and as many beta dollars of short ether: a fall of both costs nearly nothing."""
    held = (
        Held("BTC", 165 * UNIT // 1_000, 16_500 * UNIT, ONE_PER_CENT),
        Held("ETH", -5 * UNIT, -10_000 * UNIT, ONE_PER_CENT),
    )
    book = Book(1_500 * UNIT, {"BTC": 100_000 * UNIT, "ETH": 2_000 * UNIT}, held)
    seen, near = perp(book)
    assert seen.distance_bps is not None
    assert seen.distance_bps < 900
    assert near.joint_ppm == 693_908, "ether is worth nothing at 606,060; from there on bitcoin's fall is not paid for"
    moves = {move.name: move.move_ppm for move in near.likeliest}
    assert moves["ETH"] > 3 * moves["BTC"] > 0, "the hedge fails when ether outruns its beta"


def test_two_longs_of_coins_that_move_together_are_nearer_jointly_than_each_alone():
    held = (
        Held("BTC", UNIT // 10, 10_000 * UNIT, ONE_PER_CENT),
        Held("ETH", 5 * UNIT, 10_000 * UNIT, ONE_PER_CENT),
    )
    book = Book(2_200 * UNIT, {"BTC": 100_000 * UNIT, "ETH": 2_000 * UNIT}, held)
    seen, near = perp(book)
    assert seen.distance_bps == 2_020
    assert near.joint_ppm == 76_234, "2,000 ÷ (0.99 · 26,500)"
    assert near.joint_direction == "falls"


def test_shorts_are_near_when_the_market_rises():
    held = (Held("BTC", -UNIT, -100_000 * UNIT, ONE_PER_CENT),)
    near = perp(Book(6_000 * UNIT, {"BTC": 100_000 * UNIT}, held))[1]
    assert (near.joint_direction, near.joint_ppm) == ("rises", 49_504)


def test_stablecoins_do_not_move_with_the_market_and_part_by_their_own_volatility():
    near = loan(account({USDC: 1_000 * 10**6}, {3: 720 * 10**18}))
    assert near.joint_ppm is None
    assert near.joint_direction is None
    assert near.sigmas_ppm is not None
    assert near.sigmas_ppm > 10 * 10**6


def test_past_the_line_nothing_is_left_in_any_measure():
    near = loan(account({WETH: 10**18}, {USDC: 1_700_000_000}))
    assert (near.joint_ppm, near.sigmas_ppm, near.likeliest) == (0, 0, ())
