"""`python -m tests.crash.restarted FOLDER ACCOUNTS TIP`: one start of the service on a large market, told as JSON.

It finds the chain at the given head, goes on until the list of who is near liquidation is answered, and is then killed.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import perf_counter, process_time

from monitor import resources
from monitor.clock import SystemClock
from monitor.cycle.board import Board
from monitor.cycle.head import HeadLoop
from monitor.cycle.outlook import Outlooks
from monitor.cycle.ruling import Ruling
from monitor.cycle.step import Target
from monitor.cycle.whole import Whole
from monitor.pricing.haircuts import NONE
from monitor.rules.levels import Levels
from monitor.screen.warm import warm
from monitor.settings import table
from monitor.store import AtRisk, Store
from monitor.units import WAD
from tests.architecture.tree import ROOT
from tests.crash.large import Large
from tests.crash.replayed import Replayed
from tests.fakes.audience import audience

CRITICAL_WAD = 105 * WAD // 100
SALT = 7
POLL_S = 0.02
LONGEST_S = 300


@dataclass(frozen=True)
class Started:
    """What one start took and gave.

    `list_s` is from the open store to the first list, `pass_s` from there to the commit, while whose positions are
    judged. `asked` are the accounts that were read, `listed` the healths of the critical ones by key.
    """

    warm_s: float
    open_s: float
    list_s: float
    pass_s: float
    cpu_s: float
    positions: int
    asked: list[str]
    accounts: int
    digest: str
    listed: dict[str, str]

    @property
    def first_list_s(self) -> float:
        """From the first line of the service to the first list."""
        return self.warm_s + self.open_s + self.list_s

    def __str__(self) -> str:
        return (
            f"{self.accounts} accounts, {len(self.asked)} of them read: first list of {len(self.listed)} after "
            f"{self.first_list_s:.1f} s (screen {self.warm_s:.1f}, store {self.open_s:.1f}, ledger and list "
            f"{self.list_s:.1f}), {self.positions} positions judged and committed {self.pass_s:.1f} s later; "
            f"{self.cpu_s:.1f} s of processor"
        )


async def at_head(board: Board, chain: Replayed) -> dict[str, str]:
    """Return the healths of everyone who is critical; none while they are not known at the head."""
    listed: dict[str, str] = {}
    cursor = None
    while True:
        page = await board.at_risk(AtRisk(health_below_wad=CRITICAL_WAD), cursor=cursor, limit=1000)
        if any(view.row["at_block"] != chain.at.number for view in page.items):
            return {}
        listed |= {str(view.row["key"]): str(view.row["native_health"]) for view in page.items}
        cursor = page.next
        if cursor is None:
            return listed


async def start(folder: Path, large: Large, tip: int) -> Started:
    """Start the service, and return when its list is answered."""
    chain, clock, marks = Replayed(large.recording, tip), SystemClock(), [perf_counter()]
    cpu_s = process_time()
    kernel = warm()
    marks.append(perf_counter())
    async with Store.open(f"sqlite:///{folder / 'hfm.db'}", clock) as store:
        marks.append(perf_counter())
        deployment, outlooks = large.recording.deployment, Outlooks({}, NONE)
        target, levels = Target(deployment, large.adapter, ()), Levels.parse(table(resources.config() / "levels.toml"))
        whole = Whole(target, large.adapter, 0, chain, store, outlooks, kernel, levels, 2 * WAD, lambda: 0.5, SALT)
        ruling = Ruling(store, levels, audience(), clock)
        loop = HeadLoop(chain, (target,), outlooks, ruling, {deployment.name: whole}, clock, 2 * WAD)
        passing = asyncio.create_task(loop.once())
        board = Board((whole,), store, clock)
        while not passing.done() and not await at_head(board, chain):
            await asyncio.wait((passing,), timeout=POLL_S)
        marks.append(perf_counter())
        await passing
        marks.append(perf_counter())
        listed = await at_head(board, chain)
        (passed,) = loop.passes.values()
        assert passed.problem == "", passed.problem
        assert all(not (finding.differing or finding.apart) for finding in whole.audits.values()), whole.audits
        (part,) = whole.parts(chain.at)
        ledger = part.journal.ledger
        warm_s, open_s, list_s, pass_s = (after - before for before, after in pairwise(marks))
        return Started(
            warm_s=warm_s,
            open_s=open_s,
            list_s=list_s,
            pass_s=pass_s,
            cpu_s=process_time() - cpu_s,
            positions=passed.positions,
            asked=[key.hex() for key in chain.asked],
            accounts=len(ledger),
            digest=str(ledger.digest),
            listed=listed,
        )


def started(folder: Path, count: int, tip: int) -> Started:
    """Start the service in a process of its own, which is killed as soon as it has told how it went."""
    command = (sys.executable, "-m", "tests.crash.restarted", str(folder), str(count), str(tip))
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=LONGEST_S, cwd=ROOT)
    assert done.returncode == -signal.SIGKILL, done.stderr[-3000:]
    return Started(**json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    folder, count, tip = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    large = Large(count)
    _ = large.adapter
    print(json.dumps(vars(asyncio.run(start(folder, large, tip)))), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
