"""Integer arithmetic rounds in the direction its name says."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import units

amounts = st.integers(0, 2**256 - 1)
positive = st.integers(1, 2**256 - 1)


@given(amounts, amounts, positive)
def test_down_up_and_half_up_bracket_the_exact_quotient(a, b, denominator):
    exact = Fraction(a * b, denominator)
    assert units.mul_div_down(a, b, denominator) <= exact <= units.mul_div_up(a, b, denominator)
    assert units.mul_div_up(a, b, denominator) - units.mul_div_down(a, b, denominator) == (exact.denominator != 1)


def test_half_up_rounds_halves_up():
    assert units.mul_div_half_up(1, 1, 2) == 1
    assert units.mul_div_half_up(1, 1, 3) == 0
    assert units.mul_div_half_up(2, 1, 3) == 1


def test_signed_division_truncates_toward_zero_as_the_evm_does():
    assert [units.div_to_zero(*pair) for pair in ((7, 2), (-7, 2), (7, -2), (-7, -2))] == [3, -3, -3, 3]


@given(st.integers(-(2**255), 2**255), st.integers(0, 30))
def test_decimal_text_and_back_lose_nothing(amount, decimals):
    assert units.scaled_from_text(units.decimal_text(amount, decimals), decimals) == amount


@pytest.mark.parametrize(
    "text", ["", "-", ".", "1e9", "NaN", "Infinity", "1_000", "١", "0x10", "1.2.3", "9" * 79, " 1"]
)
def test_text_that_is_no_plain_decimal_is_refused(text):
    with pytest.raises(ValueError, match="expected a decimal number"):
        units.scaled_from_text(text, 18)


def test_digits_beyond_the_scale_are_refused_not_rounded():
    with pytest.raises(ValueError, match="at most 2 decimals"):
        units.scaled_from_text("1.234", 2)
    assert units.scaled_from_text("1.2300", 2) == 123


def test_rescaling_drops_digits_only_downward():
    assert units.rescale_down(123_456_789, 8, 6) == 1_234_567
    assert units.rescale_down(1_234_567, 6, 8) == 123_456_700
