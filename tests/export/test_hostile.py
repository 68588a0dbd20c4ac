"""What a stranger called his token, and why a read of it failed, stands in no file and no answer as he wrote it."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import orjson

from monitor.domain.health import Unmeasurable
from monitor.domain.row import Row, row
from monitor.export import writer_for
from tests.domain.hostile import PAYLOADS
from tests.export.rows import evaluation, measured

TELLING = [payload for payload in PAYLOADS if len(payload) > 3 and not re.fullmatch(r"[\w -]+", payload)]
SHOWN = re.compile(r"[\n\t]|[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def hostile_rows() -> list[Row]:
    return [
        row(evaluation(n, health, symbol=payload))
        for n, payload in enumerate(TELLING)
        for health in (measured(n), Unmeasurable(payload))
    ]


def texts(value: object) -> Iterator[str]:
    """Yield every text in a value, also in JSON that is written as text."""
    match value:
        case str():
            yield value
            if value[:1] in ("[", "{"):
                yield from texts(json.loads(value))
        case dict():
            for key, one in value.items():
                yield from (*texts(key), *texts(one))
        case list() | tuple():
            for one in value:
                yield from texts(one)
        case _:
            pass


def assert_harmless(found: list[object]) -> None:
    assert len(found) == 2 * len(TELLING)
    for place, one in enumerate(found):
        payload = TELLING[place // 2]
        for text in texts(one):
            assert payload not in text, text[:200]
            assert all(map(SHOWN.match, text)), text[:200]


def written(folder: Path, suffix: str) -> Path:
    path = folder / f"out{suffix}"
    with writer_for(path) as writer:
        writer.write(hostile_rows())
    return path


def test_json_lines_show_none_of_it(tmp_path: Path):
    path = written(tmp_path, ".jsonl")
    assert_harmless([orjson.loads(line) for line in path.read_bytes().splitlines()])


def test_csv_shows_none_of_it(tmp_path: Path):
    with written(tmp_path, ".csv").open(newline="") as file:
        cells = [[cell.removeprefix("'") for cell in line] for line in csv.reader(file)]
    assert_harmless(list(cells[1:]))


def test_parquet_shows_none_of_it(tmp_path: Path):
    path = written(tmp_path, ".parquet")
    assert_harmless([list(one) for one in duckdb.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()])
