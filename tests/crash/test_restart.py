"""Started again on a large market, the service reads only whom the blocks since then touched, and lists everyone."""

import asyncio
from pathlib import Path

import pytest

from monitor.cycle.audit import SAMPLE
from monitor.cycle.backfill import Backfill, Cursor, Found
from monitor.domain.health import Measured
from monitor.ledger.changes import Changes
from monitor.ledger.ledger import Ledger
from tests.crash.large import Large
from tests.crash.replayed import Replayed
from tests.crash.restarted import CRITICAL_WAD, SALT, started

FIRST, SECOND = 0, 1


async def rebuilt(large: Large) -> tuple[str, dict[str, str]]:
    """Return what reading everyone at the second head gives: the ledger's digest, and who is critical."""
    recording, ledger = large.recording, Ledger(salt=SALT)
    search = Backfill(Replayed(recording, SECOND), large.adapter, recording.deployment, {recording.market: 0})
    found = (await search.run({recording.market: Cursor(0)}))[recording.market]
    assert isinstance(found, Found)
    assert (found.shortfalls, found.failed) == ((), ())
    critical = {}
    for part in found.accounts:
        ledger.apply(Changes(found.at, part))
        for account in part:
            health = large.adapter.health(found.market, account)
            if isinstance(health, Measured) and health.native is not None and health.native < CRITICAL_WAD:
                critical[str(account.key)] = str(health.native)
    return str(ledger.digest), critical


@pytest.mark.parametrize("count", [20_000, pytest.param(100_000, marks=pytest.mark.long)])
async def test_a_restart_reads_whom_the_blocks_since_then_touched_and_lists_everyone(count: int, tmp_path: Path):
    large = Large(count)
    first = await asyncio.to_thread(started, tmp_path, count, FIRST)
    second = await asyncio.to_thread(started, tmp_path, count, SECOND)
    digest, critical = await rebuilt(large)
    print(f"\nfrom nothing: {first}\nstarted again: {second}")
    assert set(first.asked) == {key.hex() for key in large.keys[:count]}
    untold = {key.hex() for key in (*large.reread, *large.new)}
    assert set(second.asked) >= untold
    assert len(second.asked) <= len(untold) + 2 * SAMPLE
    assert len(second.asked) < count // 10
    assert (second.accounts, second.digest) == (count + len(large.new), digest)
    assert second.listed == critical
    assert len(critical) > count // 1000
    assert first.listed != critical
