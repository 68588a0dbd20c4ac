"""Slots follow their rows through any changes, as if made anew."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import UsageError
from monitor.screen.kernel import Kernel, numpy_kernel
from monitor.screen.slots import Slots
from tests.screen.made import CELLS, Made, accounts, factors

POOL = accounts(400, np.random.default_rng(7))
FACTORS = factors(np.random.default_rng(8))
KERNEL: Kernel = numpy_kernel()
EMPTY = 10**6
"""Stands for an account with nothing."""
NOTHING = Made(
    np.zeros(1, np.uint16), np.zeros(2, np.int64), np.zeros(0, np.uint16), np.zeros(0, np.uint8),
    np.zeros(0, np.uint64), np.zeros(0, np.uint64),
)  # fmt: skip


def array(rows: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(rows, np.int64)


def as_expected(slots: Slots, expected: list[int]) -> None:
    """Each row's interval is that of the account expected there."""
    assert len(slots) == len(expected)
    found = KERNEL.screen(slots, FACTORS)
    alone = KERNEL.screen(Slots.of(CELLS, POOL), FACTORS)
    for ends, known in ((found.low, alone.low), (found.high, alone.high)):
        wanted = [np.inf if account == EMPTY else known[account] for account in expected]
        assert np.array_equal(ends, wanted, equal_nan=True)
    wide = [row for row, account in enumerate(expected) if account != EMPTY and is_wide(account)]
    assert sorted(slots.wide.row[: len(slots.wide)].tolist()) == wide


def is_wide(account: int) -> bool:
    kinds = POOL.kind[POOL.offsets[account] : POOL.offsets[account + 1]]
    return bool((kinds == 0).sum() > 4 or np.isin(kinds, (4, 5)).sum() > 3)


@given(st.data())
def test_slots_after_any_changes_are_as_made_anew(data: st.DataObject) -> None:
    slots, expected = Slots.empty(CELLS), list[int]()
    for _ in range(data.draw(st.integers(1, 6))):
        match data.draw(st.sampled_from(("update", "clear", "move", "truncate"))):
            case "update":
                rows = data.draw(st.lists(st.integers(0, len(expected) + 20), unique=True, max_size=12))
                chosen = [data.draw(st.integers(0, 399)) for _ in rows]
                slots.update(array(rows), POOL.some(array(chosen)))
                expected += [EMPTY] * (max(rows, default=-1) + 1 - len(expected))
                for row, account in zip(rows, chosen, strict=True):
                    expected[row] = account
            case "clear":
                rows = [row for row in range(len(expected)) if data.draw(st.booleans())]
                slots.clear(array(rows))
                expected = [EMPTY if row in rows else account for row, account in enumerate(expected)]
            case "move":
                half = data.draw(st.integers(0, len(expected) // 2))
                rows, to = list(range(len(expected) - half, len(expected))), list(range(half))
                slots.move(array(rows), array(to))
                expected = [*expected[len(expected) - half :], *expected[half : len(expected) - half], *[EMPTY] * half]
            case "truncate":
                count = data.draw(st.integers(0, len(expected)))
                slots.truncate(count)
                expected = expected[:count]
    as_expected(slots, expected)


def test_many_accounts_are_placed_as_one_by_one() -> None:
    slots = Slots.empty(CELLS)
    for account in range(400):
        slots.update(array([account]), POOL.some(array([account])))
    as_expected(slots, list(range(400)))
    as_expected(Slots.of(CELLS, POOL), list(range(400)))


def test_a_wide_account_that_changes_every_block_does_not_pile_up() -> None:
    slots = Slots.of(CELLS, POOL)
    wide = [account for account in range(400) if is_wide(account)]
    before = slots.wide.nbytes
    for _ in range(500):
        slots.update(array(wide), POOL.some(array(wide)))
    assert slots.wide.nbytes <= 4 * before
    as_expected(slots, list(range(400)))


def test_a_row_that_is_cleared_twice_at_once_takes_no_other_with_it() -> None:
    slots = Slots.of(CELLS, POOL)
    wide = next(account for account in range(400) if is_wide(account))
    slots.clear(array([wide, 3, wide, 3]))
    as_expected(slots, [EMPTY if row in {wide, 3} else row for row in range(400)])


def test_a_million_three_legged_accounts_would_take_at_most_100_bytes_each() -> None:
    slots = Slots.of(CELLS, accounts(10_000, np.random.default_rng(3), held=(1, 2), owed=(1, 2)))
    assert slots.nbytes <= 100 * len(slots)


def test_growing_by_single_rows_leaves_little_room_unused() -> None:
    slots = Slots.of(CELLS, POOL)
    for row in range(400, 800):
        slots.update(array([row]), NOTHING)
    assert len(slots.category) <= 800 * 9 // 8


def test_raw_balances_keep_their_size_over_both_limbs() -> None:
    raw = 3 * 2**64 + 5
    made = Made(
        np.zeros(1, np.uint16), array([0, 1]), np.zeros(1, np.uint16), np.zeros(1, np.uint8),
        np.array([raw >> 64], np.uint64), np.array([raw & 2**64 - 1], np.uint64),
    )  # fmt: skip
    assert Slots.of(CELLS, made).collateral_raw[0, 0] == float(raw)


@pytest.mark.parametrize("rows", [[0, 0], [0], [0, -1]])
def test_rows_that_do_not_fit_the_accounts_are_refused(rows: list[int]) -> None:
    with pytest.raises(UsageError, match="row of its own"):
        Slots.empty(CELLS).update(array(rows), POOL.some(array([1, 2])))


def test_an_account_with_more_legs_than_the_bounds_cover_is_refused() -> None:
    legs = np.arange(1_001)
    many = Made(
        np.zeros(1, np.uint16), array([0, 1_001]), legs.astype(np.uint16), np.zeros(1_001, np.uint8),
        legs.astype(np.uint64), legs.astype(np.uint64),
    )  # fmt: skip
    with pytest.raises(UsageError, match="at most 1000 legs"):
        Slots.of(CELLS, many)
