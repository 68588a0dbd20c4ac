"""The list as CSV: everybody, with the API's numbers, sent as it is found and never kept whole."""

import csv
import json
import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import aiohttp
import pytest

from monitor.clock import SystemClock
from monitor.store import Store
from tests.dashboard.scene import HOSTILE, kept, sited
from tests.fakes.evaluations import evaluation, position

COLUMNS = ("key", "health_factor", "cautious_health_factor", "debt_usd", "collateral_base", "at_block")


async def everybody(http: aiohttp.ClientSession) -> AsyncIterator[dict[str, object]]:
    """Yield all rows of the API in its order."""
    cursor: str | None = ""
    while cursor is not None:
        async with http.get("/v1/at-risk?limit=1000" + (f"&cursor={cursor}" if cursor else "")) as answer:
            page = await answer.json()
        for one in page["items"]:
            yield one
        cursor = page["next"]


@pytest.mark.parametrize("many", [3_000, pytest.param(100_000, marks=pytest.mark.long)])
async def test_the_csv_has_everybody_with_the_numbers_of_the_api(tmp_path: Path, many: int):
    clock = SystemClock()
    async with (
        Store.open(f"sqlite:///{tmp_path / 'hfm.db'}", clock) as store,
        sited(store, clock) as scene,
        aiohttp.ClientSession(scene.url) as http,
    ):
        for start in range(0, many, 1_000):
            healths = ((number, f"{0.9 + number % 997 / 1000:.3f}") for number in range(start, start + 1_000))
            await kept(store, [evaluation(said, of=position(number, HOSTILE)) for number, said in healths])
        file, started = tmp_path / "all.csv", time.perf_counter()
        tracemalloc.start()
        async with http.get("/at-risk.csv?limit=7") as answer:
            assert (answer.status, answer.headers["Transfer-Encoding"]) == (200, "chunked")
            with file.open("wb") as out:
                async for some in answer.content.iter_any():
                    out.write(some)
        most_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        size, took_s = file.stat().st_size, time.perf_counter() - started
        print(f"{many:,} rows, {size:,} bytes in {took_s:.0f} s, at most {most_bytes:,} bytes of memory")
        with file.open(newline="", encoding="utf-8") as rows:
            told = csv.DictReader(rows)
            async for said in everybody(http):
                found = next(told)
                assert [found[name] for name in COLUMNS] == [str(said[name]) for name in COLUMNS]
                assert json.loads(found["legs"]) == said["legs"]
            assert (told.line_num, next(told, None)) == (many + 1, None)
        assert most_bytes < 25_000_000


async def test_a_csv_that_cannot_be_finished_breaks_off_and_does_not_look_whole(tmp_path: Path):
    clock = SystemClock()
    async with (
        Store.open(f"sqlite:///{tmp_path / 'hfm.db'}", clock) as store,
        sited(store, clock) as scene,
        aiohttp.ClientSession(scene.url, read_bufsize=2**12) as http,
    ):
        await kept(store, [evaluation("1.01", of=position(number, HOSTILE)) for number in range(12_000)])
        async with http.get("/at-risk.csv") as answer:
            await answer.content.readline()
            with closing(connect(tmp_path / "hfm.db")) as books:
                books.execute("ALTER TABLE positions RENAME TO elsewhere")
            with pytest.raises(aiohttp.ClientError):
                await answer.read()
