"""Who needs a look, in which order."""

import numpy as np
import pytest

from monitor.errors import UsageError
from monitor.screen.kernel import Intervals, Kernel
from monitor.screen.select import select
from monitor.units import WAD

LOW = np.array([2.0, 0.99, np.nan, 0.4, 1.0, 1.04, np.inf, 1.2, 0.5])
HIGH = np.array([2.1, 1.01, np.nan, 0.4, 1.0, 1.06, np.inf, np.inf, 0.6])
LINES = (11 * WAD // 10, WAD)


def test_those_that_may_be_below_the_highest_line_come_riskiest_first(kernel: Kernel) -> None:
    found = select(kernel, Intervals(LOW, HIGH), LINES)
    assert found.rows.tolist() == [3, 8, 1, 4, 5]
    assert found.low.tolist() == [0.4, 0.5, 0.99, 1.0, 1.04]
    assert found.lines_wad == (WAD, 11 * WAD // 10)


def test_an_interval_with_a_line_inside_straddles_it(kernel: Kernel) -> None:
    found = select(kernel, Intervals(LOW, HIGH), LINES)
    assert found.straddling.tolist() == [1]
    assert found.surely_below(WAD).tolist() == [3, 8]
    assert found.surely_below(11 * WAD // 10).tolist() == [3, 8, 1, 4, 5]


def test_without_an_interval_an_account_is_unknown_and_on_no_side(kernel: Kernel) -> None:
    assert select(kernel, Intervals(LOW, HIGH), LINES).unknown.tolist() == [2]


def test_an_open_end_straddles_every_line_above_its_low_end(kernel: Kernel) -> None:
    assert 7 in select(kernel, Intervals(LOW, HIGH), (3 * WAD,)).straddling


def test_nobody_is_below_where_nobody_is(kernel: Kernel) -> None:
    found = select(kernel, Intervals.room(0), LINES)
    assert len(found.rows) == len(found.unknown) == len(found.straddling) == 0


def test_without_a_line_there_is_nothing_to_select(kernel: Kernel) -> None:
    with pytest.raises(UsageError, match="line"):
        select(kernel, Intervals(LOW, HIGH), ())
