"""The line belongs to the protocol: at exactly one, Aave and Morpho say safe, Euler says liquidatable."""

import pytest

from monitor.domain.health import Line, Measured
from monitor.units import WAD


@pytest.mark.parametrize(
    ("line", "numerator", "past"),
    [
        (Line.BELOW, 99, True),
        (Line.BELOW, 100, False),
        (Line.BELOW, 101, False),
        (Line.AT_OR_BELOW, 99, True),
        (Line.AT_OR_BELOW, 100, True),
        (Line.AT_OR_BELOW, 101, False),
    ],
)
def test_equality_is_judged_by_the_protocols_own_comparison(line, numerator, past):
    assert Measured(numerator, 100, line, None).is_past_line is past


@pytest.mark.parametrize(("native", "past"), [(WAD - 1, True), (WAD, False), (WAD + 1, False)])
def test_a_rounded_native_health_decides_where_the_contract_compares_it(native, past):
    assert Measured(1, 1, Line.NATIVE_BELOW_WAD, native).is_past_line is past


def test_the_shown_factor_is_floored_and_never_decides():
    health = Measured(2 * 10**30 - 1, 2 * 10**30, Line.NATIVE_BELOW_WAD, WAD)
    assert health.factor_wad_down == WAD - 1
    assert not health.is_past_line
