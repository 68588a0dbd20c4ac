"""Both kernels say the same, of all rows, of some and of wide accounts; and what they do not know they do not say."""

import numpy as np
import pytest

from monitor.errors import UsageError
from monitor.screen.factors import FLOOR, UNBOUNDED, Cells, Factors
from monitor.screen.kernel import Intervals, Kernel
from monitor.screen.scenarios import exposure
from monitor.screen.slots import Slots
from tests.screen.made import CATEGORIES, CELLS, Made, accounts, factors

COUNT = 20_000


@pytest.fixture(scope="module")
def slots() -> Slots:
    return Slots.of(CELLS, accounts(COUNT, np.random.default_rng(1)))


def one(category: int, *balances: tuple[int, int, int]) -> Slots:
    """A single account with (asset, kind, raw) balances."""
    asset, kind, raw = np.array(balances, np.uint64).reshape(-1, 3).T
    made = Made(
        np.array([category], np.uint16), np.array([0, len(asset)]), asset.astype(np.uint16), kind.astype(np.uint8),
        np.zeros(len(raw), np.uint64), raw,
    )  # fmt: skip
    return Slots.of(CELLS, made)


def table(collateral: float, debt: float) -> Factors:
    """One asset, worth so much a unit on each side."""
    made = Factors.blank(CELLS, 1, 1)
    made.collateral[0, 1], made.worth[0, 1] = (collateral, collateral, 0, 0), collateral
    made.debt[0, 1] = (debt, debt, 0, 0)
    return made.widened()


def same(one: Intervals, other: Intervals) -> bool:
    return np.array_equal(one.low, other.low, equal_nan=True) and np.array_equal(one.high, other.high, equal_nan=True)


def test_the_compiled_kernel_says_what_numpy_says_to_the_last_bit(fast: Kernel, slow: Kernel, slots: Slots) -> None:
    assert fast.name.startswith("numba")
    for seed in range(3):
        made = factors(np.random.default_rng(seed), unknown=(3, 17))
        assert same(fast.screen(slots, made), slow.screen(slots, made))


def test_both_kernels_find_the_same_exposure(fast: Kernel, slow: Kernel, slots: Slots) -> None:
    scenarios = [factors(np.random.default_rng(seed), unknown=(9,)) for seed in range(4)]
    found, expected = exposure(fast, slots, scenarios), exposure(slow, slots, scenarios)
    for name in FIELDS:
        assert np.allclose(getattr(found, name), getattr(expected, name), 1e-12, 0.0), name
    assert (found.least_accounts > 0).all()
    assert (found.unknown > 0).all()


def test_an_exposure_counts_what_the_intervals_say(kernel: Kernel, slots: Slots) -> None:
    made = factors(np.random.default_rng(2), unknown=(11,))
    intervals, found = kernel.screen(slots, made), exposure(kernel, slots, [made])
    assert found.least_accounts[0] == (intervals.high < 1).sum()
    assert found.most_accounts[0] == (intervals.low < 1).sum()


def test_some_rows_alone_come_out_as_in_passing(kernel: Kernel, slots: Slots) -> None:
    made = factors(np.random.default_rng(4))
    whole, part = kernel.screen(slots, made), Intervals.room(len(slots))
    rows = np.random.default_rng(5).choice(len(slots), 3_000, replace=False)
    kernel.screen_rows(slots, made, rows, part)
    assert same(Intervals(part.low[rows], part.high[rows]), Intervals(whole.low[rows], whole.high[rows]))
    assert np.isnan(np.delete(part.low, rows)).all()


def test_results_go_into_the_room_that_is_given(kernel: Kernel, slots: Slots) -> None:
    room = Intervals.room(len(slots))
    made = factors(np.random.default_rng(4))
    assert kernel.screen(slots, made, room) is room
    assert same(room, kernel.screen(slots, made, Intervals.room(3)))


def test_an_account_that_owes_nothing_is_infinitely_healthy(kernel: Kernel) -> None:
    for slots in (one(0), one(0, (0, 0, 5))):
        found = kernel.screen(slots, table(2.0, 1.0))
        assert (found.low[0], found.high[0]) == (np.inf, np.inf)


def test_an_account_that_has_nothing_is_below_every_line(kernel: Kernel) -> None:
    found = kernel.screen(one(0, (0, 4, 5)), table(2.0, 1.0))
    assert (found.low[0], found.high[0]) == (0.0, FLOOR)


@pytest.mark.parametrize(
    "slots",
    [
        one(0, (0, 0, 5), (0, 5, 5)),
        one(0, (0, 0, 5), (7, 4, 0)),
        one(0, (7, 0, 0)),
        one(CATEGORIES + 9, (0, 0, 5), (0, 4, 5)),
    ],
    ids=["a kind without bounds", "a debt asset beyond the table", "a collateral beyond it", "an unlisted category"],
)
def test_what_the_factors_do_not_know_is_no_number(kernel: Kernel, slots: Slots) -> None:
    found = kernel.screen(slots, table(2.0, 1.0))
    assert np.isnan(found.low[0])
    assert np.isnan(found.high[0])


def test_an_account_of_an_unlisted_category_with_nothing_owes_nothing(kernel: Kernel) -> None:
    assert kernel.screen(one(300), table(2.0, 1.0)).low[0] == np.inf


def test_what_only_exactness_can_value_straddles_every_line(kernel: Kernel) -> None:
    made = table(2.0, 1.0)
    made.debt[0, 1] = UNBOUNDED
    found = kernel.screen(one(0, (0, 0, 5), (0, 4, 5)), made)
    assert (found.low[0], found.high[0]) == (0.0, np.inf)
    assert exposure(kernel, one(0, (0, 0, 5), (0, 4, 5)), [made]).unknown[0] == 1


def test_a_bound_too_large_for_a_float_is_unknown() -> None:
    assert np.isnan(table(1e250, 1.0).collateral[0, 1]).all()


def test_factors_of_other_cells_are_refused(kernel: Kernel) -> None:
    other = Factors.blank(Cells((0,), (4,)), 1, 1)
    with pytest.raises(UsageError, match="cells"):
        kernel.screen(one(0), other)
    with pytest.raises(UsageError, match="cells"):
        exposure(kernel, one(0), [other])


FIELDS = (
    "least_accounts",
    "most_accounts",
    "least_debt",
    "most_debt",
    "least_collateral",
    "most_collateral",
    "unknown",
)
