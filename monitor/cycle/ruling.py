"""Judges evaluations against what is remembered, and commits what follows from it as one step."""

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Protocol

from monitor.clock import Clock
from monitor.courtesy import others_first
from monitor.cycle.people.audience import Audience
from monitor.cycle.unsaved import Unsaved
from monitor.domain.alerts import Alert, AlertKind, Notice
from monitor.domain.ids import Address, ChainId, ChainWide, DeploymentName, MarketKey, PositionId
from monitor.domain.liveness import Liveness
from monitor.domain.people import Subscriber
from monitor.domain.row import Evaluation
from monitor.rules.halt import halt_news, thawed
from monitor.rules.hearing.own import personal
from monitor.rules.hearing.releasing import Due, due, retold
from monitor.rules.judge import judge
from monitor.rules.levels import Levels
from monitor.rules.state import PositionState
from monitor.store import Commit, Heard, Store

_PER_TURN = 50


class Living(Protocol):
    """A chain that says whether it goes on."""

    @property
    def id(self) -> ChainId: ...
    @property
    def name(self) -> str: ...
    @property
    def liveness(self) -> Liveness: ...


@dataclass(frozen=True, slots=True)
class Ruled:
    """Evaluations, what is remembered of each from now on, and the messages that follow.

    `heard` is what else changes for those who are told.
    """

    evaluations: tuple[Evaluation, ...]
    states: tuple[PositionState, ...]
    notices: tuple[Notice, ...]
    heard: Heard = field(default_factory=Heard)

    def of(self, market: MarketKey) -> "list[tuple[Evaluation, PositionState]]":
        """Return what is ruled of the positions of one market."""
        pairs = zip(self.evaluations, self.states, strict=True)
        return [(seen, state) for seen, state in pairs if state.position.market == market]


@dataclass(frozen=True, slots=True)
class Ruling:
    """The rules with the memory they need, stored or `unsaved`; `told` is called when there is something to deliver.

    `kept` takes what was committed, for history; it must not wait or fail.
    """

    store: Store
    levels: Levels
    audience: Audience
    clock: Clock
    told: Callable[[], None] = lambda: None
    unsaved: Unsaved = field(default_factory=Unsaved)
    kept: Callable[[Sequence[Evaluation]], None] = lambda _: None

    async def judge(self, evaluations: Sequence[Evaluation], halted_s: int = 0) -> Ruled:
        """Return what the rules make of the evaluations; nothing is stored yet.

        `halted_s` is how long the chain had stood still until now: a time in which nothing improved. Who has thresholds
        of their own is told by those alone, from a memory of their own.
        """
        await self.audience.look(self.store)
        # Judging takes a while, in which people may change: it is one look at them that all of it goes by.
        audience, now_s = copy(self.audience), self.clock.wall_s()
        positions = frozenset(str(evaluation.protocol.id) for evaluation in evaluations)
        acks, held = self.unsaved.waiting(audience.acks, audience.held)
        waiting = due(audience.people, acks, held, positions, now_s)
        usual = await self._judged(evaluations, None, waiting, halted_s, audience)
        own, notices = list[tuple[str, PositionState]](), list(usual.notices)
        for name in audience.levels:
            mine = [e for e in evaluations if _owner(e) in audience.people[name].watches]
            if mine:
                theirs = await self._judged(mine, name, waiting, halted_s, audience)
                own += [(name, state) for state in theirs.states]
                notices += theirs.notices
        for alert, name in waiting.recorded:
            notices.append(Notice(alert, (audience.people[name].recipient(None, audience.escalate_s),)))
        heard = Heard(own, waiting.released, waiting.over)
        return Ruled(tuple(evaluations), usual.states, tuple(notices), heard)

    async def _judged(
        self, evaluations: Sequence[Evaluation], name: str | None, waiting: Due, halted_s: int, audience: Audience
    ) -> Ruled:
        """Judge by the usual levels, or by those of a subscriber."""
        ids, now_s = [e.protocol.id for e in evaluations], self.clock.wall_s()
        past = await self.unsaved.states(self.store, ids, name)
        past = {position: thawed(state, halted_s) for position, state in past.items()} if halted_s else past
        levels = self.levels if name is None else audience.levels[name]
        states, notices = list[PositionState](), list[Notice]()
        for turn, evaluation in enumerate(evaluations):
            if turn % _PER_TURN == _PER_TURN - 1:
                await others_first()
            owner, position = _owner(evaluation), evaluation.protocol.id
            judgement = judge(past.get(position), evaluation, levels, now_s)
            hearers = [one for one in audience.watching(owner) if _is_of(one, name, audience)]
            for alert in judgement.alerts:
                own = alert if name is None else personal(alert, name)
                notices.append(audience.notice(own, hearers, owner, now_s))
            again = [one for one in hearers if one.name in waiting.again.get(str(position), ())]
            if again:
                judgement, reminder = retold(judgement, evaluation, levels)
                if reminder is not None:
                    own = reminder if name is None else personal(reminder, name)
                    notices.append(audience.notice(own, again, owner, now_s))
            states.append(judgement.state)
        return Ruled(tuple(evaluations), tuple(states), tuple(notices))

    async def known(self, deployment: DeploymentName) -> dict[PositionId, Address | None]:
        """Return every known position of a deployment with its owner."""
        return await self.unsaved.known(self.store, deployment)

    def notices(self, alerts: Iterable[tuple[Alert, Address]]) -> tuple[Notice, ...]:
        """Return the alerts, each with everyone who hears of that owner."""
        now_s, audience = self.clock.wall_s(), self.audience
        return tuple(audience.notice(alert, audience.watching(owner), owner, now_s) for alert, owner in alerts)

    async def tell_halt(self, chain: Living) -> int:
        """Tell everyone, once each, that the chain stands still and that it goes on.

        Return how long a halt lasted that has just ended, else 0. The last alert about the chain is all there is to
        remember, so that a restart tells nothing twice.
        """
        last, now_s = await self.unsaved.last_alert(self.store, ChainWide(chain.id)), self.clock.wall_s()
        news = halt_news(last, chain.liveness, chain.name, now_s)
        if news is None:
            return 0
        await self.audience.look(self.store)
        everyone = [one for one in self.audience.people.values() if one.watches]
        await self.commit(Commit(None, notices=[self.audience.notice(news, everyone, None, now_s)]))
        return int(news.facts["duration_s"]) if news.kind is AlertKind.KNOWN_AGAIN else 0

    async def commit(self, step: Commit) -> int:
        """Store the step, or keep it while the store refuses, have its messages delivered, and count them."""
        await self.unsaved.commit(self.store, step)
        self.kept(step.evaluations)
        if step.notices:
            self.told()
        return len(step.notices)

    def told_to(self, alert: Alert, owners: Iterable[Address]) -> Notice:
        """Return one notice of what owners have in common, to everyone who hears of any of them."""
        hearers = {one.name: one for owner in owners for one in self.audience.watching(owner)}
        return self.audience.notice(alert, hearers.values(), None, self.clock.wall_s())


def _is_of(one: Subscriber, name: str | None, audience: Audience) -> bool:
    return one.name not in audience.levels if name is None else one.name == name


def _owner(evaluation: Evaluation) -> Address:
    seen = evaluation.protocol
    return seen.owner or Address(seen.id.key)
