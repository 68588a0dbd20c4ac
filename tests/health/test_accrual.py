"""Between two reads: what funding and fees do to an account, and how far that was from the truth."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.assessment import Accrual, Exactness
from monitor.domain.health import Measured
from monitor.domain.perp import Carry
from monitor.health.accrual import accrue, borrow_fee_base, drift, funding_base, same_positions
from monitor.health.tiers import flat
from monitor.units import WAD
from tests.health.perp_book import UNIT, Book, Held

SECONDS = st.integers(0, 10**8)
RATES = st.integers(-(10**24), 10**24)


def account(carry: Carry | None, cash: int = 500 * UNIT):
    held = Held("X", UNIT, 1_000 * UNIT, flat(1, 20), carry)
    return Book(cash, {"X": 1_000 * UNIT}, (held,)).assess()


def test_an_hour_of_funding_and_borrowing_comes_off_the_equity():
    later = accrue(account(Carry(funding_wad_per_s=-2 * WAD, borrow_wad_per_s=3 * WAD)), 3_600)
    assert isinstance(later.health, Measured)
    assert later.margin is not None
    assert later.health.numerator == later.margin.equity_base == 500 * UNIT - 5 * 3_600
    assert later.health.denominator == 50 * UNIT
    assert later.positions[0].funding_base == -2 * 3_600
    assert later.positions[0].borrow_fee_base == 3 * 3_600
    assert (later.exactness, later.accrual) == (Exactness.ESTIMATE, Accrual.ACCRUED)


def test_funding_whose_rate_moves_is_quadratic_in_time():
    assert funding_base(Carry(funding_wad_per_s=-3 * WAD, funding_wad_per_s2=4 * WAD), 10) == -30 + 200


@given(RATES, RATES, SECONDS)
def test_funding_rounds_against_the_account_and_borrowing_too(rate: int, velocity: int, seconds: int):
    carry = Carry(rate, velocity, abs(rate))
    twice_wad = 2 * rate * seconds + velocity * seconds * seconds
    assert 0 <= twice_wad - 2 * WAD * funding_base(carry, seconds) < 2 * WAD
    assert 0 <= borrow_fee_base(carry, seconds) * WAD - abs(rate) * seconds < WAD


@given(RATES, SECONDS, SECONDS)
def test_two_steps_are_one_step_up_to_a_unit_each(rate: int, first: int, second: int):
    start = account(Carry(funding_wad_per_s=rate))
    once, twice = accrue(start, first + second), accrue(accrue(start, first), second)
    assert once.margin is not None
    assert twice.margin is not None
    assert 0 <= (once.margin.equity_base or 0) - (twice.margin.equity_base or 0) <= 1


def test_no_time_changes_nothing_but_the_label():
    seen = account(Carry(funding_wad_per_s=7))
    assert replace(accrue(seen, 0), exactness=seen.exactness) == seen


def test_an_account_whose_rates_are_not_known_is_not_projected():
    seen = account(None)
    assert accrue(seen, 3_600) is seen


def test_a_projection_that_did_not_come_true_is_told_in_parts_of_the_equity():
    start = account(Carry(funding_wad_per_s=-WAD))
    projected = accrue(start, 100)
    read = account(None, 500 * UNIT - 100)
    other = account(None, 499 * UNIT)
    found, apart = drift(projected, read), drift(projected, other)
    assert found is not None
    assert apart is not None
    assert found.apart_ppm == 0
    assert apart.apart_ppm == 2_000
    assert same_positions(start, read)
    assert not same_positions(start, replace(read, positions=()))
