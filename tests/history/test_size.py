"""How many bytes a row takes when its day has been put together, and how quickly one account is found among many."""

import time

import duckdb
import pytest

from monitor.history.files import partitions, parts
from monitor.history.keeping import kept
from monitor.history.queries import Wanted, rows
from monitor.history.records import MARKET, NUMBERS
from monitor.history.tidying import compact
from tests.fakes.clock import FakeClock
from tests.history.made import HOUR_S, MIDNIGHT_S, drifting, each

ACCOUNTS, HOURS = 1_000, 24
MOST_BYTES = 25
_BYTES = """SELECT path_in_schema, sum(total_compressed_size), any_value(encodings) FROM parquet_metadata($path)
GROUP BY 1 ORDER BY 2 DESC"""


async def _kept(root, accounts):
    with kept(root, FakeClock(MIDNIGHT_S), 400) as history:
        for snapshot in drifting(accounts, HOURS):
            await history.market(each(snapshot))
    compact(root, MIDNIGHT_S + 48 * HOUR_S)
    (day,) = partitions(root)
    (part,) = parts(root, day)
    return part.path


def _sizes(path, count):
    found = duckdb.execute(_BYTES, {"path": str(path)}).fetchall()
    return {name: (size / count, encodings) for name, size, encodings in found}


async def test_the_numbers_of_a_row_take_at_most_25_bytes(tmp_path):
    sizes = _sizes(await _kept(tmp_path, ACCOUNTS), ACCOUNTS * HOURS)
    numbers = sum(sizes[name][0] for name in NUMBERS)
    print(f"\n{ACCOUNTS:,} accounts × {HOURS} snapshots: {numbers:.1f} bytes a row for the numbers, ", end="")
    print(f"{sum(size for size, _ in sizes.values()):.1f} for everything")
    for name, (size, encodings) in sizes.items():
        print(f"  {name:24} {size:6.2f}  {encodings}")
    assert numbers <= MOST_BYTES


@pytest.mark.long
async def test_one_account_among_many_is_found_by_the_order_of_the_file(tmp_path):
    path = await _kept(tmp_path, 5_000)
    size = path.stat().st_size
    (key,) = duckdb.execute("SELECT key FROM read_parquet($p) LIMIT 1 OFFSET 60000", {"p": str(path)}).fetchone() or ()
    began = time.perf_counter()
    found = [one for some in rows(tmp_path, Wanted(0, 2 * MIDNIGHT_S, MARKET, keys=(key,))) for one in some]
    took_ms = (time.perf_counter() - began) * 1000
    print(f"\n5,000 accounts × {HOURS} snapshots, {size / 1e6:.1f} MB: one account in {took_ms:.0f} ms")
    assert len(found) == HOURS
