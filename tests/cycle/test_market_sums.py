"""Sums of a market: what the screen cannot bound is not known, and no reason to say nothing of the rest."""

from math import inf, nan

import pytest

from monitor.cycle.answers.market import _bounded


@pytest.mark.parametrize(
    ("most", "least", "sum_"), [(5.0, 3.0, 5), (inf, 3.0, 3), (nan, 3.0, 3), (nan, nan, None), (inf, -inf, None)]
)
def test_a_sum_without_a_bound_is_not_known(most: float, least: float, sum_: int | None):
    assert _bounded(most, least) == sum_
