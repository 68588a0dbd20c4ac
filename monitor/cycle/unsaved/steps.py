"""Steps that the store could not take: kept, judged upon, told where urgent, and stored when there is room."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from monitor import log
from monitor.clock import Clock, SystemClock
from monitor.cycle.unsaved.pressing import Nobody, Pressing
from monitor.domain.alerts import Alert, Level, Notice, Recipient, dedupe_key
from monitor.domain.ids import Address, DeploymentName, PositionId, Subject
from monitor.domain.people import Acknowledgement, Held
from monitor.errors import StoreError
from monitor.rules.fullness import cannot_store, stores_again
from monitor.rules.state import PositionState
from monitor.store import Commit, Store

RETRY_S = 3

_log = log.get("unsaved")


@dataclass(slots=True)
class Unsaved:
    """The steps, oldest first, and what they would have left in the store.

    A step kept here has no cursor and no ledgers: a journal keeps by itself what of it is not stored, and the next
    step of its loop stores it. Of several evaluations or states of one position the newest is kept. `operators` are
    told when storing fails and when it works again.
    """

    pressing: Pressing = field(default_factory=Nobody)
    operators: tuple[Recipient, ...] = ()
    clock: Clock = field(default_factory=SystemClock)
    since_s: int | None = None
    _steps: list[Commit] = field(default_factory=list)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __len__(self) -> int:
        return len(self._steps)

    async def commit(self, store: Store, step: Commit) -> None:
        """Store a step together with all that is kept; keep it when the store refuses, and tell what is urgent."""
        async with self._turn:
            try:
                await self._store(store, (step,))
            except StoreError as e:
                self._keep(step, e)

    async def retry(self, store: Store) -> None:
        """Store what is kept, if the store takes it by now."""
        async with self._turn:
            if self._steps:
                try:
                    await self._store(store, ())
                except StoreError as e:
                    _log.warning("store still refuses", error=str(e), steps=len(self._steps))

    async def states(
        self, store: Store, positions: Sequence[PositionId], whose: str | None = None
    ) -> dict[PositionId, PositionState]:
        """Return what is remembered of the positions, stored or not.

        `whose` names a subscriber with thresholds, and so a memory, of their own.
        """
        found = await (store.states(positions) if whose is None else store.own_states(whose, positions))
        wanted = frozenset(positions)
        for step in self._steps:
            states = step.states if whose is None else [state for name, state in step.heard.own if name == whose]
            found |= {state.position: state for state in states if state.position in wanted}
        return found

    def waiting(
        self, acks: Sequence[Acknowledgement], held: Sequence[Held]
    ) -> tuple[list[Acknowledgement], list[Held]]:
        """Return those of acknowledgements and held alerts that no step kept here has done with."""
        over = {one for step in self._steps for one in step.heard.over}
        released = {one for step in self._steps for one in step.heard.released}
        still = [ack for ack in acks if (ack.recipient, ack.incident) not in over]
        return still, [one for one in held if (one.recipient, one.key) not in released]

    async def known(self, store: Store, deployment: DeploymentName) -> dict[PositionId, Address | None]:
        """Return every known position of a deployment with its owner, stored or not."""
        found = await store.known(deployment)
        for step in self._steps:
            seen = (evaluation.protocol for evaluation in step.evaluations)
            found |= {one.id: one.owner for one in seen if one.id.deployment == deployment}
            for position in step.left:
                found.pop(position, None)
        return found

    async def last_alert(self, store: Store, about: Subject) -> Alert | None:
        """Return the last alert about something, stored or not."""
        own = [notice.alert for step in self._steps for notice in step.notices if notice.alert.position == about]
        return own[-1] if own else await store.views.last_alert(about)

    async def _store(self, store: Store, more: Sequence[Commit]) -> None:
        delivered, again = tuple(self.pressing.accepted()), list[Commit]()
        if self.since_s is not None:
            over = stores_again(self.since_s, self.clock.wall_s(), len(self._steps))
            again.append(Commit(None, notices=[Notice(over, self.operators)]))
        steps = (*self._steps, *more, *again)
        await store.commit(*steps[:-1], replace(steps[-1], delivered=delivered))
        if self.since_s is not None:
            _log.warning("stores again", steps=len(self._steps), seconds=self.clock.wall_s() - self.since_s)
        self._steps.clear()
        self.since_s = None
        if delivered or again:
            self.pressing.stored(_keys(steps), delivered)

    def _keep(self, step: Commit, why: StoreError) -> None:
        kept = replace(step, cursor=None, ledgers=())
        if self.since_s is None:
            self.since_s = self.clock.wall_s()
            own = Notice(cannot_store(self.since_s, str(why)), self.operators)
            kept = replace(kept, notices=(own, *kept.notices))
        known = {*_keys(self._steps)}
        again = [n for n in kept.notices if n.recipients and {*_keys_of(n)} <= known]
        kept = replace(kept, notices=[notice for notice in kept.notices if notice not in again])
        newer = {e.protocol.id for e in step.evaluations} | {s.position for s in step.states} | {*step.left}
        older = (_without(one, newer) for one in self._steps)
        self._steps = [*(one for one in older if _says(one)), *([kept] if _says(kept) else [])]
        self.pressing.urgent([notice for notice in kept.notices if notice.alert.severity >= Level.CRITICAL])
        _log.error("cannot store", error=str(why), steps=len(self._steps), since_s=self.since_s)


def _without(step: Commit, newer: set[PositionId]) -> Commit:
    """Return a step without what a newer one says of the same positions; an incident needs the state it was told in."""
    told = {notice.alert.position for notice in step.notices}
    return replace(
        step,
        evaluations=[e for e in step.evaluations if e.protocol.id not in newer],
        states=[s for s in step.states if s.position not in newer or s.position in told],
        left=[position for position in step.left if position not in newer],
        heard=replace(step.heard, own=[(who, s) for who, s in step.heard.own if s.position not in newer]),
    )


def _says(step: Commit) -> bool:
    heard = (step.heard.own, step.heard.released, step.heard.over, step.heard.digested)
    return any((step.evaluations, step.states, step.notices, step.left, step.events, step.audits, *heard))


def _keys(steps: Sequence[Commit]) -> list[str]:
    return [key for step in steps for notice in step.notices for key in _keys_of(notice)]


def _keys_of(notice: Notice) -> list[str]:
    return [dedupe_key(recipient, notice.alert) for recipient in notice.recipients]
