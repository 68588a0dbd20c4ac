"""How long a stored ledger takes: to write whole, to write a block's changes, and to be back after a restart."""

import time
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from monitor.ledger.changes import Changes
from monitor.ledger.journal import Journal
from monitor.ledger.ledger import Ledger
from monitor.store import Commit, Cursor, LedgerPart
from tests.fakes.evaluations import position
from tests.ledger.scripted import CHAIN, ref
from tests.ledger.synthetic import people
from tests.outbox.scene import opened

ONE = position()


@pytest.mark.parametrize(("count", "limit_s"), [(100_000, 2), pytest.param(1_000_000, 20, marks=pytest.mark.long)])
async def test_a_restart_has_its_ledger_back_in_seconds(tmp_path: Path, count: int, limit_s: int):
    ledger, chance = Ledger(), np.random.default_rng(5)
    ledger.load(people(count), np.zeros(count, np.bool_))
    journal = Journal(ledger, ref(0))
    blocks_s = []
    async with opened(tmp_path) as store:
        for number in range(21):
            if number:
                put = ledger.accounts(chance.choice(count, count // 100, replace=False))
                put.low[:] += np.uint64(1)
                journal.apply(Changes(ref(number, 0, journal.at), put))
            cursor = Cursor(ONE.deployment, ONE.protocol, CHAIN, journal.at)
            started = time.perf_counter()
            await store.commit(Commit(cursor, ledgers=[LedgerPart(ONE.deployment, ONE.market, journal)]))
            blocks_s.append(time.perf_counter() - started)
    async with opened(tmp_path) as store:
        started = time.perf_counter()
        found = await store.ledger(ONE.deployment, ONE.market)
        took_s = time.perf_counter() - started
    assert isinstance(found, Journal)
    assert (found.at, found.ledger.digest) == (journal.at, ledger.digest)
    print(
        f"{count} accounts: image written in {blocks_s[0]:.2f} s, 1 % of them in {median(blocks_s[1:]) * 1e3:.0f} ms, "
        f"back in {took_s:.2f} s with 20 blocks of log, {_mib(tmp_path)} MiB on disk"
    )
    assert took_s <= limit_s


def _mib(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir()) // 2**20
