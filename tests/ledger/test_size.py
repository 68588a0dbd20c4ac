"""What a ledger costs: bytes per account, and time to find, change and take back."""

import gc
import time
import tracemalloc
from collections.abc import Callable
from statistics import median

import numpy as np
import pytest

from monitor.ledger.accounts import Accounts
from monitor.ledger.changes import Changes
from monitor.ledger.journal import Journal
from monitor.ledger.ledger import Ledger
from tests.ledger.scripted import ref
from tests.ledger.synthetic import people, some

BUDGET_BYTES = 150
COUNTS = [100_000, pytest.param(1_000_000, marks=pytest.mark.long)]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("owners", [False, True])
def test_an_account_of_three_balances_takes_at_most_150_bytes_however_the_ledger_grew(count: int, owners: bool):
    all_of_them = people(count, owners=owners)
    gc.collect()
    tracemalloc.start()
    try:
        ledger = Ledger(has_owners=owners)
        at = 0
        while at < count:
            to = min(at + max(1_000, count // 37), count)
            ledger.load(some(all_of_them, at, to), np.zeros(to - at, np.bool_))
            at = to
        gc.collect()
        traced = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    print(f"{count} accounts, owners {owners}: {traced / count:.1f} bytes each, {ledger.nbytes / count:.1f} in columns")
    assert len(ledger) == count
    assert traced <= BUDGET_BYTES * count
    assert ledger.nbytes <= traced


@pytest.mark.parametrize("owners", [False, True])
def test_no_size_is_an_unlucky_one(owners: bool):
    all_of_them = people(60_000, owners=owners)
    ledger, sizes = Ledger(has_owners=owners), []
    for at in range(0, 60_000, 500):
        ledger.load(some(all_of_them, at, at + 500), np.zeros(500, np.bool_))
        sizes.append(ledger.nbytes / len(ledger))
    print(f"owners {owners}: at most {max(sizes[10:]):.1f} bytes each from 5,000 to 60,000 accounts")
    assert max(sizes[10:]) <= BUDGET_BYTES


def test_a_ledger_that_was_changed_for_long_stays_within_its_budget():
    ledger, chance = Ledger(), np.random.default_rng(4)
    ledger.load(people(20_000), np.zeros(20_000, np.bool_))
    for turn in range(100):
        rows = chance.choice(20_000, 500, replace=False)
        old = ledger.accounts(rows)
        fresh = people(500, turn, legs=int(chance.integers(2, 5)))
        changed = Accounts(old.keys, fresh.category, fresh.offsets, fresh.asset, fresh.kind, fresh.high, fresh.low)
        ledger.apply(Changes(ref(1), changed))
    legs = int(ledger.accounts().offsets[-1])
    assert ledger.nbytes <= BUDGET_BYTES * max(20_000, legs // 3)


@pytest.mark.parametrize("count", COUNTS)
def test_finding_changing_and_taking_back_cost_no_more_as_the_ledger_grows(count: int):
    all_of_them = people(count)
    ledger, chance = Ledger(), np.random.default_rng(4)
    load_s = _took(lambda: ledger.load(all_of_them, np.zeros(count, np.bool_)))
    find_s = _took(lambda: ledger.rows_of(all_of_them.keys))
    found = [_took(lambda n=n: ledger.rows_of(all_of_them.keys[n : n + 1])) for n in range(50)]  # type: ignore[misc]
    lines = [
        f"load {load_s:.2f} s, find {find_s / count * 1e9:.0f} ns/key in bulk, {median(found) * 1e6:.0f} us for one"
    ]
    journal, each = Journal(ledger, ref(0)), 0.0
    for touched in (1, 100, 1_000):
        applied = []
        for _ in range(9):
            put = ledger.accounts(chance.choice(count, touched, replace=False))
            put.low[:] += np.uint64(1)
            step = Changes(ref(journal.at.number + 1, 0, journal.at), put)
            applied.append(_took(lambda step=step: journal.apply(step)))  # type: ignore[misc]
        digest = ledger.digest
        undone = [_took(lambda: journal.rewind(journal.blocks()[1].hash)) for _ in range(9)]
        assert ledger.digest != digest
        each = median(applied) / touched
        lines.append(f"{touched} accounts: apply {median(applied) * 1e6:.0f} us, undo {median(undone) * 1e6:.0f} us")
    print(f"{count} accounts: " + "; ".join(lines))
    assert each <= 50e-6
    assert find_s / count <= 5e-6


def _took(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
