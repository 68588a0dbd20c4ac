"""What happens block by block in the crash tests: the same however often it is played."""

from collections.abc import Mapping

from monitor.domain.alerts import Notice, Recipient, Route
from monitor.domain.ids import PositionId
from monitor.domain.row import Evaluation
from monitor.rules.judge import judge
from monitor.rules.state import PositionState
from monitor.store import Commit, Cursor
from tests.fakes.evaluations import CHAIN, block, evaluation, position
from tests.rules.scene import BLOCK_S, LEVELS

START_S = 1_750_000_000
PATH = {0: "1.04", 1: "0.9", 3: "?the feed is stale", 5: "2", 58: "2"}
"""What a position that appears in block b shows in block b + key: falls, becomes unknown, and recovers."""


def seen_in(number: int) -> list[Evaluation]:
    """Return the evaluations of a block; positions are numbered from 1."""
    return [
        evaluation(health, of=position(number - later), at=number)
        for later, health in PATH.items()
        if number - later >= 1
    ]


def recipients(of: PositionId) -> tuple[Recipient, ...]:
    """Return who hears of a position; every two in a row have one owner, so that what is told of both goes as one.

    A chat, a mailbox, both, a chat that blocked the bot with a mailbox behind, or a program.
    """
    owner = int(of.key, 16) // 2
    chat, mail = Route("telegram", f"1{owner:06}"), Route("email", f"owner{owner}@example.org")
    blocked = Route("telegram", f"9{owner:06}")
    both = (Recipient(f"chat{owner}", (chat,)), Recipient(f"mail{owner}", (mail,)))
    moved = (Recipient(f"moved{owner}", (blocked, mail)),)
    program = (Recipient(f"program{owner}", (Route("webhook", "owners"),)),)
    return (both[:1], both[1:], both, moved, program)[owner % 5]


def step(number: int, past: Mapping[PositionId, PositionState]) -> Commit:
    """Return what one block commits."""
    evaluations = seen_in(number)
    judged = [judge(past.get(e.protocol.id), e, LEVELS, START_S + BLOCK_S * number) for e in evaluations]
    one = position()
    return Commit(
        Cursor(one.deployment, one.protocol, CHAIN, block(number)),
        evaluations,
        [j.state for j in judged],
        [Notice(alert, recipients(j.state.position)) for j in judged for alert in j.alerts],
    )


def told_until(last: int) -> list[Notice]:
    """Return every notice of the blocks 1 to `last`."""
    states: dict[PositionId, PositionState] = {}
    notices: list[Notice] = []
    for number in range(1, last + 1):
        commit = step(number, states)
        states |= {state.position: state for state in commit.states}
        notices += commit.notices
    return notices
