"""Keys are found whatever they look like and whatever was here before."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import LedgerError
from monitor.ledger.hashing import hashed
from monitor.ledger.index import KeyIndex
from monitor.ledger.owners import OwnerIndex


def column(numbers, width: int = 20):
    return np.frombuffer(b"".join(int(n).to_bytes(width, "big") for n in numbers), np.uint8).reshape(-1, width)


@given(st.integers(0, 2**32), st.sampled_from([1, 4, 7, 20, 32]))
def test_every_key_is_found_through_any_run_of_additions_and_removals(seed, width):
    chance = random.Random(seed)
    keys = column(range(200), width)
    index = KeyIndex(seed)
    here: set[int] = set()
    for _ in range(20):
        out = chance.sample(sorted(here), chance.randrange(len(here) + 1))
        index.drop(keys, np.array(out, np.int64))
        here -= set(out)
        absent = sorted(set(range(200)) - here)
        into = chance.sample(absent, chance.randrange(len(absent) + 1))
        index.add(keys, np.array(into, np.int64))
        here |= set(into)
        assert index.find(keys, keys).tolist() == [n if n in here else -1 for n in range(200)]


def test_keys_that_fall_on_one_place_are_all_found():
    places = hashed(column(range(200_000)), 0) >> np.uint64(54)
    alike = column(np.flatnonzero(places == 5)[:150])
    index = KeyIndex(0)
    index.add(alike, np.arange(150))
    assert index.find(alike, alike).tolist() == list(range(150))
    index.drop(alike, np.arange(0, 150, 2))
    assert index.find(alike, alike).tolist() == [-1 if n % 2 == 0 else n for n in range(150)]


def test_coming_and_going_does_not_grow_the_table():
    keys = column(range(100_000))
    index = KeyIndex(0)
    index.add(keys, np.arange(1000))
    size = index.nbytes
    for first in range(1000, 100_000, 1000):
        index.drop(keys, np.arange(first - 1000, first))
        index.add(keys, np.arange(first, first + 1000))
    assert index.nbytes <= 2 * size


def test_a_row_that_is_not_here_is_an_error_and_no_endless_search():
    keys = column(range(2))
    index = KeyIndex(0)
    index.add(keys, np.array([0]))
    with pytest.raises(LedgerError, match="found one that is not"):
        index.drop(keys, np.array([1]))


@given(st.integers(0, 2**32))
def test_every_row_of_an_owner_is_found_through_any_run_of_changes(seed):
    chance = random.Random(seed)
    owners = column([0] * 120).copy()
    index = OwnerIndex(seed)
    owner_of: dict[int, int] = {}
    for _ in range(20):
        out = chance.sample(sorted(owner_of), chance.randrange(len(owner_of) + 1))
        index.drop(owners, np.array(out, np.int64))
        for row in out:
            del owner_of[row]
        absent = sorted(set(range(120)) - set(owner_of))
        into = {row: chance.randrange(6) for row in chance.sample(absent, chance.randrange(len(absent) + 1))}
        rows = np.array(list(into), np.int64)
        owners[rows] = column(into.values())
        index.add(owners, rows)
        owner_of |= into
        for who in range(1, 6):
            found = sorted(index.rows(owners, column([who])).tolist())
            assert found == sorted(row for row, o in owner_of.items() if o == who)
