"""The ledger is a dictionary of accounts, only in columns."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.ids import PositionKey
from monitor.errors import LedgerError
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.ledger.changes import Changes
from monitor.ledger.ledger import Ledger
from tests.ledger.scripted import Known, account, after, changes, fresh, held, key, owner, ref


def put(*accounts: Account, gone: tuple[PositionKey, ...] = (), failed: tuple[PositionKey, ...] = ()) -> Changes:
    return Changes(ref(1), Accounts.of(accounts, failed=[(k, "refused") for k in failed]), gone)


@given(st.integers(0, 2**32), st.sampled_from([(20, 0), (20, 7), (32, 0), (7, 0), (32, 3)]))
def test_any_run_of_changes_leaves_what_a_dictionary_would_hold_and_undoes_to_nothing(seed, shape):
    key_bytes, owners = shape
    chance = random.Random(seed)
    ledger = Ledger(key_bytes, salt=seed, has_owners=bool(owners))
    state: dict[PositionKey, Known] = {}
    undos, before = [], []
    for number in range(1, 13):
        step = changes(ref(number), chance, 25, key_bytes, owners, most=12)
        before.append((state, ledger.digest))
        undos.append(ledger.apply(step))
        state = after(state, step, has_owners=bool(owners))
        assert held(ledger) == state
        assert len(ledger) == len(state)
        twin = fresh(state, key_bytes, has_owners=bool(owners))
        assert (ledger.digest, ledger.sums) == (twin.digest, twin.sums)
        assert ledger.keys(ledger.stale()) == [k for k in ledger.keys(ledger.live()) if state[k].is_stale]
        for n in range(owners):
            owned = sorted(ledger.keys(ledger.owned(owner(n))))
            assert owned == sorted(k for k, known in state.items() if known.account.owner == owner(n))
    while undos:
        ledger.undo(undos.pop())
        was, digest = before.pop()
        assert held(ledger) == was
        assert ledger.digest == digest
    assert (len(ledger), ledger.sums) == (0, {})


def test_a_key_keeps_its_row_while_it_lives_and_the_row_of_one_gone_goes_to_another():
    ledger, chance = Ledger(), random.Random(3)
    ledger.apply(put(*(account(n, chance) for n in range(10))))
    rows = ledger.rows([key(n) for n in range(10)])
    assert rows.tolist() == list(range(10))
    undo = ledger.apply(put(account(4, chance), account(10, chance), gone=(key(2), key(7))))
    assert undo.rows.tolist() == [2, 4, 7]
    assert ledger.rows([key(n) for n in range(11)]).tolist() == [0, 1, -1, 3, 4, 5, 6, -1, 8, 9, 2]
    assert ledger.extent == 10
    assert ledger.is_live(np.arange(10)).tolist() == [True] * 7 + [False] + [True] * 2


def test_a_touched_account_that_cannot_be_read_stays_as_it_was_and_is_marked():
    known = Account(key(1), 1, (Balance(3, 0, 7),))
    ledger = Ledger()
    ledger.apply(put(known))
    digest = ledger.digest
    ledger.apply(put(failed=(key(1), key(2))))
    assert held(ledger) == {key(1): Known(known, is_stale=True), key(2): Known(Account(key(2), 0, ()), is_stale=True)}
    assert ledger.digest != digest
    ledger.apply(put(known, gone=(key(2),)))
    assert ledger.digest == digest
    assert len(ledger.stale()) == 0


def test_equal_balances_have_an_equal_digest_in_whatever_order_and_nothing_else_has():
    chance = random.Random(5)
    people = [account(n, chance) for n in range(50)]
    state = {a.key: Known(a) for a in people}
    turned = {a.key: Known(replace(a, balances=a.balances[::-1])) for a in reversed(people)}
    one = fresh(state)
    assert one.digest == fresh(turned).digest
    seen = {one.digest}
    for a in people:
        others = [replace(a, category=a.category + 1), replace(a, key=key(99)), replace(a, balances=())]
        for i, balance in enumerate(a.balances):
            flips = [replace(balance, raw=balance.raw ^ 1 << bit) for bit in (0, 63, 64, 127)]
            moves = [replace(balance, asset=balance.asset + 300), replace(balance, kind=balance.kind + 9)]
            others += [replace(a, balances=(*a.balances[:i], b, *a.balances[i + 1 :])) for b in flips + moves]
        for other in others:
            if other == a:
                continue
            ledger = fresh({**{k: v for k, v in state.items() if k != a.key}, other.key: Known(other)})
            assert ledger.digest not in seen
            seen.add(ledger.digest)
    assert len(seen) > 500


def test_sums_are_exact_however_large_the_balances():
    people = [Account(key(n), 0, (Balance(2, 5, 2**128 - 1), Balance(0, 1, 3**n % 2**128))) for n in range(1000)]
    ledger = Ledger()
    ledger.apply(put(*people))
    assert ledger.sums == {(2, 5): 1000 * (2**128 - 1), (0, 1): sum(3**n % 2**128 for n in range(1000))}
    ledger.apply(put(gone=tuple(a.key for a in people[1:])))
    assert ledger.sums == {(2, 5): 2**128 - 1, (0, 1): 1}


def test_a_ledger_that_refuses_changes_is_as_it_was():
    chance = random.Random(9)
    ledger = Ledger()
    ledger.apply(put(*(account(n, chance) for n in range(20))))
    was, digest, size = held(ledger), ledger.digest, ledger.extent
    a = account(3, chance)
    wide = Accounts.of([Account(key(1, 32), 0, ())], 32)
    many = Account(key(5), 0, tuple(Balance(n % 65_536, n // 65_536, 1) for n in range(2**16)))
    refused = [
        (put(a, a), "named twice"),
        (put(a, gone=(a.key,)), "named twice"),
        (put(a, failed=(a.key,)), "named twice"),
        (put(gone=(key(8), key(8))), "named twice"),
        (Changes(ref(1), wide), "20 bytes"),
        (put(replace(a, owner=owner(1))), "without owners"),
        (put(many), "65535 balances"),
        (put(gone=(PositionKey("0x12"),)), "40 hex digits"),
        (put(gone=(PositionKey("0x" + "1 " * 20),)), "40 hex digits"),
        (put(gone=(PositionKey("0x" + "zz" * 20),)), "40 hex digits"),
    ]
    for step, why in refused:
        with pytest.raises(LedgerError, match=why):
            ledger.apply(step)
        assert (held(ledger), ledger.digest, ledger.extent) == (was, digest, size)
    with pytest.raises(LedgerError, match="with owners"):
        Ledger(has_owners=True).apply(put(a))


def test_a_row_without_an_account_is_refused_not_read():
    ledger = Ledger()
    ledger.apply(put(Account(key(1), 0, ()), Account(key(2), 0, ())))
    ledger.apply(put(gone=(key(1),)))
    for row in (0, 2, -1):
        with pytest.raises(LedgerError, match="hold an account"):
            ledger.account(row)
    assert ledger.account(1).key == key(2)


def test_an_unknown_key_that_is_gone_is_no_matter():
    ledger = Ledger()
    undo = ledger.apply(put(gone=(key(1),)))
    assert (len(ledger), undo.rows.tolist()) == (0, [])


def test_accounts_that_grow_and_shrink_leave_little_waste_behind():
    ledger, chance = Ledger(), random.Random(11)
    state: dict[PositionKey, Known] = {}
    for number in range(300):
        step = changes(ref(number), chance, 60, most=20)
        ledger.apply(step)
        state = after(state, step)
        legs = ledger._legs
        assert 4 * legs.wasted <= legs.used
        assert legs.used - legs.wasted == sum(len(k.account.balances) for k in state.values())
    assert held(ledger) == state
