"""Killed without warning while it follows a whole market, the service goes on with a ledger like a fresh rebuild."""

import asyncio
import inspect
import json
import pickle
import random
import re
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest

from monitor.store.ledgers import checkpoint
from monitor.store.ledgers import kept as ledger
from tests.architecture.tree import ROOT
from tests.crash.market_child import DONE, OVER, Orders
from tests.crash.recording import record
from tests.devnet import aave_v30, aave_v36, running_chain

pytestmark = pytest.mark.devnet
HEADS = 30
LONGEST_ABSENCE = 6
BUILD = ("logs of a range given", "accounts asked for", "commit: ledger part written", "commit: ledger image written")
FOLLOW = (
    *("head given", "block looked for", "logs of a block given", "logs of a range given", "read done"),
    *("one block undone", "went back", "changes taken", "ledger noted as saved"),
    *(f"commit: {n} written" for n in ("positions", "states", "alerts", "outbox", "events", "cursor")),
    *(f"commit: ledger {n}" for n in ("steps written", "noted", "part written", "image written")),
    *(f"commit: {n}" for n in ("begun", "old ledger image removed", "done")),
)
RESTART = tuple(f"load: {n}" for n in ("rows read", "proven"))
CARRY_OUT = tuple(f"checkpoint: {n}" for n in ("begun", "part written", "sealed", "on disk", "in place"))
CARRY_IN = (
    *(f"checkpoint: {n}" for n in ("part read", "proven")),
    *("logs of a range given", "accounts asked for", "commit: ledger part written", "commit: done"),
)
FAILPOINTS = (
    *(("build", name) for name in BUILD),
    *(("follow", name) for name in FOLLOW),
    *(("restart", name) for name in RESTART),
    *(("carry out", name) for name in CARRY_OUT),
    *(("carry in", name) for name in CARRY_IN),
)

_WORK = {"build": "follow", "restart": "follow"}
"""What a child is told to do, where that is another word."""


@dataclass
class Keeper:
    """The process that forks the children, and the folder in which the present story is."""

    process: asyncio.subprocess.Process
    folder: Path
    chance: random.Random
    lives: Counter[str] = field(default_factory=Counter)
    stories: int = 0

    async def said(self) -> dict[str, int]:
        assert self.process.stdout is not None
        answer: dict[str, int] = json.loads(await asyncio.wait_for(self.process.stdout.readline(), 60))
        return answer

    async def life(self, orders: Orders) -> int:
        """Let a child live, and return how it ended."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(asdict(orders)).encode() + b"\n")
        status = (await self.said())["status"]
        self.lives[orders.verb] += 1
        assert status in (DONE, OVER, -signal.SIGKILL), (Path(orders.folder) / "errors.txt").read_text()[-3000:]
        return status

    def begin(self) -> None:
        """Leave the story as it is and begin another, of which nothing is stored yet."""
        self.stories += 1
        self.story.mkdir()

    @property
    def story(self) -> Path:
        return self.folder / f"story{self.stories}"

    def tip(self) -> int:
        """Return the head at which the chain is found: it went on while nobody looked."""
        kept = self.story / "tip"
        if not kept.exists():
            return 0
        return min(int(kept.read_text()) + self.chance.randrange(LONGEST_ABSENCE), HEADS - 1)

    async def killed_at(self, verb: str, name: str, nth: int) -> None:
        """Let a child do its work until it dies at that place; raises AssertionError where it never gets there."""
        if verb == "build":
            self.begin()
        for number in (nth, 1):
            if verb not in ("build", "follow"):
                await self._store_something(verb)
            orders = Orders(str(self.story), _WORK.get(verb, verb), self.tip(), name, number)
            if await self.life(orders) == -signal.SIGKILL:
                return
            self.begin()
        raise AssertionError(f"expected to get to {name!r} to {verb}, never did")

    async def killed_in(self, seconds: float) -> None:
        """Kill a child after a while, wherever it is."""
        orders = Orders(str(self.story), "follow", self.tip(), killed_after_s=seconds)
        if await self.life(orders) == OVER:
            self.begin()

    async def _store_something(self, verb: str) -> None:
        """See to it that there is a ledger to go on from, and a checkpoint to carry in."""
        if not self._has_ledger():
            await self.killed_at("follow", "commit: done", 1)
        if verb == "carry in" and not (self.story / "core.jsonl").exists():
            assert await self.life(Orders(str(self.story), "carry out", self.tip())) == DONE

    def _has_ledger(self) -> bool:
        file = self.story / "hfm.db"
        if not file.exists():
            return False
        with closing(sqlite3.connect(file)) as connection:
            try:
                return bool(connection.execute("SELECT count(*) FROM cursors").fetchone()[0])
            except sqlite3.OperationalError:
                return False


@asynccontextmanager
async def keeper(opened, folder: Path, seed: int) -> AsyncIterator[Keeper]:
    kept = folder / "recording.pickle"
    with running_chain() as chain:
        kept.write_bytes(pickle.dumps(await record(opened(chain), seed, HEADS)))
    piped = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.crash.market_child", str(kept), cwd=ROOT, stdin=piped, stdout=piped
    )
    try:
        one = Keeper(process, folder, random.Random(seed))
        await one.said()
        one.begin()
        yield one
    finally:
        process.kill()
        await process.wait()


async def killed_everywhere(opened, folder: Path, hits: int, random_kills: int) -> str:
    """Kill children at every place so many times, and at random; return what was done."""
    started, plan = time.monotonic(), [*FAILPOINTS * hits, *[None] * random_kills]
    async with keeper(opened, folder, 11) as kept:
        recorded_s = time.monotonic() - started
        kept.chance.shuffle(plan)
        for number, place in enumerate(plan):
            if place is not None:
                await kept.killed_at(*place, nth=1 + number % 3 if place[0] == "follow" else 1)
            else:
                await kept.killed_in(kept.chance.uniform(0.01, 0.4))
        assert await kept.life(Orders(str(kept.story), "follow", kept.tip())) == OVER
    hold_databases(folder)
    return (
        f"{len(plan)} kills ({len(FAILPOINTS)} places x {hits}, {random_kills} random) in {sum(kept.lives.values())} "
        f"lives and {kept.stories} stories, recorded in {recorded_s:.0f} s, lived in "
        f"{time.monotonic() - started - recorded_s:.0f} s"
    )


def hold_databases(folder: Path) -> None:
    for file in folder.glob("story*/*.db"):
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_killed_anywhere_it_goes_on_with_the_ledger_of_a_fresh_rebuild(tmp_path: Path):
    print(await killed_everywhere(aave_v36, tmp_path, 1, 5))


@pytest.mark.long
@pytest.mark.parametrize("opened", [aave_v30, aave_v36], ids=["v3.0.2", "v3.6"])
async def test_killed_anywhere_three_times_and_at_random_it_goes_on_with_the_ledger_of_a_fresh_rebuild(
    opened, tmp_path: Path
):
    print(await killed_everywhere(opened, tmp_path, 3, 100))


def test_at_least_twenty_places_are_named():
    assert len(set(FAILPOINTS)) == len(FAILPOINTS) >= 20


def test_every_place_that_storing_a_ledger_or_a_checkpoint_names_is_one_where_a_child_is_killed():
    sources = [inspect.getsource(module) for module in (checkpoint, ledger)]
    named = {name for source in sources for name in re.findall(r'reach\("(.+?)"\)', source)}
    assert named <= {name for _, name in FAILPOINTS}
