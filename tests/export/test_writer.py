"""One file out of many rows: whole or not at all, and a clear word when it cannot be."""

import json
import os
import stat
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from monitor.errors import UsageError
from monitor.export import writer_for
from monitor.export.writer import FORMATS
from tests.architecture.tree import ROOT
from tests.export.rows import rows

SUFFIXES = sorted(FORMATS)


def _write_and_fail(writer, error):
    writer.write(rows(3))
    raise error


@pytest.mark.parametrize("name", ["out.xlsx", "out", "out.csv.gz", ".csv"])
def test_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path: Path, name):
    with pytest.raises(UsageError, match=r"\.csv, \.jsonl, \.parquet"), writer_for(tmp_path / name):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".CSV", ".Jsonl", ".PARQUET"])
def test_a_suffix_may_be_written_in_capitals(tmp_path: Path, suffix):
    with writer_for(tmp_path / f"out{suffix}") as writer:
        writer.write(rows(2))
    assert (tmp_path / f"out{suffix}").stat().st_size > 0


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_place_that_cannot_be_written_is_refused_before_the_first_row(tmp_path: Path, suffix):
    (tmp_path / f"folder{suffix}").mkdir()
    (tmp_path / "file").touch()
    for path in (tmp_path / "none" / f"out{suffix}", tmp_path / f"folder{suffix}", tmp_path / "file" / f"out{suffix}"):
        with pytest.raises(UsageError, match="output file"), writer_for(path):
            pytest.fail("the block must not run")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failure_leaves_what_stood_there_and_nothing_else(tmp_path: Path, suffix):
    path = tmp_path / f"out{suffix}"
    path.write_text("yesterday")
    reading = ConnectionResetError("the node went away")
    with pytest.raises(ConnectionResetError), writer_for(path) as writer:
        _write_and_fail(writer, reading)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [(path.name, "yesterday")]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_error_of_the_rows_is_not_taken_for_one_of_the_file(tmp_path: Path, suffix):
    def failing():
        yield from rows(3)
        raise TimeoutError("no answer")

    with pytest.raises(TimeoutError), writer_for(tmp_path / f"out{suffix}") as writer:
        writer.write(failing())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_file_appears_only_when_it_is_whole(tmp_path: Path, suffix):
    path = tmp_path / f"out{suffix}"
    with writer_for(path) as writer:
        writer.write(rows(3))
        assert not path.exists()
        writer.write(rows(4, first=3))
    assert writer.rows == 7
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_file_has_the_rights_of_any_new_file(tmp_path: Path, suffix):
    mask = os.umask(0o027)
    try:
        with writer_for(tmp_path / f"out{suffix}") as writer:
            writer.write(rows(1))
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / f"out{suffix}").stat().st_mode) == 0o640


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_is_told_and_leaves_what_stood_there(tmp_path: Path, suffix):
    path = tmp_path / f"out{suffix}"
    path.write_text("yesterday")
    program = """
import resource, signal, sys
from pathlib import Path
from monitor.errors import UsageError
from monitor.export import writer_for
from tests.export.rows import rows

some = list(rows(2000))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    with writer_for(Path(sys.argv[1])) as writer:
        writer.write(some)
except UsageError as e:
    print(e)
"""
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("cannot write")
    assert "too large" in done.stdout
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [(path.name, "yesterday")]


@pytest.mark.parametrize("lives", [12, pytest.param(200, marks=pytest.mark.long)])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_killed_anywhere_the_file_is_what_stood_there_or_the_whole_new_one(tmp_path: Path, suffix: str, lives: int):
    command = [sys.executable, "-m", "tests.export.killed", str(tmp_path / f"out{suffix}"), str(lives)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=True, cwd=ROOT)
    found = Counter(done.stdout.split())
    print(f"\n{suffix}: {dict(found)} after {lives} kills")
    assert found.total() == lives
    assert found["torn"] == 0
    assert found["before"] > 0
    with writer_for(tmp_path / f"out{suffix}") as writer:
        writer.write(rows(3))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_row_without_one_of_the_columns_is_an_error(tmp_path: Path, suffix):
    short = [{name: cell for name, cell in r.items() if name != "owner"} for r in rows(1)]
    with pytest.raises(KeyError, match="owner"), writer_for(tmp_path / f"out{suffix}") as writer:
        writer.write(short)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_rows_that_come_one_by_one_cost_no_more_than_rows_that_come_together(tmp_path: Path, suffix):
    some = list(rows(1_000))
    took_s, files = [], []
    for portions in ([some], [[r] for r in some]):
        started = time.process_time()
        with writer_for(tmp_path / f"{len(portions)}{suffix}") as writer:
            for portion in portions:
                writer.write(portion)
        took_s.append(time.process_time() - started)
        assert writer.rows == 1_000
        files.append((tmp_path / f"{len(portions)}{suffix}").read_bytes())
    assert files[0] == files[1]
    assert took_s[1] < 3 * took_s[0] + 0.5


def test_a_chunk_that_fills_between_portions_loses_and_repeats_nothing(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("monitor.export.writer.CHUNK_ROWS", 100)
    some = list(rows(1_000))
    with writer_for(tmp_path / "out.jsonl") as writer:
        for first in range(0, 1_000, 271):
            writer.write(some[first : first + 271])
    keys = [json.loads(line)["key"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert keys == [r["key"] for r in some]


def test_other_keys_of_a_row_are_left_out(tmp_path: Path):
    with writer_for(tmp_path / "out.jsonl") as writer:
        writer.write({**r, "note": "x"} for r in rows(1))
    assert "note" not in json.loads((tmp_path / "out.jsonl").read_text())
