"""Killed without warning wherever a ledger is written, the next life finds a ledger like a fresh rebuild."""

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

FAILPOINTS = (
    "commit: begun",
    "commit: ledger steps written",
    "commit: ledger noted",
    "commit: old ledger image removed",
    "commit: ledger part written",
    "commit: ledger image written",
    "commit: cursor written",
    "commit: done",
    "migration: applied",
)
HITS = 3


@pytest.mark.parametrize("random_kills", [12, pytest.param(300, marks=pytest.mark.long)])
async def test_after_every_kill_the_ledger_is_that_of_a_fresh_rebuild(tmp_path: Path, random_kills: int):
    chance, started = random.Random(8), time.monotonic()
    later = [name for name in FAILPOINTS if not name.startswith("migration")]
    plan: list[str | None] = [*later * HITS, *[None] * random_kills]
    chance.shuffle(plan)
    piped = asyncio.subprocess.PIPE
    keeper = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.store.ledger_child", cwd=ROOT, stdin=piped, stdout=piped
    )
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    stdin, stdout = keeper.stdin, keeper.stdout

    async def said() -> dict[str, int]:
        answer: dict[str, int] = json.loads(await asyncio.wait_for(stdout.readline(), 40))
        return answer

    async def one_life(
        folder: Path, dies_at: str = "", nth: int = 1, after_s: float = 0, *, goes_on: bool = True
    ) -> int:
        orders = {"folder": str(folder), "dies_at": dies_at, "dies_at_nth": nth, "goes_on": goes_on}
        stdin.write(json.dumps(orders).encode() + b"\n")
        pid = (await said())["pid"]
        if after_s:
            await asyncio.sleep(after_s)
            os.kill(pid, signal.SIGKILL)
        return (await said())["status"]

    try:
        await said()
        for hit in range(HITS):
            (new := tmp_path / f"new{hit}").mkdir()
            assert await one_life(new, "migration: applied", nth=2) == -signal.SIGKILL
            assert await one_life(new, goes_on=False) == 0
            assert await one_life(new, after_s=0.3) == -signal.SIGKILL
        for life, dies_at in enumerate(plan):
            after_s = 0 if dies_at else chance.uniform(0.02, 0.25)
            assert await one_life(tmp_path, dies_at or "", 1 + life % 3, after_s) == -signal.SIGKILL
        assert await one_life(tmp_path, goes_on=False) == 0
    finally:
        keeper.kill()
        await keeper.wait()
    with sqlite3.connect(tmp_path / "hfm.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (number,) = connection.execute("SELECT number FROM cursors").fetchone()
    connection.close()
    hits = Counter(plan)
    print(f"{len(plan)} kills ({len(later)} places x {HITS}), up to block {number}, {time.monotonic() - started:.0f} s")
    assert min(hits[name] for name in later) >= HITS
    assert number > 30
