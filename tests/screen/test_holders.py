"""A move of few assets recomputes who holds them, and ends where a full pass ends."""

from dataclasses import replace

import numpy as np
import pytest

from monitor.screen.factors import Factors
from monitor.screen.holders import Holders, rescreen
from monitor.screen.kernel import Kernel
from monitor.screen.slots import Slots
from tests.screen.made import ASSETS, CELLS, accounts, factors

COUNT = 5_000
RARE, COMMON = ASSETS - 1, 0


@pytest.fixture
def slots() -> Slots:
    return Slots.of(CELLS, accounts(COUNT, np.random.default_rng(1)))


def moved(made: Factors, *assets: int, by: float = 1.01) -> Factors:
    """The same factors with another price of some assets."""
    collateral, debt = made.collateral.copy(), made.debt.copy()
    for asset in assets:
        collateral[:, 1 + asset] *= by
        debt[:, 1 + 2 * asset : 3 + 2 * asset] *= by
    return replace(made, collateral=collateral, debt=debt)


def test_the_holders_of_an_asset_are_those_with_a_leg_of_it(slots: Slots) -> None:
    made, holders = accounts(COUNT, np.random.default_rng(1)), Holders.of(slots)
    owner = np.repeat(np.arange(COUNT), np.diff(made.offsets))
    for asset in (COMMON, 7, RARE):
        has = owner[(made.asset == asset) & np.isin(made.kind, (0, 4, 5))]
        assert np.array_equal(holders.of_assets([asset], COUNT), np.unique(has))
        assert holders.legs_of([asset]) == len(has)


def test_a_rare_asset_that_moves_costs_its_holders_alone(slots: Slots, kernel: Kernel) -> None:
    before = factors(np.random.default_rng(2), unknown=(30,))
    after, holders = moved(before, RARE), Holders.of(slots)
    intervals = kernel.screen(slots, before)
    rows = rescreen(kernel, slots, holders, before, after, intervals)
    assert rows is not None
    assert np.array_equal(rows, holders.of_assets([RARE], COUNT))
    assert np.array_equal(intervals.low, kernel.screen(slots, after).low, equal_nan=True)


def test_an_asset_that_most_hold_costs_a_full_pass(slots: Slots, kernel: Kernel) -> None:
    before = factors(np.random.default_rng(2))
    after, intervals = moved(before, COMMON), kernel.screen(slots, before)
    assert rescreen(kernel, slots, Holders.of(slots), before, after, intervals) is None
    assert np.array_equal(intervals.high, kernel.screen(slots, after).high, equal_nan=True)


def test_a_thousand_ticks_drift_by_nothing(slots: Slots, kernel: Kernel) -> None:
    random, holders, now = np.random.default_rng(3), Holders.of(slots), factors(np.random.default_rng(2))
    intervals = kernel.screen(slots, now)
    for _ in range(1_000 if kernel.block else 100):
        after = moved(now, int(random.integers(ASSETS // 2, ASSETS)), by=random.uniform(0.99, 1.01))
        rescreen(kernel, slots, holders, now, after, intervals)
        now = after
    fresh = kernel.screen(slots, now)
    assert np.array_equal(intervals.low, fresh.low, equal_nan=True)
    assert np.array_equal(intervals.high, fresh.high, equal_nan=True)


def test_rows_that_changed_since_are_always_among_those_recomputed(slots: Slots, kernel: Kernel) -> None:
    before, holders = factors(np.random.default_rng(2)), Holders.of(slots)
    intervals = kernel.screen(slots, before)
    rows = np.array([5, 77, 4_000])
    slots.update(rows, accounts(3, np.random.default_rng(9)))
    holders.note(rows)
    after = moved(before, RARE)
    rescreen(kernel, slots, holders, before, after, intervals)
    assert np.array_equal(intervals.low, kernel.screen(slots, after).low, equal_nan=True)


def test_new_rows_or_another_make_up_cost_a_full_pass(slots: Slots, kernel: Kernel) -> None:
    before, holders = factors(np.random.default_rng(2)), Holders.of(slots)
    intervals = kernel.screen(slots, before)
    assert rescreen(kernel, slots, holders, before, replace(before, slack=0.0), intervals) is None
    assert rescreen(kernel, slots, holders, before, before.covering(200, 10), intervals) is None
    assert rescreen(kernel, slots, holders, before, before, intervals) is not None
