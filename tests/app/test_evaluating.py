"""Whole markets over several processes: the same rows, and no process left behind."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.app import evaluating
from monitor.app.evaluating import evaluators
from monitor.cycle.step import Sight, Target, assess
from monitor.domain.ids import PositionKey
from monitor.domain.row import row
from monitor.errors import ReadError
from monitor.ledger.accounts import Account, Accounts, Balance, share
from monitor.pricing.repricing import Outlook, shock
from monitor.protocols.aave_v3.adapter import AaveV3
from monitor.protocols.aave_v3.market import Category
from monitor.protocols.aave_v3.versions.totals import COLLATERAL, SCALED_DEBT
from monitor.units import WAD
from tests.protocols.aave_v3.made import DEPLOYMENT, VERSIONS, Listed, market_of, node_of

TARGET_WAD = 15 * WAD // 10
LOST = PositionKey("0x" + "ee" * 20)
CHILDREN = """
import time
from monitor.app.evaluating import evaluators
if __name__ == "__main__":
    with evaluators(2) as several:
        list(several.processes.map(abs, range(100)))
        print(*several.processes._processes, flush=True)
        time.sleep(60)
"""


def sight(count: int) -> Sight:
    """Accounts from sound to lost, one of them with a reserve nobody knows, and one that could not be read."""
    market = market_of(
        VERSIONS["3.6"], [Listed(price=2_000 * 10**8), Listed(decimals=6)], [Category(1, 9_000, 9_300, 10_100, 3)]
    )
    accounts = [
        Account(
            PositionKey(f"0x{n:040x}"),
            n % 2,
            (Balance(0, COLLATERAL, 10**18), Balance(1 if n % 50 else 9, SCALED_DEBT, (n % 30) * 60 * 10**6)),
        )
        for n in range(count)
    ]
    outlook = Outlook(shock(market.graph, {node_of(0): 950_000}), (), ())
    read = Accounts.of(accounts, failed=[(LOST, "the node said no")])
    return Sight(Target(DEPLOYMENT, AaveV3(), ()), market, outlook, read, {})


def runs(pid: int) -> bool:
    """Whether a process is there and has not ended; one that nobody has buried yet has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_several_processes_say_what_one_says_in_the_same_order():
    seen = sight(1_203)
    alone = [row(one) async for one in assess(seen, TARGET_WAD, near_wad=None)]
    with pytest.MonkeyPatch.context() as patch, evaluators(2) as several:
        patch.setattr(evaluating, "FEW", 1_000)
        shared = [one async for one in several.rows(seen, TARGET_WAD)]
    assert shared == alone
    assert {one["status"] for one in shared} == {"measured", "no_debt", "unmeasurable"}
    assert shared[-1]["key"] == LOST


async def test_a_few_accounts_start_no_process():
    with evaluators(2) as several:
        told = [one async for one in several.rows(sight(30), TARGET_WAD)]
        assert not several.processes._processes
    assert len(told) == 31


def test_shares_put_together_are_the_whole():
    whole = replace(sight(100).accounts, failed=())
    parts = [share(whole, start, start + 33) for start in range(0, 100, 33)]
    assert [account for part in parts for account in part] == list(whole)


def test_a_process_that_dies_is_told_and_not_waited_for():
    with pytest.raises(ReadError, match="too little memory"), evaluators(2) as several:
        several.processes.submit(os._exit, 9).result(timeout=60)


def test_no_process_outlives_the_one_that_was_killed(tmp_path: Path):
    script = tmp_path / "children.py"
    script.write_text(CHILDREN)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        children = [int(pid) for pid in parent.stdout.readline().split()]
        parent.send_signal(signal.SIGKILL)
    assert len(children) == 2
    until = time.monotonic() + 20
    while any(map(runs, children)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [child for child in children if runs(child)]
