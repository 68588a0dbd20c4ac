"""What a rebuild from nothing gives at each head of a recording, and how a ledger is held against it."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from monitor.cycle.backfill import Backfill, Cursor, Found
from monitor.ledger.changes import Changes
from monitor.ledger.journal import Journal
from monitor.ledger.ledger import Ledger
from monitor.store import NotKept
from tests.crash.recording import ADAPTER, Recording
from tests.crash.replayed import Replayed

DIFFERS = 4
SALT = 7
Columns = dict[str, Any]


@dataclass(frozen=True)
class World:
    """The recording, and what a rebuild from nothing gives at each of its heads."""

    recording: Recording
    rebuilt: Mapping[str, Columns]

    @classmethod
    async def of(cls, recording: Recording) -> "World":
        rebuilt = {}
        for tip, head in enumerate(recording.heads):
            found = await searched(Replayed(recording, tip), recording, Cursor(0))
            assert (found.shortfalls, found.failed) == ((), ())
            rebuilt[head] = columns(ledger_of(found))
        return cls(recording, rebuilt)

    def hold(self, journal: Journal | NotKept, what: str) -> Journal:
        """Leave unless a ledger is, column by column, that of a rebuild at its block."""
        if isinstance(journal, NotKept):
            differs(f"{what}: {journal.reason}")
        self.hold_columns(journal.ledger, journal.at.hash, f"{what}, block {journal.at.number}")
        return journal

    def hold_way_back(self, journal: Journal) -> None:
        """Leave unless that is so too at every block the journal goes back to."""
        for block in journal.blocks():
            journal.rewind(block.hash)
            self.hold(journal, "gone back")

    def hold_columns(self, ledger: Ledger, head: str, what: str) -> None:
        ours = columns(ledger)
        for name, column in self.rebuilt[head].items():
            if not np.array_equal(ours[name], column):
                differs(f"{what}: {name} is {ours[name]!r}, a rebuild has {column!r}")


def differs(what: str) -> NoReturn:
    print(what, file=sys.stderr, flush=True)
    os._exit(DIFFERS)


def columns(ledger: Ledger) -> Columns:
    """Return every column of a ledger, its rows in the order of their keys, and what is kept of them all together."""
    rows = ledger.live()
    rows = rows[np.argsort(np.array(ledger.keys(rows)))]
    a = ledger.accounts(rows)
    return {
        "key": a.keys,
        "category": a.category,
        "offsets": a.offsets,
        "asset": a.asset,
        "kind": a.kind,
        "high": a.high,
        "low": a.low,
        "stale": ledger.is_stale(rows),
        "digest": ledger.digest,
        "sums": {place: total for place, total in ledger.sums.items() if total},
    }


async def searched(chain: Replayed, recording: Recording, cursor: Cursor) -> Found:
    """Search the recorded market from a cursor on."""
    search = Backfill(chain, ADAPTER, recording.deployment, {recording.market: 0})
    found = (await search.run({recording.market: cursor}))[recording.market]
    assert isinstance(found, Found), found
    return found


def ledger_of(found: Found) -> Ledger:
    ledger = Ledger(salt=SALT)
    for part in found.accounts:
        ledger.apply(Changes(found.at, part))
    return ledger
