"""Keeping history: never waits, never fails a cycle, one writer alone; old days go, and the present is put together."""

import asyncio
from pathlib import Path

import pytest

from monitor.domain.row import row
from monitor.errors import HistoryError
from monitor.history import keeping
from monitor.history.files import DRAFTS, Partition, partitions, parts
from monitor.history.keeping import History, kept
from monitor.history.queries import Wanted, rows
from monitor.history.tidying import MOST_PARTS
from tests.fakes.clock import FakeClock
from tests.history.made import HOUR_S, MIDNIGHT_S, each, seen

ALL = Wanted(0, 2 * MIDNIGHT_S)


def found(root: Path) -> list[tuple[object, object]]:
    return [(one["key"], one["at_time"]) for some in rows(root, ALL) for one in some]


def drafts(root: Path) -> list[Path]:
    return list(root.glob(f"{DRAFTS}/*.parquet"))


def keys(*numbers: int) -> list[str]:
    return [f"0x{number:040x}" for number in numbers]


async def test_what_waits_is_written_at_the_end(tmp_path: Path):
    with kept(tmp_path, FakeClock(), 400) as history:
        history.offer([seen(1, MIDNIGHT_S)])
        assert found(tmp_path) == []
    assert found(tmp_path) == [(keys(1)[0], MIDNIGHT_S)]


async def test_a_full_queue_drops_and_counts_and_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(keeping, "MOST_WAITING", 3)
    with kept(tmp_path, FakeClock(), 400) as history:
        history.offer([seen(n, MIDNIGHT_S) for n in range(1, 3)])
        history.offer([seen(n, MIDNIGHT_S) for n in range(3, 6)])
        assert history.dropped == 2
        await history.write()
        assert history.written == 3
    assert [key for key, _ in found(tmp_path)] == keys(1, 2, 3)


async def test_a_disk_that_refuses_loses_rows_and_says_so_and_the_next_write_goes_on(tmp_path: Path):
    with kept(tmp_path, FakeClock(), 400) as history:
        blocked = tmp_path / "scope=watched"
        blocked.write_text("a file stands where a folder has to")
        history.offer([seen(1, MIDNIGHT_S)])
        with pytest.raises(HistoryError, match="cannot write"):
            await history.write()
        assert history.dropped == 1
        blocked.unlink()
        history.offer([seen(2, MIDNIGHT_S)])
        await history.write()
    assert [key for key, _ in found(tmp_path)] == keys(2)
    assert drafts(tmp_path) == [], "what was not written leaves nothing behind"


async def test_two_services_do_not_write_to_one_folder(tmp_path: Path):
    with kept(tmp_path, FakeClock(), 400):
        refused = pytest.raises(HistoryError, match="another process keeps history")
        with refused, kept(tmp_path, FakeClock(), 400):
            pass
    with kept(tmp_path, FakeClock(), 400):
        pass


async def test_a_day_with_many_files_is_put_together_and_days_that_are_too_old_go(tmp_path: Path):
    clock = FakeClock(MIDNIGHT_S)
    with kept(tmp_path, clock, keep_days=2) as history:
        for n in range(MOST_PARTS):
            history.offer([seen(n + 1, MIDNIGHT_S + n)])
            await history.write()
        await history.tidy()
        (day,) = partitions(tmp_path)
        (part,) = parts(tmp_path, day)
        assert (part.first, part.last) == (1, MOST_PARTS)
        assert len(list(day.folder(tmp_path).iterdir())) == 1
        history.offer([seen(1, MIDNIGHT_S + 2 * 24 * HOUR_S)])
        await history.write()
        await clock.advance(2 * 24 * HOUR_S)
        await history.tidy()
        assert len(found(tmp_path)) == MOST_PARTS + 1, "two days old is kept"
        await clock.advance(24 * HOUR_S)
        await history.tidy()
        assert len(found(tmp_path)) == 1


async def test_a_snapshot_that_breaks_off_leaves_nothing(tmp_path: Path):
    async def broken():
        yield row(seen(1, MIDNIGHT_S))
        raise OSError("the chain is gone")

    with kept(tmp_path, FakeClock(), 400) as history:
        with pytest.raises(OSError, match="the chain is gone"):
            await history.market(broken())
        assert found(tmp_path) == []
        assert await history.market(each(())) == 0
    assert drafts(tmp_path) == []


async def test_a_large_snapshot_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("monitor.history.writing.CHUNK_ROWS", 1_000)
    with kept(tmp_path, FakeClock(), 400) as history:
        assert await history.market(each(row(seen(n, MIDNIGHT_S)) for n in range(5_500, 0, -1))) == 5_500
    (day,) = partitions(tmp_path)
    assert day == Partition.at("market", "local-core", MIDNIGHT_S)
    assert len(parts(tmp_path, day)) == 1
    assert [key for key, _ in found(tmp_path)] == keys(*range(1, 5_501))


async def test_cycles_and_snapshots_write_side_by_side(tmp_path: Path):
    with kept(tmp_path, FakeClock(), 400) as history:

        async def cycles(history: History) -> None:
            for n in range(20):
                history.offer([seen(1, MIDNIGHT_S + n)])
                await history.write()
                await history.tidy()

        async with asyncio.TaskGroup() as group:
            group.create_task(cycles(history))
            for start in (100, 200, 300):
                group.create_task(history.market(each([row(seen(start, MIDNIGHT_S + start))])))
    assert len(found(tmp_path)) == 23
