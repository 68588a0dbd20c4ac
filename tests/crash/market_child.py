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
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor import resources
from monitor.clock import SystemClock
from monitor.cycle.backfill import Cursor as Searched
from monitor.cycle.board import Board
from monitor.cycle.head import HeadLoop
from monitor.cycle.outlook import Outlooks
from monitor.cycle.ruling import Ruling
from monitor.cycle.step import Target
from monitor.cycle.whole import Whole
from monitor.domain.alerts import Recipient, Route
from monitor.domain.ids import address
from monitor.domain.moment import BlockRef
from monitor.ledger.changes import Changes
from monitor.ledger.journal import Journal
from monitor.ledger.ledger import Ledger
from monitor.pricing.haircuts import NONE
from monitor.rules.levels import Levels
from monitor.screen.kernel import numpy_kernel
from monitor.settings import table
from monitor.store import AtRisk, Commit, Cursor, LedgerPart, Store
from monitor.store.ledgers import checkpoint
from monitor.store.ledgers import kept as stored
from monitor.units import WAD
from tests.crash.recording import ADAPTER, CHAIN, NAME, SLUG
from tests.crash.replayed import Replayed
from tests.crash.world import SALT, World, differs, ledger_of, searched
from tests.fakes.audience import audience

DONE, OVER = 0, 3
BELOW_WAD = 3 * WAD // 2
LONGEST_LIFE_S = 30


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
        self.is_loading = name == "load: rows read"
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


def loop_of(store: Store, chain: Replayed) -> tuple[HeadLoop, Board]:
    """Return the loop as the service builds it, everyone told on a console that nobody reads here, and its list."""
    clock, deployment, outlooks = SystemClock(), chain.recording.deployment, Outlooks({}, NONE)
    target, levels = Target(deployment, ADAPTER, ()), Levels.parse(table(resources.config() / "levels.toml"))
    whole = Whole(target, ADAPTER, 0, chain, store, outlooks, numpy_kernel(), levels, BELOW_WAD, lambda: 0.5, SALT)
    everyone = next(iter(chain.recording.blocks.values())).healths_wad
    told = {address(user): (Recipient("console", (Route("console", "console"),)),) for user in everyone}
    ruling = Ruling(store, levels, audience(told), clock)
    loop = HeadLoop(chain, (target,), outlooks, ruling, {NAME: whole}, clock, BELOW_WAD)
    return loop, Board((whole,), store, clock)


async def follow(world: World, orders: Orders, trap: Trap) -> int:
    """Follow the chain from where it is found to its last head."""
    chain = Replayed(world.recording, orders.tip, trap.reach)
    reach_in_memory(trap)
    async with Store.open(url_of(orders, "hfm"), SystemClock(), trap.reach) as store:
        with trap.off():
            await hold_found(world, store)
        loop, board = loop_of(store, chain)
        for tip in range(orders.tip, len(world.recording.heads)):
            chain.tip = tip
            note_tip(orders, tip)
            await loop.once()
            with trap.off():
                await hold_followed(world, store, loop, board)
    return OVER


async def hold_found(world: World, store: Store) -> None:
    """Leave unless what was committed last, if anything, is of one block: the ledger, its way back, and the list."""
    cursor = await store.cursor(NAME)
    if cursor is not None and isinstance(cursor.at, BlockRef):
        rows = (await store.views.at_risk(AtRisk(), limit=1000)).items
        if any(int(str(view.row["at_block"])) > cursor.at.number for view in rows):
            differs(f"positions of blocks after {cursor.at.number} are stored")
        world.hold_way_back(world.hold(await store.ledger(NAME, world.recording.market, SALT), "found"))


def note_tip(orders: Orders, tip: int) -> None:
    """Leave word how far the chain has come, whatever becomes of this process."""
    fresh = Path(orders.folder, "tip.new")
    fresh.write_text(str(tip))
    fresh.replace(Path(orders.folder, "tip"))


async def hold_followed(world: World, store: Store, loop: HeadLoop, board: Board) -> None:
    """Leave unless the ledger is right at the head, and the list has everyone with the contract's own health."""
    (passed,) = loop.passes.values()
    cursor, at = await store.cursor(NAME), await loop.chain.wait_for_head(None, 0)
    if passed.problem or cursor is None or cursor.at != at:
        differs(f"at block {at.number}: {passed}, {cursor}")
    for finding in loop.wholes[NAME].audits.values():
        if finding.differing or finding.apart:
            differs(f"audited: {finding}")
    world.hold(await store.ledger(NAME, world.recording.market, SALT), "followed")
    page = await board.at_risk(AtRisk(health_below_wad=BELOW_WAD), limit=1000)
    found = {str(view.row["key"]): (view.row["at_block"], int(str(view.row["native_health"]))) for view in page.items}
    truth = world.recording.blocks[at.hash].healths_wad
    expected = {user: (at.number, health) for user, health in truth.items() if health < BELOW_WAD}
    if found != expected:
        differs(f"the list of block {at.number} is {found}, the contract says {expected}")


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
        found = await searched(chain, recording, Searched(seeds.origin.at.number + 1, seeds.keys))
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
