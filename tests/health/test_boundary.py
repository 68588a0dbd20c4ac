"""Where a predicate flips, found with few questions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.health.boundary import flip, narrowed, nearly, widening


class Counted:
    """A predicate that is true from a threshold on, and how often it was asked."""

    def __init__(self, threshold: int) -> None:
        self.threshold, self.asked = threshold, 0

    def __call__(self, value: int) -> bool:
        self.asked += 1
        return value >= self.threshold


@given(st.integers(0, 10**30), st.integers(1, 10**30), st.lists(st.integers(-5, 10**31), max_size=5))
def test_a_flip_is_found_whatever_the_hints(before: int, after: int, hints: list[int]):
    holds = Counted(before + 1)
    assert flip(holds, 0, before + after, hints) == (before, before + 1)


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_predicate_that_turns_false_flips_as_well(before: int, after: int):
    assert flip(lambda value: value <= before, 0, before + after) == (before, before + 1)


def test_a_good_hint_saves_the_bisection():
    holds = Counted(123_456_789)
    assert flip(holds, 0, 10**30, (123_456_789, 123_456_788)) == (123_456_788, 123_456_789)
    assert holds.asked <= 4


@given(st.integers(1, 10**6), st.integers(-(10**24), -1), st.integers(0, 100))
def test_a_line_is_found_by_one_interpolation(slope: int, offset: int, rounding: int):
    holds = Counted(-(offset // slope))
    high = 10**25
    low, near = nearly(holds, lambda x: slope * x + offset + rounding % slope, -high, high, 1)
    assert near - low <= 2
    assert holds(near)
    assert not holds(low)
    assert holds.asked <= 20


@given(st.integers(1, 10**12), st.integers(10, 10**6), st.integers(1, 10**5))
def test_teeth_do_not_keep_the_flip_from_being_found(threshold: int, width: int, height: int):
    def margin(value: int) -> int:
        return value - threshold + (value % width) * height // width

    low, high = nearly(lambda value: margin(value) >= 0, margin, -(10**13), 10**13, 1)
    low, high = flip(lambda value: margin(value) >= 0, low, high)
    assert high - low == 1
    assert margin(low) < 0 <= margin(high)


def test_a_flat_margin_is_bisected():
    assert nearly(lambda value: value > 77, lambda value: 5, 0, 1_000, 1)[1] - 77 in {0, 1, 2}


def test_hints_outside_the_interval_are_not_asked():
    assert narrowed(lambda value: value >= 5, 0, 10, (-1, 0, 10, 11, 4, 6)) == (4, 6)


@pytest.mark.parametrize("step", [1, 1_000])
def test_hints_start_at_the_guess_and_widen(step: int):
    assert widening(0, step)[:4] == (0, -step, step, -8 * step)
