"""A ledger comes back after a restart exactly as it was committed, or not at all and with a reason."""

import re
import sqlite3
from pathlib import Path

import pytest

from monitor.domain.ids import MarketKey
from monitor.domain.moment import BlockRef, VenueMoment
from monitor.errors import NotLinked
from monitor.ledger.accounts import Accounts
from monitor.ledger.changes import Changes
from monitor.ledger.journal import Journal
from monitor.ledger.ledger import Ledger
from monitor.store import Commit, Cursor, LedgerPart, NotKept, Store
from monitor.store.ledgers import kept as stored
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import position
from tests.ledger.scripted import CHAIN, Scripted, account, fresh, held
from tests.outbox.scene import opened
from tests.store.test_ledger_kill import FAILPOINTS

ONE = position()


def commit(*journals: Journal, at: BlockRef | None = None, market: MarketKey = ONE.market) -> Commit:
    cursor = Cursor(ONE.deployment, ONE.protocol, CHAIN, at or journals[0].at)
    return Commit(cursor, ledgers=[LedgerPart(ONE.deployment, market, journal) for journal in journals])


async def kept(store: Store) -> Journal:
    found = await store.ledger(ONE.deployment, ONE.market, salt=9)
    assert isinstance(found, Journal), found
    return found


def same(one: Journal, other: Journal) -> bool:
    return (one.at, one.blocks(), one.ledger.digest, one.ledger.sums, held(one.ledger)) == (
        other.at,
        other.blocks(),
        other.ledger.digest,
        other.ledger.sums,
        held(other.ledger),
    )


def count(folder: Path, table: str) -> int:
    with sqlite3.connect(folder / "hfm.db") as connection:
        (found,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    connection.close()
    return int(found)


def small_images(monkeypatch: pytest.MonkeyPatch, log_bytes: int, steps: int = 1024) -> None:
    monkeypatch.setattr(stored, "SMALLEST_LOG_BYTES", log_bytes)
    monkeypatch.setattr(stored, "MOST_STEPS", steps)


@pytest.mark.parametrize(
    ("log_bytes", "steps", "fewest", "most"), [(0, 0, 60, 60), (3_000, 99, 2, 30), (10**9, 999, 1, 1)]
)
async def test_a_ledger_comes_back_at_every_block_with_all_its_way_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_bytes: int, steps: int, fewest: int, most: int
):
    small_images(monkeypatch, log_bytes, steps)
    chain = Scripted(seed=4)
    journal = Journal(Ledger(), chain.genesis)
    images = 0
    async with opened(tmp_path) as store:
        assert await store.ledger(ONE.deployment, ONE.market) == NotKept("none is stored")
        for _ in range(60):
            depth = chain.chance.choice((0, 0, 0, 1, 2, 7))
            journal.rewind(journal.blocks()[min(depth, len(journal.blocks()) - 1)].hash)
            for step in chain.branch(journal.at, 1 + chain.chance.randrange(3)):
                journal.apply(step)
            await store.commit(commit(journal))
            images += count(tmp_path, "ledger_steps") == 0
            again = await kept(store)
            assert same(again, journal)
            assert again.unsaved == ()
        deepest, last = journal.blocks()[-1].hash, await kept(store)
        last.rewind(deepest)
        assert held(last.ledger) == chain.states[deepest]
    assert fewest <= images <= most


async def test_a_restart_goes_on_where_the_last_commit_was_and_keeps_the_log_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    small_images(monkeypatch, 10**9, steps=10)
    chain = Scripted(seed=5)
    journal = Journal(Ledger(), chain.genesis)
    for life in range(25):
        async with opened(tmp_path) as store:
            journal = await kept(store) if life else journal
            for step in chain.branch(journal.at, 2):
                journal.apply(step)
            await store.commit(commit(journal))
            assert count(tmp_path, "ledger_steps") <= 10
        assert held(journal.ledger) == chain.states[journal.at.hash]


async def test_what_was_not_committed_goes_down_with_the_next_commit(tmp_path: Path):
    chain = Scripted(seed=6)
    journal = Journal(Ledger(), chain.genesis)

    class Broken(Exception):
        pass

    fails = False

    def reach(name: str) -> None:
        if fails and name == "commit: cursor written":
            raise Broken

    async with Store.open(f"sqlite:///{tmp_path / 'hfm.db'}", FakeClock(runs=True), reach) as store:
        for length in (1, 3, 0, 200, 2, 0):
            for step in chain.branch(journal.at, length):
                journal.apply(step)
            journal.apply(Changes(journal.at, Accounts.of([account(50 + length, chain.chance)])))
            fails = True
            with pytest.raises(Broken):
                await store.commit(commit(journal))
            if length > 1:
                journal.rewind(journal.blocks()[1].hash)
            fails = False
            await store.commit(commit(journal))
            assert same(await kept(store), journal)


async def test_a_commit_that_was_written_although_it_seemed_to_fail_is_made_good(tmp_path: Path):
    chain = Scripted(seed=7)
    journal = Journal(Ledger(), chain.genesis)
    async with opened(tmp_path) as store:
        await store.commit(commit(journal))
        before, unaware = await kept(store), await kept(store)
        steps = list(chain.branch(journal.at, 2))
        before.apply(steps[0])
        await store.commit(commit(before))
        for step in steps:
            unaware.apply(step)
        await store.commit(commit(unaware))
        assert same(await kept(store), unaware)


async def test_ledgers_of_many_markets_are_kept_apart(tmp_path: Path):
    chains = [Scripted(seed=seed, people=10) for seed in range(4)]
    journals = [Journal(Ledger(), chain.genesis) for chain in chains]
    async with opened(tmp_path) as store:
        for _ in range(5):
            for chain, journal in zip(chains, journals, strict=True):
                for step in chain.branch(journal.at, 1):
                    journal.apply(step)
            parts = [LedgerPart(ONE.deployment, MarketKey(f"m{n}"), journal) for n, journal in enumerate(journals)]
            await store.commit(Commit(commit(journals[0]).cursor, ledgers=parts))
        for n, journal in enumerate(journals):
            found = await store.ledger(ONE.deployment, MarketKey(f"m{n}"))
            assert isinstance(found, Journal)
            assert same(found, journal)
        assert len({journal.ledger.digest for journal in journals}) == 4


async def test_a_ledger_at_another_block_than_the_cursor_is_neither_stored_nor_trusted(tmp_path: Path):
    chain = Scripted(seed=8)
    journal = Journal(Ledger(), chain.genesis)
    (step,) = chain.branch(journal.at, 1)
    moment = VenueMoment("v", None, 1, 1)
    async with opened(tmp_path) as store:
        part = commit(journal).ledgers
        for cursor in (None, Cursor(ONE.deployment, ONE.protocol, CHAIN, moment), commit(journal, at=step.at).cursor):
            with pytest.raises(NotLinked, match="at the cursor's block"):
                await store.commit(Commit(cursor, ledgers=part))
        assert await store.ledger(ONE.deployment, ONE.market) == NotKept("none is stored")
        await store.commit(commit(journal))
        await store.commit(Commit(commit(journal, at=step.at).cursor))
        found = await store.ledger(ONE.deployment, ONE.market)
        assert isinstance(found, NotKept)
        assert found.reason == f"expected it at the cursor's block {step.at.hash}, found it at {chain.genesis.hash}"


HARM: list[tuple[str, str]] = [
    ("UPDATE ledgers SET head = substr(head, 1, 40)", "checksum"),
    ("UPDATE ledgers SET head = zeroblob(length(head))", "checksum"),
    ("DELETE FROM ledger_parts WHERE part = 0", "accounts with digest"),
    ("UPDATE ledger_parts SET data = substr(data, 1, length(data) - 1)", "checksum"),
    ("UPDATE ledger_parts SET data = CAST(substr(data, 2) || x'00' AS BLOB)", "checksum"),
    ("UPDATE ledger_parts SET data = (SELECT data FROM ledger_steps WHERE seq = 0)", "kind p"),
    ("DELETE FROM ledger_steps WHERE seq = 1", "does not follow"),
    ("DELETE FROM ledger_steps WHERE seq = (SELECT max(seq) FROM ledger_steps)", "expected block"),
    ("UPDATE ledger_steps SET data = x'' WHERE seq = 2", "checksum"),
    ("UPDATE ledgers SET digest = 'ab'", "expected block"),
]


@pytest.mark.parametrize(("statement", "why"), HARM)
async def test_a_damaged_ledger_is_refused_with_a_reason_and_replaced(tmp_path: Path, statement: str, why: str):
    chain = Scripted(seed=9, people=10)
    journal = Journal(Ledger(), chain.genesis)
    async with opened(tmp_path) as store:
        for length in (5, 1, 1, 1):
            for step in chain.branch(journal.at, length):
                journal.apply(step)
            await store.commit(commit(journal))
        await kept(store)
    with sqlite3.connect(tmp_path / "hfm.db") as connection:
        assert connection.execute(statement).rowcount >= 1
    connection.close()
    async with opened(tmp_path) as store:
        found = await store.ledger(ONE.deployment, ONE.market)
        assert isinstance(found, NotKept)
        assert "damaged" in found.reason
        assert why in found.reason
        rebuilt = Journal(fresh(chain.states[journal.at.hash]), journal.at)
        await store.commit(commit(rebuilt))
        assert same(await kept(store), rebuilt)


async def test_every_place_of_the_commit_leaves_the_old_ledger_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    small_images(monkeypatch, 2_000)
    chain, names = Scripted(seed=10), set[str]()

    class Broken(Exception):
        pass

    wanted = {""}

    def reach(name: str) -> None:
        names.add(name)
        if name in wanted:
            raise Broken

    async with Store.open(f"sqlite:///{tmp_path / 'hfm.db'}", FakeClock(runs=True), reach) as store:
        journal = Journal(Ledger(), chain.genesis)
        await store.commit(commit(journal))
        for _ in range(12):
            for name in sorted(name for name in names if "ledger" in name):
                wanted.clear()
                wanted.add(name)
                old = await kept(store)
                for step in chain.branch(journal.at, 1):
                    journal.apply(step)
                try:
                    await store.commit(commit(journal))
                except Broken:
                    assert same(await kept(store), old)
                else:
                    assert same(await kept(store), journal)
    assert {name for name in names if "ledger" in name} == {
        "commit: ledger steps written",
        "commit: ledger noted",
        "commit: old ledger image removed",
        "commit: ledger part written",
        "commit: ledger image written",
    }


def test_every_place_where_a_ledger_is_written_is_one_where_the_child_is_killed():
    places = re.findall(r'reach\("(.+?)"\)', Path(stored.__file__).read_text())
    assert {name for name in places if name.startswith("commit")} == {name for name in FAILPOINTS if "ledger" in name}
