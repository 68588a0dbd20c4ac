"""A copy made while the service writes is the store of one moment: whole, and what history makes of it."""

import asyncio
import dataclasses
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from monitor.domain.ids import PositionId
from monitor.errors import StoreError, UsageError
from monitor.rules.state import PositionState
from monitor.store import records
from monitor.store.engine import database_url
from monitor.store.upkeep.backup import Copied, backup
from tests.crash.story import step, told_until
from tests.crash.test_kill import arena
from tests.outbox.scene import opened


def url(file: Path):
    return database_url(f"sqlite:///{file}")


def left(folder: Path, pattern: str) -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))


def rows(file: Path, query: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(query).fetchall()


def history(last: int) -> dict[str, PositionState]:
    """Return what is remembered of every position after a block, worked out from the evaluations alone."""
    states = dict[PositionId, PositionState]()
    for number in range(1, last + 1):
        states |= {state.position: state for state in step(number, states).states}
    return {str(position): state for position, state in states.items()}


def check(copy: Path, copied: Copied) -> int:
    assert rows(copy, "PRAGMA integrity_check") == [("ok",)]
    assert rows(copy, "PRAGMA foreign_key_check") == []
    last = int(rows(copy, "SELECT number FROM cursors")[0][0])
    held = {position: records.state_from(text) for position, text in rows(copy, "SELECT position, state FROM states")}
    assert held == history(last)
    told = told_until(last)
    keys = {key for (key,) in rows(copy, "SELECT key FROM alerts")}
    assert keys == {f"{n.alert.incident}:{n.alert.seq}:{n.alert.kind.value}" for n in told}
    assert copied.rows["states"] == len(held)
    assert copied.rows["alerts"] == len(told)
    assert copied.rows["outbox"] == sum(len(n.recipients) for n in told)
    assert copied.size_bytes == copy.stat().st_size
    return last


async def test_a_copy_made_while_the_service_writes_is_whole_and_is_what_history_makes_of_it(tmp_path: Path):
    async with arena(tmp_path) as world:
        await world.one_life(after_s=1.0)
        life = asyncio.create_task(world.one_life(after_s=6))
        copies = dict[Path, Copied]()
        while not life.done():
            await asyncio.sleep(1.2)
            copy = tmp_path / f"copy{len(copies)}.db"
            copies[copy] = await asyncio.to_thread(backup, url(tmp_path / "hfm.db"), copy)
        await life
        lasts = [check(copy, copied) for copy, copied in copies.items()]
        assert lasts == sorted(lasts)
        assert lasts[0] < lasts[-1]
        restored = tmp_path / "restored"
        restored.mkdir()
        list(copies)[-1].rename(restored / "hfm.db")
        again = dataclasses.replace(world, folder=restored)
        assert await again.one_life(goes_on=False) == 0
        assert {state for (state,) in again.rows("SELECT state FROM outbox")} <= {"sent", "superseded"}
        assert left(tmp_path, ".*") == []


async def test_nothing_is_overwritten_and_nothing_half_made_is_left(tmp_path: Path):
    async with opened(tmp_path):
        pass
    store, there = tmp_path / "hfm.db", tmp_path / "there.db"
    there.write_text("mine")
    with pytest.raises(UsageError, match="choose another name"):
        backup(url(store), there)
    with pytest.raises(UsageError, match="found none"):
        backup(url(store), tmp_path / "nowhere" / "copy.db")
    with pytest.raises(UsageError, match="found none"):
        backup(url(tmp_path / "no.db"), tmp_path / "copy.db")
    with pytest.raises(UsageError, match="pg_dump"):
        backup(database_url("postgresql://me@host/hfm"), tmp_path / "copy.db")
    assert there.read_text() == "mine"
    assert not (tmp_path / "no.db").exists()
    assert left(tmp_path, "*") == ["hfm.db", "there.db"]


async def test_a_store_that_is_not_whole_gives_no_copy(tmp_path: Path):
    async with opened(tmp_path):
        pass
    store = tmp_path / "hfm.db"
    data = bytearray(store.read_bytes())
    for page in range(4096, len(data), 4096):
        data[page : page + 64] = b"\xff" * 64
    store.write_bytes(data)
    with pytest.raises(StoreError, match=r"expected to copy|not whole"):
        backup(url(store), tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()
    assert left(tmp_path, ".copy*") == []
