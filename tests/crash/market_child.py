"""The service following a whole recorded market, in a process made to be killed.

Started as a program with a recording it builds every block's ledger from nothing and then, for each line of orders,
forks a child that lives by them. A child holds what it finds and what it makes against those ledgers and against the
contract's own healths, and leaves with a status of its own when they differ.
"""

import asyncio
import json
import os
import pickle
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from monitor import resources
from monitor.clock import SystemClock
from monitor.cycle.backfill import Backfill, Found
from monitor.cycle.backfill import Cursor as Searched
from monitor.cycle.head import HeadLoop
from monitor.cycle.outlook import Outlooks
from monitor.cycle.step import Target
from monitor.cycle.whole import Whole
from monitor.domain.alerts import Recipient, Route
from monitor.domain.ids import address
from monitor.ledger.changes import Changes
from monitor.ledger.journal import Journal
from monitor.ledger.ledger import Ledger
from monitor.pricing.haircuts import NONE
from monitor.rules.levels import Levels
from monitor.screen.kernel import numpy_kernel
from monitor.settings import table
from monitor.store import AtRisk, Commit, Cursor, LedgerPart, NotKept, Store, checkpoint
from monitor.store import ledger as stored
from monitor.units import WAD
from tests.crash.recording import ADAPTER, CHAIN, NAME, SLUG, Recording
from tests.crash.replayed import Replayed

DONE, OVER, DIFFERS = 0, 3, 4
BELOW_WAD = 3 * WAD // 2
LONGEST_LIFE_S = 30
SALT = 7


Columns = dict[str, Any]


@dataclass(frozen=True)
class Orders:
    """What the child does in which folder, at which head it finds the chain, and where it dies."""

    folder: str
    verb: str
    tip: int
    dies_at: str = ""
    dies_at_nth: int = 1
    killed_after_s: float = 0


class Trap:
    """Kills this process when a place is reached for the nth time."""

    def __init__(self, name: str, nth: int) -> None:
        self._name, self._left, self._is_off = name, nth, False
        self.is_loading = False

    def reach(self, name: str) -> None:
        self.is_loading = name == "ledger: rows read"
        if name == self._name and not self._is_off:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def off(self):
        """Let the test look without being killed for it."""
        self._is_off = True
        try:
            yield
        finally:
            self._is_off = False


@dataclass(frozen=True)
class World:
    """The recording, and what a rebuild from nothing gives at each of its heads."""

    recording: Recording
    rebuilt: Mapping[str, Columns]

    @classmethod
    async def of(cls, recording: Recording) -> "World":
        rebuilt = {}
        for tip, head in enumerate(recording.heads):
            found = await search(Replayed(recording, tip), recording).run(Searched(0))
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


def search(chain: Replayed, recording: Recording) -> Backfill:
    return Backfill(chain, ADAPTER, recording.deployment, recording.market, 0)


def ledger_of(found: Found) -> Ledger:
    ledger = Ledger(salt=SALT)
    for part in found.accounts:
        ledger.apply(Changes(found.at, part))
    return ledger


def reach_in_memory(trap: Trap) -> None:
    """Let a ledger say when it has moved, unless it is only being loaded."""

    def tap(owner: type, method: str, name: str) -> None:
        plain: Callable[..., Any] = getattr(owner, method)

        def reached(*arguments: Any) -> Any:
            result = plain(*arguments)
            if not trap.is_loading:
                trap.reach(name)
            return result

        setattr(owner, method, reached)

    tap(Journal, "apply", "changes taken")
    tap(Journal, "rewind", "went back")
    tap(Journal, "saved", "ledger noted as saved")
    tap(Ledger, "undo", "one block undone")


def loop_of(store: Store, chain: Replayed) -> HeadLoop:
    """Return the loop as the service builds it, everyone told on a console that nobody reads here."""
    clock, deployment, outlooks = SystemClock(), chain.recording.deployment, Outlooks({}, NONE)
    target = Target(deployment, ADAPTER, ())
    whole = Whole(target, ADAPTER, 0, chain, store, outlooks, numpy_kernel(), BELOW_WAD, lambda: 0.5, SALT)
    levels = Levels.parse(table(resources.config() / "levels.toml"))
    everyone = next(iter(chain.recording.blocks.values())).healths_wad
    told = {address(user): (Recipient("console", (Route("console", "console"),)),) for user in everyone}
    return HeadLoop(chain, (target,), outlooks, store, levels, told, {}, {NAME: whole}, clock, BELOW_WAD)


async def follow(world: World, orders: Orders, trap: Trap) -> int:
    """Follow the chain from where it is found to its last head."""
    chain = Replayed(world.recording, orders.tip, trap.reach)
    reach_in_memory(trap)
    async with Store.open(url_of(orders, "hfm"), SystemClock(), trap.reach) as store:
        with trap.off():
            if await store.cursor(NAME) is not None:
                world.hold_way_back(world.hold(await store.ledger(NAME, world.recording.market, SALT), "found"))
        loop = loop_of(store, chain)
        for tip in range(orders.tip, len(world.recording.heads)):
            chain.tip = tip
            note_tip(orders, tip)
            await loop.once()
            with trap.off():
                await hold_followed(world, store, loop, chain)
    return OVER


def note_tip(orders: Orders, tip: int) -> None:
    """Leave word how far the chain has come, whatever becomes of this process."""
    Path(orders.folder, "tip").write_text(str(tip))


async def hold_followed(world: World, store: Store, loop: HeadLoop, chain: Replayed) -> None:
    """Leave unless the ledger and the list are at the head and right."""
    (passed,) = loop.passes.values()
    cursor = await store.cursor(NAME)
    if passed.problem or cursor is None or cursor.at != chain.at:
        differs(f"at block {chain.at.number}: {passed}, {cursor}")
    for finding in loop.wholes[NAME].audits.values():
        if finding.differing or finding.apart:
            differs(f"audited: {finding}")
    world.hold(await store.ledger(NAME, world.recording.market, SALT), "followed")
    page = await store.views.at_risk(AtRisk(health_below_wad=BELOW_WAD), limit=1000)
    found = {str(view.row["key"]): int(str(view.row["native_health"])) for view in page.items}
    truth = world.recording.blocks[chain.at.hash].healths_wad
    expected = {user: health for user, health in truth.items() if health < BELOW_WAD}
    if {user: health for user, health in found.items() if health < BELOW_WAD} != expected:
        differs(f"the list of block {chain.at.number} is {found}, the contract says {expected}")


async def carry_out(world: World, orders: Orders, trap: Trap) -> int:
    """Write the ledger into a checkpoint."""
    recording, path = world.recording, Path(orders.folder, "core.jsonl")
    async with Store.open(url_of(orders, "hfm"), SystemClock()) as store:
        journal = await store.ledger(NAME, recording.market, SALT)
    assert isinstance(journal, Journal)
    origin = checkpoint.Origin(CHAIN, SLUG, NAME, recording.market, journal.at)
    held_checkpoint(world, path)
    checkpoint.write_checkpoint(path, origin, checkpoint.whole(journal.ledger), trap.reach)
    held_checkpoint(world, path)
    return DONE


async def carry_in(world: World, orders: Orders, trap: Trap) -> int:
    """Build another store from a checkpoint and go on from it."""
    recording, path = world.recording, Path(orders.folder, "core.jsonl")
    held_checkpoint(world, path)
    async with Store.open(url_of(orders, "moved"), SystemClock(), trap.reach) as store:
        with trap.off():
            if await store.cursor(NAME) is not None:
                world.hold(await store.ledger(NAME, recording.market, SALT), "carried")
        seeds = checkpoint.read_checkpoint(path, trap.reach)
        chain = Replayed(recording, orders.tip, trap.reach)
        found = await search(chain, recording).run(Searched(seeds.origin.at.number + 1, seeds.keys))
        if found.shortfalls or found.failed:
            differs(f"{found.shortfalls} {found.failed}")
        part = LedgerPart(NAME, recording.market, Journal(ledger_of(found), found.at))
        await store.commit(Commit(Cursor(NAME, SLUG, CHAIN, found.at), ledgers=(part,)))
        with trap.off():
            world.hold(await store.ledger(NAME, recording.market, SALT), "carried")
    return DONE


def held_checkpoint(world: World, path: Path) -> None:
    """Leave unless the checkpoint, if there is one, is whole and of the block that it names."""
    if not path.exists():
        return
    found = checkpoint.read_checkpoint(path)
    ledger = Ledger(salt=SALT)
    for part in found.parts:
        ledger.apply(Changes(found.origin.at, part))
    world.hold_columns(ledger, found.origin.at.hash, "checkpoint")


def url_of(orders: Orders, name: str) -> str:
    return f"sqlite:///{Path(orders.folder, name + '.db')}"


VERBS = {"follow": follow, "carry out": carry_out, "carry in": carry_in}


def _child(world: World, orders: Orders) -> int:
    signal.alarm(LONGEST_LIFE_S)
    errors = os.open(str(Path(orders.folder) / "errors.txt"), os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(errors, 2)
    vars(stored).update(SMALLEST_LOG_BYTES=2_000, PART_ROWS=9)
    vars(checkpoint).update(_PER_PART=9)
    return asyncio.run(VERBS[orders.verb](world, orders, Trap(orders.dies_at, orders.dies_at_nth)))


def main() -> None:
    world = asyncio.run(World.of(pickle.loads(Path(sys.argv[1]).read_bytes())))
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        orders = Orders(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            os._exit(_child(world, orders))
        if orders.killed_after_s:
            time.sleep(orders.killed_after_s)
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"status": os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    main()
