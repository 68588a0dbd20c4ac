"""A database that cannot be used is said to be so, with what to do."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.clock import SystemClock
from monitor.domain.alerts import Notice
from monitor.errors import ConfigError, StoreError
from monitor.store import Store, tables
from monitor.store.engine import database_url, engines, opening
from monitor.store.migrations import MIGRATIONS, Migration, migrate, pending
from monitor.units import YEAR_S
from tests.fakes.evaluations import evaluation, position
from tests.outbox.scene import alert, opened, step, to


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("", "expected a database"),
        ("hfm.db", "expected a database"),
        ("sqlite://", "SQLite file"),
        ("sqlite:///:memory:", "SQLite file"),
        ("mysql://me:canary-password@host/db", "PostgreSQL"),
        ("sqlite:////dev/null/hfm.db", "can be written"),
        ("sqlite:////proc/hfm.db", "can be written"),
    ],
)
async def test_an_address_that_is_no_usable_database_is_refused(url: str, found: str):
    with pytest.raises(ConfigError, match=found) as raised:
        async with Store.open(url):
            pass
    assert "canary-password" not in str(raised.value)


async def test_a_folder_and_a_file_of_another_kind_are_refused(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("dear diary, " * 1000)
    for name in ("", "notes.txt"):
        with pytest.raises(ConfigError, match="can be written"):
            async with Store.open(f"sqlite:///{tmp_path / name}"):
                pass
    assert (tmp_path / "notes.txt").read_text().startswith("dear diary")


async def test_a_locked_database_says_so_instead_of_hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(opening, "_PRAGMAS", tuple(p.replace("5000", "50") for p in opening._PRAGMAS))
    monkeypatch.setattr(opening, "BUSY_TIMEOUT_S", 0)
    async with opened(tmp_path) as store:
        other = sqlite3.connect(tmp_path / "hfm.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            await store.commit(step())
        with pytest.raises(ConfigError, match="locked"):
            async with opened(tmp_path):
                pass
        other.close()
        await store.commit(step())


async def test_a_change_is_applied_once_and_one_from_the_future_is_refused(tmp_path: Path):
    applied: list[str] = []
    later = Migration("later", lambda _: applied.append("later"))
    async with opened(tmp_path):
        pass
    async with engines(database_url(f"sqlite:///{tmp_path / 'hfm.db'}")) as (writer, _):
        assert await pending(writer) == ()
        for _ in range(2):
            await migrate(writer, SystemClock(), lambda _: None, (*MIGRATIONS, later))
        assert applied == ["later"]
    with pytest.raises(ConfigError, match=r"newer hfm.*later"):
        async with opened(tmp_path):
            pass


@pytest.mark.parametrize("place", ["migration: begun", "migration: applied", "migration: recorded"])
async def test_a_change_cut_short_is_made_whole_the_next_time(tmp_path: Path, place: str):
    class Cut(Exception):
        pass

    def reach(name: str) -> None:
        if name == place:
            raise Cut

    url = f"sqlite:///{tmp_path / 'hfm.db'}"
    with pytest.raises(Cut):
        async with Store.open(url, reach=reach):
            pass
    with sqlite3.connect(tmp_path / "hfm.db") as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()
    async with opened(tmp_path) as store:
        await store.commit(step(Notice(alert(), (to("1"),))))
        assert (await store.views.outbox_status()).pending == 1


async def test_a_database_from_before_learns_the_time_that_interest_takes(tmp_path: Path):
    known = ("first_light", "ledgers")
    async with opened(tmp_path) as store:
        await store.commit(replace(step(), evaluations=[evaluation("1.2")]))
    with sqlite3.connect(tmp_path / "hfm.db") as old:
        old.execute("ALTER TABLE positions DROP COLUMN time_to_liquidation_s")
        old.execute(f"DELETE FROM migrations WHERE name NOT IN {known}")
    async with opened(tmp_path) as store:
        before = await store.views.position(position())
        await store.commit(replace(step(), evaluations=[replace(evaluation("1.2"), time_to_liquidation_s=10 * YEAR_S)]))
        after = await store.views.position(position())
    assert before is not None
    assert after is not None
    assert (before.time_to_liquidation_s, after.time_to_liquidation_s) == (None, 10 * YEAR_S)


def test_every_table_is_strict():
    assert all(table.dialect_options["sqlite"]["strict"] for table in tables.metadata.sorted_tables)
