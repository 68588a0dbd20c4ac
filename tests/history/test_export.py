"""`hfm export`: what was kept comes out in the columns of a snapshot, in every format, with every digit."""

import asyncio
import contextlib
import csv
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from monitor.cli.analysis.export import seconds
from monitor.domain.row import COLUMNS, row
from monitor.errors import UsageError
from monitor.history.keeping import kept
from tests.architecture.tree import ROOT
from tests.e2e.command import hfm
from tests.fakes.clock import FakeClock
from tests.history.made import BIG, HOUR_S, MIDNIGHT_S, each, seen

WHOLE = ("--since", "2025-06-15", "--until", "2025-06-18T00:00:00+00:00")


async def _build(root: Path) -> None:
    with kept(root, FakeClock(MIDNIGHT_S), 400) as history:
        for hour in range(4):
            at = MIDNIGHT_S + hour * HOUR_S
            history.offer([seen(1, at, BIG), seen(2, at, "1.05")])
            market = [seen(n, at + 60, "?no price" if n == 5 else "1.5", "other-core") for n in (3, 4, 5)]
            await history.market(each(map(row, market)))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    asyncio.run(_build(tmp_path / "history"))
    return tmp_path / "history"


def told(root: Path, *arguments: str) -> list[dict[str, object]]:
    said = hfm("export", "--history", root, *(() if "--since" in arguments else WHOLE), *arguments)
    assert said.code == 0, said.err
    return [json.loads(line) for line in said.out.splitlines()]


def test_rows_come_out_as_they_were_evaluated(root: Path):
    found = told(root, "--deployment", "local-core")
    assert found == [
        row(seen(n, MIDNIGHT_S + h * HOUR_S, said)) for n, said in ((1, BIG), (2, "1.05")) for h in range(4)
    ]


def test_each_filter_leaves_what_it_names(root: Path):
    assert len(told(root)) == 4 * 5
    assert {one["key"] for one in told(root, "--owner", "0x" + "2".zfill(40))} == {"0x" + "2".zfill(40)}
    assert len(told(root, "--position", f"local-core/0x{1:040x}")) == 4
    assert {(one["deployment"], one["status"]) for one in told(root, "--below", "1.1")} == {
        ("local-core", "measured"), ("other-core", "unmeasurable")
    }  # fmt: skip
    late = datetime.fromtimestamp(MIDNIGHT_S + 3 * HOUR_S, UTC).isoformat()
    assert len(told(root, "--since", late)) == 5
    assert told(root, "--since", late, "--until", late) == told(root, "--since", late)[:2]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_every_format_holds_the_same_integers(root: Path, tmp_path: Path, suffix: str):
    path = tmp_path / f"out.{suffix}"
    said = hfm("export", "--history", root, *WHOLE, "--output", path)
    assert (said.code, said.out) == (0, "")
    assert "20 rows to" in said.err
    if suffix == "csv":
        with path.open(newline="") as file:
            found = [dict(one) for one in csv.DictReader(file)]
    elif suffix == "jsonl":
        found = [json.loads(line) for line in path.read_text().splitlines()]
    else:
        cursor = duckdb.execute("SELECT * FROM read_parquet($path)", {"path": str(path)})
        found = [dict(zip(COLUMNS, cells, strict=True)) for cells in cursor.fetchall()]
    assert {tuple(one) for one in found} == {COLUMNS}
    numerators = [one["health_numerator"] for one in found if one["key"] == f"0x{1:040x}"]
    assert [int(str(one)) for one in numerators] == [BIG.numerator] * 4


@pytest.mark.parametrize(
    "arguments",
    [
        ("--since", "yesterday"),
        ("--since", "2026-01-01", "--until", "2025-01-01"),
        ("--position", "nothing"),
        ("--below", "low"),
        ("--history", "/nowhere"),
        ("--output", "out.xlsx"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(root: Path, arguments: tuple[str, ...]):
    said = hfm("export", *(() if "--history" in arguments else ("--history", root)), *arguments)
    assert said.code == 2, said.err
    assert said.err.startswith("hfm: ")


def test_times_are_moments_or_so_long_ago():
    assert seconds("2d", 1_000_000) == 1_000_000 - 172_800
    assert seconds("2025-06-16", 0) == seconds("2025-06-16T02:00+02:00", 0) == MIDNIGHT_S
    for wrong in ("2x", "", "now", "99999999d"):
        with pytest.raises(UsageError, match="expected a time"):
            seconds(wrong, 0)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_terminal_sees_how_far_it_is_and_a_pipe_sees_nothing_of_it(root: Path, tmp_path: Path, is_terminal: bool):
    ours, theirs = os.openpty() if is_terminal else os.pipe()
    arguments = ("export", "--history", str(root), *WHOLE, "--output", str(tmp_path / "out.csv"))
    done = subprocess.run(
        [sys.executable, "-m", "monitor", *arguments],
        check=False, stdout=subprocess.PIPE, stderr=theirs, timeout=60, cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"},
    )  # fmt: skip
    os.close(theirs)
    said = b""
    with contextlib.suppress(OSError):  # a terminal whose other side is gone
        while some := os.read(ours, 65_536):
            said += some
    os.close(ours)
    assert (done.returncode, done.stdout) == (0, b"")
    assert (b"reading history" in said, b" rows to" in said) == (is_terminal, True)
    assert (b"\x1b" in said) is is_terminal
