"""Killed without warning at any place: what was written is there, once, and readable; what was torn is put away."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from monitor.history.files import partitions, parts
from monitor.history.keeping import kept
from monitor.history.queries import Wanted, rows
from monitor.history.tidying import sweep
from tests.fakes.clock import FakeClock
from tests.history.made import MIDNIGHT_S, seen

ROOT = Path(__file__).parents[2]
ALL = Wanted(0, 2 * MIDNIGHT_S)
LIVES, LONG_LIVES = 4, 40


def one_life(root: Path, first: int, writes: int, random_: random.Random) -> list[str]:
    """Run the child until it has said a number of things and a little longer; return all that it said."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.history.killed", str(root), str(first)],
        stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert child.stdout is not None
    said = [child.stdout.readline().strip() for _ in range(writes)]
    try:
        child.wait(random_.uniform(0, 0.15))
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGKILL)
    said += child.stdout.read().split("\n")[:-1]
    child.stdout.close()
    child.wait()
    return [line for line in said if line[:1] in {"w", "m"} and line.split()[1].isdigit()]


def kept_now(root: Path) -> Counter[str]:
    found = [one for some in rows(root, ALL) for one in some]
    return Counter(f"{one['scope']} {int(str(one['at_time'])) - MIDNIGHT_S}" for one in found)


def lives(root: Path, count: int) -> None:
    random_, said = random.Random(5), list[str]()
    for life in range(count):
        said += one_life(root, 1_000 * life, random_.randrange(1, 40), random_)
        there = kept_now(root)
        for line in said:
            assert there[line] == (3 if line.startswith("market") else 1), line
        assert all(number == (3 if line.startswith("market") else 1) for line, number in there.items())
        for day in partitions(root):
            for part in parts(root, day):
                duckdb.execute("SELECT count(*) FROM read_parquet($path)", {"path": str(part.path)})
    assert len(said) > 5 * count
    sweep(root)
    assert all(path.name == ".lock" or path.suffix == ".parquet" for path in root.rglob("*") if path.is_file())


def test_a_killed_writer_loses_nothing_that_it_said_was_kept(tmp_path: Path):
    lives(tmp_path, LIVES)


@pytest.mark.long
def test_a_writer_killed_many_times_loses_nothing_that_it_said_was_kept(tmp_path: Path):
    lives(tmp_path, LONG_LIVES)


@pytest.mark.parametrize("cut", [0, 3, 12, 500, -1])
async def test_a_torn_file_is_left_out_and_put_away(tmp_path: Path, cut: int):
    with kept(tmp_path, FakeClock(MIDNIGHT_S), 400) as history:
        for n in (1, 2):
            history.offer([seen(n, MIDNIGHT_S + n)])
            await history.write()
    (day,) = partitions(tmp_path)
    torn = parts(tmp_path, day)[1].path
    torn.write_bytes(torn.read_bytes()[:cut])
    assert kept_now(tmp_path) == {"watched 1": 1}
    with kept(tmp_path, FakeClock(MIDNIGHT_S), 400) as history:
        assert not torn.exists()
        history.offer([seen(2, MIDNIGHT_S + 2)])
    assert kept_now(tmp_path) == {"watched 1": 1, "watched 2": 1}
    assert torn.exists(), "its number is used again"


async def test_a_crash_between_putting_together_and_removing_counts_nothing_twice(tmp_path: Path):
    with kept(tmp_path, FakeClock(MIDNIGHT_S), 400) as history:
        for n in range(30):
            history.offer([seen(n + 1, MIDNIGHT_S + n)])
            await history.write()
    (day,) = partitions(tmp_path)
    before = {part.path: part.path.read_bytes() for part in parts(tmp_path, day)}
    with kept(tmp_path, FakeClock(MIDNIGHT_S), 400) as history:
        await history.tidy()
    for path, content in before.items():
        path.write_bytes(content)
    assert sum(kept_now(tmp_path).values()) == 30
    assert len(parts(tmp_path, day)) == 1
    assert sweep(tmp_path) == 30
