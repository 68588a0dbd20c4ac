"""Killed without warning wherever a step is written, no announced liquidation is lost or doubled."""

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
from tests.store.events_child import Story

FAILPOINTS = (
    "commit: begun",
    "commit: alerts written",
    "commit: older messages superseded",
    "commit: outbox written",
    "commit: events written",
    "commit: cursor written",
    "commit: done",
)
HITS = 3


@pytest.mark.parametrize("random_kills", [8, pytest.param(300, marks=pytest.mark.long)])
async def test_after_every_kill_each_settled_liquidation_is_announced_once(tmp_path: Path, random_kills: int):
    chance, started = random.Random(9), time.monotonic()
    plan: list[str | None] = [*FAILPOINTS * HITS, *[None] * random_kills]
    chance.shuffle(plan)
    piped = asyncio.subprocess.PIPE
    keeper = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.store.events_child", cwd=ROOT, stdin=piped, stdout=piped
    )
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    stdin, stdout = keeper.stdin, keeper.stdout

    async def said() -> dict[str, int]:
        answer: dict[str, int] = json.loads(await asyncio.wait_for(stdout.readline(), 40))
        return answer

    async def one_life(dies_at: str = "", nth: int = 1, after_s: float = 0, *, goes_on: bool = True) -> int:
        orders = {"folder": str(tmp_path), "dies_at": dies_at, "dies_at_nth": nth, "goes_on": goes_on}
        stdin.write(json.dumps(orders).encode() + b"\n")
        pid = (await said())["pid"]
        if after_s:
            await asyncio.sleep(after_s)
            os.kill(pid, signal.SIGKILL)
        return (await said())["status"]

    try:
        await said()
        assert await one_life(after_s=0.5) == -signal.SIGKILL
        for life, dies_at in enumerate(plan):
            after_s = 0 if dies_at else chance.uniform(0.05, 0.3)
            assert await one_life(dies_at or "", 1 + 7 * (life % 3), after_s) == -signal.SIGKILL
        assert await one_life(goes_on=False) == 0
    finally:
        keeper.kill()
        await keeper.wait()
    number, announced = _checked(tmp_path)
    print(
        f"{len(plan)} kills ({len(FAILPOINTS)} places x {HITS}), {number} turns, {announced} announced, "
        f"{time.monotonic() - started:.0f} s"
    )
    assert announced > 50


def _checked(folder: Path) -> tuple[int, int]:
    """Hold the stored alerts and messages against the story; returns how many turns it had and what was announced."""
    story = Story()
    with sqlite3.connect(folder / "hfm.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (head,) = connection.execute("SELECT hash FROM cursors").fetchone()
        alerts = [(kind, json.loads(text)) for kind, text in connection.execute("SELECT kind, alert FROM alerts")]
        owed = Counter(row[0] for row in connection.execute("SELECT alert FROM outbox"))
    connection.close()
    last = story.numbers[head]
    settled = max(turn.settled for turn in story.turns[: last + 1])
    standing = story.standing(last)
    told = {kind: [a for k, a in alerts if k == kind] for kind in ("liquidated", "liquidation_seen")}
    announced = sorted((a["incident"], a["facts"]["event_block"], _raw(a)) for a in told["liquidated"])
    assert announced == sorted((one.id, str(one.block), one.seized_raw) for one in standing if one.block <= settled)
    seen = [a["incident"] for a in told["liquidation_seen"]]
    assert {one.id for one in standing if one.block > settled} <= set(seen)
    assert max(Counter(seen).values()) == 1
    assert len(owed) == len(alerts)
    assert set(owed.values()) == {1}
    return last + 1, len(announced)


def _raw(alert: dict[str, dict[str, str]]) -> int:
    whole, _, fraction = str(json.loads(alert["facts"]["seized"])[0]["amount"]).partition(".")
    return int(whole + fraction.ljust(18, "0"))
