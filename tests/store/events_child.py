"""A process that follows a forking chain and tells its liquidations, made to be killed.

Started as a program it makes up the story once and then, for each line of orders, forks a child that lives it from
where the store says that the last one stopped.
"""

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

from monitor.clock import SystemClock
from monitor.domain.alerts import Notice, Recipient, Route
from monitor.domain.moment import BlockRef
from monitor.ledger.changes import Changes
from monitor.ledger.journal import Journal
from monitor.ledger.ledger import Ledger
from monitor.rules.events.liquidations import Liquidation, Pending, Sighting, due, taken, told
from monitor.rules.events.telling import liquidation_alert
from monitor.store import Commit, Cursor, EventsPart, LedgerPart, NotKept, Store
from tests.fakes.evaluations import CHAIN, evaluation, position
from tests.rules.events.forked import Forked
from tests.rules.scene import LEVELS

TURNS = 4_000
LOST, OVER = 4, 5
ONE = position()
OWNER = Recipient("console", (Route("console", "console"),))


@dataclass(frozen=True)
class Turn:
    """One step of the story: back to a block, on to a head, with what was found on the way and what is settled."""

    base: BlockRef
    head: BlockRef
    found: tuple[Liquidation, ...]
    settled: int


@dataclass
class Story:
    """The turns, found by the head they end at, and what must have been announced and told as seen after each."""

    chain: Forked = field(default_factory=lambda: Forked(seed=23))
    turns: list[Turn] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        chain, line = self.chain, [self.chain.head]
        while len(self.turns) < TURNS:
            chain.fork(int(chain.chance.expovariate(0.5)))
            while chain.blocks[line[-1].number : line[-1].number + 1] != [line[-1]]:
                line.pop()
            new = chain.blocks[line[-1].number + 1 :]
            if new:
                found = tuple(one for block in new for one in chain.of(block))
                self.turns.append(Turn(line[-1], new[-1], found, chain.settled))
                self.numbers[new[-1].hash] = len(self.turns) - 1
                line.append(new[-1])

    def standing(self, last: int) -> list[Liquidation]:
        """Return the liquidations of the chain as it stands after a turn."""
        steps: list[Turn] = []
        for turn in self.turns[: last + 1]:
            while steps and steps[-1].head != turn.base:
                steps.pop()
            steps.append(turn)
        return [one for turn in steps for one in turn.found]


async def live(story: Story, folder: str, dies_at: str, dies_at_nth: int, goes_on: bool) -> None:
    reached = 0

    def reach(name: str) -> None:
        nonlocal reached
        reached += name == dies_at
        if reached == dies_at_nth:
            os.kill(os.getpid(), signal.SIGKILL)

    async with Store.open(f"sqlite:///{Path(folder) / 'hfm.db'}", SystemClock(), reach) as store:
        journal, pending, number = await _taken_up(store, story)
        kept = pending
        while goes_on:
            if number == TURNS:
                os._exit(OVER)
            turn = story.turns[number]
            journal.rewind(turn.base.hash)
            journal.apply(Changes(turn.head, onto=turn.base.hash))
            pending = taken(pending, turn.found, journal.blocks())
            said = due(pending, turn.settled)
            pending = told(pending, said)
            seen = {s.id: evaluation("1.07", of=s.liquidation.position, at=turn.head.number) for s, _ in said}
            alerts = [liquidation_alert(s, kind, seen[s.id], LEVELS, turn.head) for s, kind in said]
            put = [one for one in pending.values() if kept.get(one.id) != one]
            gone = [id_ for id_ in kept if id_ not in pending]
            step = Commit(
                Cursor(ONE.deployment, ONE.protocol, CHAIN, turn.head),
                notices=[Notice(alert, (OWNER,)) for alert in alerts],
                ledgers=[LedgerPart(ONE.deployment, ONE.market, journal)],
                events=[EventsPart(ONE.deployment, ONE.market, turn.head, put, gone)],
            )
            await store.commit(step)
            kept, number = pending, number + 1


async def _taken_up(store: Store, story: Story) -> tuple[Journal, Pending, int]:
    """Return the journal and the events to go on with, and the next turn."""
    cursor = await store.cursor(ONE.deployment)
    journal, kept = await store.ledger(ONE.deployment, ONE.market), await store.events(ONE.deployment, ONE.market)
    if cursor is None:
        return Journal(Ledger(), story.turns[0].base), {}, 0
    if isinstance(journal, NotKept) or kept.at != cursor.at or journal.at != cursor.at:
        print(journal, kept.at, cursor.at, file=sys.stderr)
        os._exit(LOST)
    pending = {one.id: one for one in kept.events if isinstance(one, Sighting)}
    return journal, pending, story.numbers[journal.at.hash] + 1


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
