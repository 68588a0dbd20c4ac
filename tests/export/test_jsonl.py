"""JSON lines: one row per line for every reader, and nothing lost on the way."""

import json
from pathlib import Path

import duckdb
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.domain.row import COLUMNS, row
from monitor.export import writer_for
from monitor.export.columns import JSON
from tests.export.rows import evaluation, measured, rows


def written(path: Path, some) -> Path:
    with writer_for(path) as writer:
        writer.write(some)
    return path


def unnested(line):
    return {name: json.dumps(cell) if name in JSON else cell for name, cell in line.items()}


def test_a_line_is_the_row_with_its_json_nested(tmp_path: Path):
    wrote = list(rows(60))
    lines = [json.loads(line) for line in written(tmp_path / "f.jsonl", wrote).read_text().splitlines()]
    assert [unnested(line) for line in lines] == wrote
    assert all(tuple(line) == COLUMNS for line in lines)
    assert lines[0]["legs"][0]["raw"] == str(10**21)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(), st.text(st.characters()))
def test_no_text_breaks_a_line_or_is_changed(tmp_path: Path, reason, symbol):
    wrote = {**row(evaluation(1, measured(1), symbol=symbol)), "reason": reason + "\ud800\u2028\x85\n"}
    [line] = written(tmp_path / "f.jsonl", [wrote]).read_text().splitlines()
    assert unnested(json.loads(line)) == wrote


def test_other_readers_find_the_same_cells(tmp_path: Path):
    wrote = list(rows(40))
    file = written(tmp_path / "f.jsonl", wrote)
    assert pl.read_ndjson(file)["health_numerator"].to_list() == [r["health_numerator"] for r in wrote]
    unknown = duckdb.execute(
        f"SELECT key FROM '{file}' WHERE status = 'unmeasurable' AND health_factor IS NULL"
    ).fetchall()
    assert unknown == [(r["key"],) for r in wrote if r["status"] == "unmeasurable"]
    legs = duckdb.execute(f"SELECT count(*) FROM (SELECT unnest(legs) FROM '{file}')").fetchall()
    assert legs == [(120,)]
