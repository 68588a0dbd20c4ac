"""Judges evaluations against what is remembered, and commits what follows from it as one step."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from monitor.clock import Clock
from monitor.cycle.unsaved import Unsaved
from monitor.domain.alerts import Alert, AlertKind, Notice, Recipient
from monitor.domain.ids import Address, ChainId, ChainWide, DeploymentName, MarketKey, PositionId
from monitor.domain.liveness import Liveness
from monitor.domain.row import Evaluation
from monitor.rules.halt import halt_news, thawed
from monitor.rules.judge import Judgement, judge
from monitor.rules.levels import Levels
from monitor.rules.state import PositionState
from monitor.store import Commit, Store


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
    """Evaluations, what is remembered of each from now on, and the messages that follow."""

    evaluations: tuple[Evaluation, ...]
    states: tuple[PositionState, ...]
    notices: tuple[Notice, ...]

    def of(self, market: MarketKey) -> "list[tuple[Evaluation, PositionState]]":
        """Return what is ruled of the positions of one market."""
        pairs = zip(self.evaluations, self.states, strict=True)
        return [(seen, state) for seen, state in pairs if state.position.market == market]


@dataclass(frozen=True, slots=True)
class Ruling:
    """The rules with the memory they need, stored or `unsaved`; `told` is called when there is something to deliver."""

    store: Store
    levels: Levels
    recipients: Mapping[Address, tuple[Recipient, ...]]
    labels: Mapping[Address, str]
    clock: Clock
    told: Callable[[], None] = lambda: None
    unsaved: Unsaved = field(default_factory=Unsaved)

    async def judge(self, evaluations: Sequence[Evaluation], halted_s: int = 0) -> Ruled:
        """Return what the rules make of the evaluations; nothing is stored yet.

        `halted_s` is how long the chain had stood still until now: a time in which nothing improved.
        """
        past = await self.unsaved.states(self.store, [evaluation.protocol.id for evaluation in evaluations])
        past = {position: thawed(state, halted_s) for position, state in past.items()} if halted_s else past
        now_s = self.clock.wall_s()
        judged: list[Judgement] = [
            judge(past.get(evaluation.protocol.id), evaluation, self.levels, now_s) for evaluation in evaluations
        ]
        notices = self.notices(
            (alert, _owner(evaluation))
            for evaluation, judgement in zip(evaluations, judged, strict=True)
            for alert in judgement.alerts
        )
        return Ruled(tuple(evaluations), tuple(judgement.state for judgement in judged), notices)

    async def known(self, deployment: DeploymentName) -> dict[PositionId, Address | None]:
        """Return every known position of a deployment with its owner."""
        return await self.unsaved.known(self.store, deployment)

    def notices(self, alerts: Iterable[tuple[Alert, Address]]) -> tuple[Notice, ...]:
        """Return the alerts, each with the owner's own label and everyone who hears of that owner."""
        return tuple(Notice(self._labelled(alert, owner), self.recipients.get(owner, ())) for alert, owner in alerts)

    async def tell_halt(self, chain: Living) -> int:
        """Tell everyone, once each, that the chain stands still and that it goes on.

        Return how long a halt lasted that has just ended, else 0. The last alert about the chain is all there is to
        remember, so that a restart tells nothing twice.
        """
        last = await self.unsaved.last_alert(self.store, ChainWide(chain.id))
        news = halt_news(last, chain.liveness, chain.name, self.clock.wall_s())
        if news is None:
            return 0
        everyone = dict.fromkeys(one for some in self.recipients.values() for one in some)
        await self.commit(Commit(None, notices=[Notice(news, tuple(everyone))]))
        return int(news.facts["duration_s"]) if news.kind is AlertKind.KNOWN_AGAIN else 0

    async def commit(self, step: Commit) -> int:
        """Store the step, or keep it while the store refuses, have its messages delivered, and count them."""
        await self.unsaved.commit(self.store, step)
        if step.notices:
            self.told()
        return len(step.notices)

    def _labelled(self, alert: Alert, owner: Address) -> Alert:
        label = self.labels.get(owner)
        return replace(alert, facts={**alert.facts, "label": label}) if label else alert


def _owner(evaluation: Evaluation) -> Address:
    seen = evaluation.protocol
    return seen.owner or Address(seen.id.key)
