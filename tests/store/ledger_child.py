"""A process that follows a scripted chain with a stored ledger, made to be killed.

Started as a program it makes up the story once and then, for each line of orders, forks a child that lives it. A child
first holds what the store gives back against the story, and leaves with a status of its own when they differ.
"""

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

from monitor.clock import SystemClock
from monitor.domain.moment import BlockRef
from monitor.ledger.changes import Changes
from monitor.ledger.journal import Journal
from monitor.ledger.ledger import Ledger
from monitor.store import Commit, Cursor, LedgerPart, NotKept, Store
from monitor.store.ledgers import kept as stored
from tests.fakes.evaluations import position
from tests.ledger.scripted import CHAIN, Scripted, fresh, held

TURNS = 3_000
DIFFERS, LOST, OVER = 3, 4, 5
ONE = position()


@dataclass
class Story:
    """What each turn does: where it goes back to, and the blocks it takes; a turn is found by its last block."""

    chain: Scripted = field(default_factory=lambda: Scripted(people=30, seed=77))
    turns: list[tuple[BlockRef, list[Changes]]] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        line, chance = [self.chain.genesis], self.chain.chance
        for number in range(TURNS):
            depth = min(chance.choice((0, 0, 0, 1, 2, 5, 40)), len(line) - 1, 128)
            line = line[: len(line) - depth]
            steps = list(self.chain.branch(line[-1], depth + 1))
            self.turns.append((line[-1], steps))
            line += [step.at for step in steps]
            self.numbers[line[-1].hash] = number


async def live(story: Story, folder: str, dies_at: str, dies_at_nth: int, goes_on: bool) -> None:
    reached = 0

    def reach(name: str) -> None:
        nonlocal reached
        reached += name == dies_at
        if reached == dies_at_nth:
            os.kill(os.getpid(), signal.SIGKILL)

    vars(stored).update(SMALLEST_LOG_BYTES=2_000, PART_ROWS=9)
    async with Store.open(f"sqlite:///{Path(folder) / 'hfm.db'}", SystemClock(), reach) as store:
        journal, turn = await _taken_up(store, story)
        while goes_on:
            if turn == TURNS:
                os._exit(OVER)
            ancestor, steps = story.turns[turn]
            journal.rewind(ancestor.hash)
            for step in steps:
                journal.apply(step)
            cursor = Cursor(ONE.deployment, ONE.protocol, CHAIN, journal.at)
            await store.commit(Commit(cursor, ledgers=[LedgerPart(ONE.deployment, ONE.market, journal)]))
            turn += 1


async def _taken_up(store: Store, story: Story) -> tuple[Journal, int]:
    """Return the journal to go on with, proven to be a fresh rebuild, and the next turn."""
    cursor = await store.cursor(ONE.deployment)
    found, twin = [await store.ledger(ONE.deployment, ONE.market) for _ in range(2)]
    if cursor is None:
        return Journal(Ledger(), story.chain.genesis), 0
    if isinstance(found, NotKept) or isinstance(twin, NotKept) or found.at != cursor.at:
        print(found, file=sys.stderr)
        os._exit(LOST)
    for block in twin.blocks():
        twin.rewind(block.hash)
        state = story.chain.states[block.hash]
        rebuilt = fresh(state)
        if held(twin.ledger) != state or (twin.ledger.digest, twin.ledger.sums) != (rebuilt.digest, rebuilt.sums):
            print(f"block {block.number} differs", file=sys.stderr)
            os._exit(DIFFERS)
    return found, story.numbers[found.at.hash] + 1


def main() -> None:
    story = Story()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.alarm(30)
            orders = json.loads(line)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            asyncio.run(live(story, **orders))
            os._exit(0)
        print(json.dumps({"pid": pid}), flush=True)
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"status": os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    main()
