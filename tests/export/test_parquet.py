"""Parquet: the integers of the row in every reader, sorted, with bounded memory."""

import random
import resource
import time
from pathlib import Path

import duckdb
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pytest

from monitor.domain.row import COLUMNS
from monitor.export import parquet, writer_for
from monitor.export.columns import FLAGS, INTEGERS
from tests.export.rows import rows


def written(path: Path, some) -> Path:
    with writer_for(path) as writer:
        writer.write(some)
    return path


def keys(file: Path) -> list[str]:
    return [key for (key,) in duckdb.execute(f"SELECT key FROM '{file}'").fetchall()]


def test_every_reader_gives_the_cells_that_were_written(tmp_path: Path):
    wrote = list(rows(50))
    file = written(tmp_path / "f.parquet", wrote)
    by_duckdb = duckdb.execute(f"FROM '{file}'").fetchall()
    by_polars = pl.read_parquet(file).rows()
    pandas = pd.read_parquet(file, dtype_backend="numpy_nullable")
    by_pandas = [tuple(None if pd.isna(cell) else cell for cell in r) for r in pandas.itertuples(index=False)]
    expected = [tuple(r[name] for name in COLUMNS) for r in wrote]
    assert by_duckdb == expected
    assert by_polars == expected
    assert by_pandas == expected


def test_columns_keep_name_order_and_type(tmp_path: Path):
    file = written(tmp_path / "f.parquet", rows(3))
    types = {name: kind for name, kind, *_ in duckdb.execute(f"DESCRIBE FROM '{file}'").fetchall()}
    assert tuple(types) == COLUMNS
    assert {types[name] for name in INTEGERS} == {"BIGINT"}
    assert {types[name] for name in FLAGS} == {"BOOLEAN"}
    assert {kind for name, kind in types.items() if name not in INTEGERS | FLAGS} == {"VARCHAR"}


def test_a_type_does_not_depend_on_which_cells_are_empty(tmp_path: Path):
    wrote = [{**r, "at_block": None, "is_insolvent": None, "reason": None} for r in rows(5000)]
    wrote[4321] |= {"at_block": 2**62, "is_insolvent": False, "reason": "late"}
    file = written(tmp_path / "f.parquet", wrote)
    assert duckdb.execute(f"SELECT at_block, is_insolvent, reason FROM '{file}' WHERE at_block > 0").fetchall() == [
        (2**62, False, "late")
    ]


def test_rows_come_out_sorted_by_position_whatever_order_they_came_in(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("monitor.export.writer.CHUNK_ROWS", 1_000)
    wrote = list(rows(3_500))
    in_order = [r["key"] for r in wrote]
    random.Random(1).shuffle(wrote)
    assert keys(written(tmp_path / "a.parquet", wrote)) == in_order
    wrote.sort(key=lambda r: str(r["key"]))
    assert keys(written(tmp_path / "b.parquet", wrote)) == in_order


def test_no_rows_make_an_empty_table_with_every_column(tmp_path: Path):
    file = written(tmp_path / "f.parquet", [])
    assert pl.read_parquet(file).columns == list(COLUMNS)


def test_the_file_is_zstd(tmp_path: Path):
    file = written(tmp_path / "f.parquet", rows(2000))
    codecs = duckdb.execute(f"SELECT DISTINCT compression FROM parquet_metadata('{file}')").fetchall()
    assert codecs == [("ZSTD",)]


def test_text_that_is_no_unicode_costs_its_escape_and_not_the_file(tmp_path: Path):
    file = written(tmp_path / "f.parquet", [{**r, "reason": "caf\u00e9 \ud800"} for r in rows(1)])
    assert duckdb.execute(f"SELECT reason FROM '{file}'").fetchall() == [("caf\u00e9 \\ud800",)]


def test_rows_beyond_the_memory_limit_wait_on_disk(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(parquet, "MEMORY", "200MB")
    some, order = list(rows(1_000)), list(range(100_000))
    random.Random(2).shuffle(order)
    file = written(tmp_path / "f.parquet", ({**some[n % 1_000], "key": f"{n:06}"} for n in order))
    assert keys(file) == [f"{n:06}" for n in range(100_000)]


@pytest.mark.long
def test_a_million_rows_are_written_in_bounded_memory(tmp_path: Path):
    some = list(rows(20_000))

    def million():
        for lap in range(50):
            for r in some:
                yield {**r, "key": f"0x{lap:02x}{str(r['key'])[4:]}"}

    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, cpu_started = time.perf_counter(), time.process_time()
    file = written(tmp_path / "f.parquet", million())
    spent_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu_started
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) // 1024
    size_mb = file.stat().st_size // 1_000_000
    print(f"1,000,000 rows: {spent_s:.1f} s, {cpu_s:.1f} s of CPU, {size_mb} MB, {grown_mb} MB more memory")
    assert duckdb.execute(f"SELECT count(*) FROM '{file}'").fetchall() == [(1_000_000,)]
    assert grown_mb < 3072
