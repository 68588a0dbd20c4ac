"""A row is looked at again exactly when it may be outside its band, lost or won its interval, or its time is over."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from monitor.screen.bands import Bands
from monitor.screen.kernel import Intervals
from monitor.screen.select import near, nearest_first
from monitor.units import WAD

NONE = np.empty(0, np.int64)
USUAL_WAD = 3 * WAD // 2
ENDS = st.one_of(st.just(np.nan), st.just(np.inf), st.floats(0.0, 3.0))


def intervals(*ends: tuple[float, float]) -> Intervals:
    return Intervals(np.array([low for low, _ in ends]), np.array([high for _, high in ends]))


def bands(count: int) -> Bands:
    made = Bands.empty(USUAL_WAD)
    made.cover(count)
    return made


def left(kept: Bands, view: Intervals, now_s: int = 0, other: Intervals | None = None) -> list[int]:
    found: list[int] = kept.left((view, other or view), now_s).tolist()
    return found


def test_rows_that_nothing_was_said_of_stay_above_the_usual_line():
    view = intervals((1.6, 1.7), (1.5, 1.6), (1.4, 1.6), (np.inf, np.inf), (np.nan, np.nan), (0.0, np.inf))
    assert left(bands(6), view) == [1, 2, 4, 5]


def test_either_view_can_leave_its_band():
    calm, near_line = intervals((1.6, 1.6)), intervals((1.2, 1.2))
    assert left(bands(1), calm, other=near_line) == [0]
    assert left(bands(1), near_line, other=calm) == [0]
    assert left(bands(1), calm) == []


def test_a_row_with_a_band_of_its_own_may_move_inside_it_until_its_time():
    kept = bands(3)
    own = (11 * WAD // 10, 12 * WAD // 10, False)
    kept.keep(np.array([0, 1]), [[own, own], [own, (None, None, True)]], [1_000, None])
    inside, blind = intervals((1.15, 1.16), (1.15, 1.16), (2.0, 2.0)), intervals((1.15, 1.16), (np.nan, np.nan), (2, 2))
    assert left(kept, inside, other=blind) == []
    assert left(kept, inside, 999, blind) == []
    assert left(kept, inside, 1_000, blind) == [0]
    assert left(kept, inside, other=inside) == [1]
    assert left(kept, intervals((1.09, 1.16), (1.15, 1.21), (2, 2)), other=blind) == [0, 1]
    kept.disturb(np.array([1]))
    assert left(kept, inside, other=blind) == [1]
    kept.forget(np.array([0, 1]))
    assert left(kept, inside) == [0, 1]


def test_bands_grow_with_the_rows_and_new_ones_have_the_usual_band():
    kept = bands(1)
    kept.keep(np.array([0]), [[(WAD, None, False)], [(WAD, None, False)]], [None])
    kept.cover(500)
    assert left(kept, intervals((1.1, 1.1), *[(1.4, 1.4)] * 499)) == list(range(1, 500))
    assert kept.nbytes < 500 * 60


@given(st.lists(st.tuples(ENDS, ENDS), min_size=1, max_size=40), st.integers(0, 3 * WAD), st.data())
def test_near_holds_all_that_may_be_below_the_line_and_nobody_twice(ends, line_wad, data):
    views = [intervals(*[(low, max(low, high)) for low, high in ends]) for _ in range(2)]
    order = data.draw(st.permutations(range(len(ends))))
    views[1] = Intervals(views[1].low[list(order)], views[1].high[list(order)])
    also = np.array(data.draw(st.lists(st.integers(0, len(ends) - 1), unique=True)), np.int64)
    found = near(views, line_wad, also)
    expected = {n for n in range(len(ends)) for view in views if not view.low[n] >= line_wad / WAD}
    assert set(found.rows.tolist()) == expected | set(also.tolist())
    assert len(set(found.rows.tolist())) == len(found.rows)
    for place in range(len(found.rows)):
        least_wad = found.least_wad(place)
        known = [views[0].low[row] for row in found.rows[place:] if row not in also and not np.isnan(views[0].low[row])]
        assert least_wad is None or all(least_wad <= low * WAD for low in known if np.isfinite(low))


@given(arrays.arrays(np.float64, 8, elements=ENDS), arrays.arrays(np.float64, 8, elements=ENDS))
def test_the_nearest_come_first_and_those_not_screened_last(one, other):
    rows = np.array([5, -1, 0, 7, 99, 3])
    places = nearest_first((Intervals(one, one), Intervals(other, other)), rows)
    low = [np.fmin(one[row], other[row]) if 0 <= row < 8 else np.nan for row in rows[places]]
    known = [value for value in low if not np.isnan(value)]
    assert known == sorted(known)
    assert sorted(places.tolist()) == list(range(len(rows)))
    assert all(np.isnan(value) for value in low[len(known) :])


def test_without_any_row_there_is_nobody_near():
    empty = intervals()
    assert near((empty,), WAD, NONE).rows.tolist() == []
    assert near((empty,), WAD, NONE).least_wad(0) is None
    assert bands(0).left((empty, empty), 0).tolist() == []


@pytest.mark.parametrize("depth", [1, 2])
def test_what_is_not_known_has_no_least_health(depth):
    found = near((intervals((1.0, 1.1), (np.nan, np.nan)),), 2 * WAD, NONE)
    assert (found.least_wad(depth) is None) == (depth >= 1)
    assert found.least_wad(0) == WAD
