"""What whole markets keep for good is left alone by the collector of cycles, once they are open and not before."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.app.whole.resident import ROUNDS, Resident
from monitor.store import Store
from tests.bench.head import followed_from_memory
from tests.crash.large import Large
from tests.fakes.clock import FakeClock


@pytest.fixture
def thawed():
    gc.unfreeze()
    usual = gc.get_threshold()
    yield
    gc.set_threshold(*usual)
    gc.unfreeze()


@pytest.mark.usefixtures("thawed")
async def test_it_waits_until_every_market_is_open_and_then_does_it_once(tmp_path: Path):
    clock = FakeClock()
    async with Store.open(f"sqlite:///{tmp_path / 'hfm.db'}", clock) as store:
        loop, _, whole = followed_from_memory(Large(100), store, clock, 1)
        resident = Resident((whole,))
        await resident.once()
        assert gc.get_freeze_count() == 0
        await loop.once()
        await resident.once()
        kept = gc.get_freeze_count()
        assert kept > 10_000
        assert gc.get_threshold() == ROUNDS
        later = [[number] for number in range(1000)]
        await resident.once()
        assert gc.get_freeze_count() <= kept, len(later)


@pytest.mark.usefixtures("thawed")
async def test_without_whole_markets_there_is_nothing_to_put_aside():
    resident = Resident(())
    await resident.once()
    assert not resident.is_put
    assert gc.get_freeze_count() == 0


def test_a_process_that_did_it_ends_without_a_word():
    program = (
        "import asyncio, duckdb; from types import SimpleNamespace; from monitor import log; "
        "from monitor.app.whole.resident import Resident; import io; log.configure(io.StringIO(), as_json=False); "
        "asyncio.run(Resident((SimpleNamespace(books={1: 1}),)).once())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
