"""Whatever the chain takes back, the ledger is as if it had only ever seen the chain that stands."""

import time
from dataclasses import replace

import pytest

from monitor.errors import LedgerError, NotLinked, ReorgTooDeep
from monitor.ledger.accounts import Accounts
from monitor.ledger.changes import Changes
from monitor.ledger.journal import DEPTH, Journal, Rewound
from monitor.ledger.ledger import Ledger
from tests.ledger.scripted import Scripted, account, fresh, held, key, ref
from tests.length import Bounded

FORKS = 10_000


def test_after_any_of_ten_thousand_forks_the_state_is_that_of_a_fresh_rebuild(bounded: Bounded):
    started = time.perf_counter()
    chain = Scripted(people=20)
    chance = chain.chance
    journal = Journal(Ledger(), chain.genesis)
    for step in chain.branch(journal.at, DEPTH):
        journal.apply(step)
    depths = []
    for fork in range(bounded(FORKS)):
        deepest = min(DEPTH, len(journal.blocks()) - 1)
        depth = chance.randint(1, deepest) if fork % 200 == 0 else min(1 + int(chance.expovariate(1)), deepest)
        depths.append(depth)
        ancestor = journal.blocks()[depth]
        journal.rewind(ancestor.hash)
        assert held(journal.ledger) == chain.states[ancestor.hash]
        for step in chain.branch(ancestor, depth + chance.randrange(2)):
            journal.apply(step)
        _is_rebuild(journal, chain)
        if fork % 50 == 0:
            chain.keep(journal.blocks())
    took_s = time.perf_counter() - started
    print(
        f"{len(depths)} forks, depth 1 to {max(depths)}, {2 * sum(depths)} blocks taken back or applied, {took_s:.1f} s"
    )
    assert max(depths) > 100


def _is_rebuild(journal: Journal, chain: Scripted) -> None:
    state = chain.states[journal.at.hash]
    twin = fresh(state)
    assert (journal.ledger.digest, journal.ledger.sums) == (twin.digest, twin.sums)
    assert held(journal.ledger) == state


def test_every_depth_up_to_the_full_one_can_be_taken_back():
    for depth in (1, 2, 64, 127, 128):
        chain = Scripted(seed=depth)
        journal = Journal(Ledger(), chain.genesis)
        for step in chain.branch(journal.at, 150):
            journal.apply(step)
        assert [block.number for block in journal.blocks()] == list(range(150, 21, -1))
        journal.rewind(journal.blocks()[depth].hash)
        assert journal.at.number == 150 - depth
        _is_rebuild(journal, chain)


def test_a_fork_below_the_journal_is_refused_and_nothing_is_taken_back():
    chain = Scripted()
    journal = Journal(Ledger(), chain.genesis, depth=16)
    for step in chain.branch(journal.at, 40):
        journal.apply(step)
    at, back = journal.at, journal.back
    below = ref(23, 1)
    assert below.hash in chain.states
    for unknown in (below.hash, ref(30, 5).hash, ""):
        with pytest.raises(ReorgTooDeep, match="not among the last 17: rebuild"):
            journal.rewind(unknown)
        assert (journal.at, journal.back) == (at, back)
        _is_rebuild(journal, chain)


def test_a_block_on_another_parent_is_refused_and_nothing_is_taken():
    chain = Scripted()
    journal = Journal(Ledger(), chain.genesis)
    for step in chain.branch(journal.at, 5):
        journal.apply(step)
    at = journal.at
    sibling, nephew, gap = ref(5, 9, ref(4, 1)), ref(6, 9, ref(5, 9)), ref(7, 1, ref(6, 1))
    for wrong in (sibling, nephew, gap):
        with pytest.raises(NotLinked, match="build on block 5"):
            journal.apply(Changes(wrong, Accounts.of([account(1, chain.chance)])))
        assert journal.at == at
        _is_rebuild(journal, chain)


def test_who_skips_blocks_says_what_the_changes_build_on_and_can_go_back_there():
    chain = Scripted()
    journal = Journal(Ledger(), chain.genesis)
    far = ref(25, 3, ref(24, 3))
    journal.apply(Changes(far, Accounts.of([account(1, chain.chance)]), onto=chain.genesis.hash))
    assert [block.number for block in journal.blocks()] == [25, 0]
    journal.rewind(chain.genesis.hash)
    _is_rebuild(journal, chain)


def test_more_changes_of_one_block_are_taken_back_with_it():
    chain = Scripted()
    journal = Journal(Ledger(), chain.genesis)
    journal.apply(Changes(chain.genesis, Accounts.of([account(7, chain.chance)])))
    repaired = held(journal.ledger)
    (first,) = chain.branch(journal.at, 1)
    journal.apply(first)
    for number in range(5):
        put = Accounts.of([account(7, chain.chance), account(20 + number, chain.chance)])
        journal.apply(Changes(first.at, put, gone=(key(19 + number),)))
    assert [block.number for block in journal.blocks()] == [1, 0]
    journal.rewind(chain.genesis.hash)
    assert held(journal.ledger) == repaired


def test_changes_that_the_ledger_refuses_do_not_move_the_journal():
    chain = Scripted()
    journal = Journal(Ledger(), chain.genesis)
    journal.saved()
    (step,) = chain.branch(journal.at, 1)
    with pytest.raises(LedgerError, match="named twice"):
        journal.apply(replace(step, gone=(key(1), key(1))))
    assert (journal.at, journal.back, journal.unsaved) == (chain.genesis, (), ())


def test_the_rows_named_after_a_step_are_all_that_changed():
    chain = Scripted(people=60)
    journal = Journal(Ledger(), chain.genesis)
    for step in chain.branch(journal.at, 60):
        before = _by_row(journal.ledger)
        rows = journal.apply(step)
        assert _differ(before, _by_row(journal.ledger)) <= set(rows.tolist())
    before = _by_row(journal.ledger)
    rows = journal.rewind(journal.blocks()[40].hash)
    changed = _differ(before, _by_row(journal.ledger))
    assert changed <= set(rows.tolist())
    assert len(changed) > 20
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert len(journal.rewind(journal.at.hash)) == 0


def _by_row(ledger: Ledger):
    rows = ledger.live()
    marked = zip(ledger.accounts(rows), ledger.is_stale(rows).tolist(), strict=True)
    return dict(zip(rows.tolist(), marked, strict=True))


def _differ(before, after):
    return {row for row in before.keys() | after.keys() if before.get(row) != after.get(row)}


def test_what_is_unsaved_is_kept_up_to_the_depth_and_then_only_an_image_will_do():
    chain = Scripted()
    journal = Journal(Ledger(), chain.genesis, depth=8)
    steps = list(chain.branch(journal.at, 20))
    seen = [journal.unsaved]
    journal.apply(steps[0])
    journal.saved()
    seen.append(journal.unsaved)
    journal.apply(steps[1])
    journal.rewind(steps[0].at.hash)
    seen.append(journal.unsaved)
    for step in steps[1:8]:
        journal.apply(step)
    seen.append(journal.unsaved)
    journal.saved()
    seen.append(journal.unsaved)
    assert seen == [None, (), (steps[1], Rewound(steps[0].at.hash)), None, ()]
    assert journal.saved_at == journal.at == steps[7].at
