"""Whoever is cut off in the middle of a read leaves no thread, no open file and nothing that waits for ever."""

import asyncio
import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from monitor.errors import StoreError
from monitor.store import Store
from tests.outbox.scene import opened

LONG = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT count(*) FROM n")
SOON_S = 10


@pytest.fixture(autouse=True)
def none_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    gc.collect()
    for thread in set(threading.enumerate()) - before:
        thread.join(SOON_S)
    assert set(threading.enumerate()) <= before


async def long_read(store: Store) -> None:
    async with store._database.reading() as connection:
        await connection.execute(LONG)


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("between", [1, 2, 3, 5, 8, 13])
async def test_a_read_that_is_cut_off_twice_ends(tmp_path: Path, between: int):
    async with opened(tmp_path) as store:
        reading = asyncio.create_task(long_read(store))
        await asyncio.sleep(0.02)
        for _ in range(2):
            reading.cancel()
            await turns(between)
        async with asyncio.timeout(SOON_S):
            while others := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(others)
        assert reading.cancelled()
        await long_read(store)


@pytest.mark.parametrize("after", [0, 1, 2, 3, 5, 8, 13])
@pytest.mark.parametrize("times", [1, 2])
async def test_a_store_that_closes_while_a_read_is_cut_off_closes_its_connection(
    tmp_path: Path, after: int, times: int
):
    async with opened(tmp_path) as store:
        reading = asyncio.create_task(long_read(store))
        await asyncio.sleep(0.02)
        for _ in range(times):
            reading.cancel()
            await turns(after)
    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_who_reads_on_when_the_store_is_closed_is_refused(tmp_path: Path):
    async with opened(tmp_path) as store:
        await long_read(store)
    with pytest.raises(StoreError, match="the store is closed"):
        await long_read(store)
