"""Follows one chain: at each new block every deployment on it is read, assessed, judged and committed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from monitor.adapter import Market
from monitor.clock import Clock
from monitor.cycle.outlook import Outlooks, Source
from monitor.cycle.step import Target, assess, look, unseen
from monitor.cycle.whole import Whole
from monitor.domain.alerts import Alert, Level, Notice, Recipient
from monitor.domain.health import Unmeasurable
from monitor.domain.ids import Address, DeploymentName, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.row import Evaluation
from monitor.errors import EndpointError, ReadError
from monitor.rules.judge import Judgement, judge
from monitor.rules.levels import Levels
from monitor.store import Commit, Cursor, Store

_PATIENCE_S = 30


class Heads(Source, Protocol):
    """A chain whose blocks can be followed."""

    async def wait_for_head(self, after: BlockRef | None, timeout_s: int) -> BlockRef:
        """Return the newest verified block, as soon as it is another than `after` or when time is up."""
        ...


@dataclass(frozen=True, slots=True)
class Pass:
    """How the last pass over a deployment went; `ok_block` and `ok_s` are of the last whole one, of `passes`."""

    ok_block: int | None = None
    ok_s: int | None = None
    took_ms: int = 0
    positions: int = 0
    unmeasurable: int = 0
    alerts: int = 0
    passes: int = 0
    failures: int = 0
    problem: str = ""


@dataclass(slots=True)
class HeadLoop:
    """One chain's loop; `once` is one turn of it, and `told` is called when there is something to deliver."""

    chain: Heads
    targets: tuple[Target, ...]
    outlooks: Outlooks
    store: Store
    levels: Levels
    recipients: Mapping[Address, tuple[Recipient, ...]]
    labels: Mapping[Address, str]
    wholes: Mapping[DeploymentName, Whole]
    clock: Clock
    target_wad: int
    pace_ms: int = 0
    told: Callable[[], None] = lambda: None
    passes: dict[DeploymentName, Pass] = field(default_factory=dict)
    _last: BlockRef | None = None
    _turned_ms: int | None = None
    _markets: dict[DeploymentName, tuple[Market, ...]] = field(default_factory=dict)

    async def once(self) -> None:
        """Wait for a block and pass over every deployment; a deployment that cannot be read is unknown, not skipped.

        Raises NoEndpoint when the chain has no head to offer, after saying so for every position.
        """
        await self._keep_pace()
        try:
            head = await self.chain.wait_for_head(self._last, _PATIENCE_S)
        except EndpointError as e:
            for target in self.targets:
                await self._blind(target, self._last, str(e))
            raise
        if self._last is not None and head.hash == self._last.hash:
            return
        for target in self.targets:
            try:
                await self._pass(target, head)
            except ReadError as e:
                await self._blind(target, head, str(e))
        self._last = head

    async def _keep_pace(self) -> None:
        """Let `pace_ms` go by between turns on chains whose blocks come faster than anyone needs to know."""
        now_ms = self.clock.monotonic_ms()
        if self._turned_ms is not None and now_ms < self._turned_ms + self.pace_ms:
            await self.clock.sleep((self._turned_ms + self.pace_ms - now_ms) / 1000)
        self._turned_ms = self.clock.monotonic_ms()

    async def _pass(self, target: Target, head: BlockRef) -> None:
        started_ms, before = self.clock.monotonic_ms(), self._before(target)
        whole = self.wholes.get(target.deployment.name)
        evaluations = await self._listed(target, head) if whole is None else [e async for e in whole.evaluations(head)]
        at = head if whole is None or whole.at is None else whole.at
        cursor = Cursor(target.deployment.name, target.deployment.protocol, target.deployment.chain, at)
        alerts = await self._judge_and_commit(evaluations, cursor, whole)
        self.passes[target.deployment.name] = Pass(
            ok_block=at.number,
            ok_s=self.clock.wall_s(),
            took_ms=self.clock.monotonic_ms() - started_ms,
            positions=len(evaluations),
            unmeasurable=sum(isinstance(e.protocol.health, Unmeasurable) for e in evaluations),
            alerts=alerts,
            passes=before.passes + 1,
            failures=before.failures,
        )

    async def _listed(self, target: Target, head: BlockRef) -> list[Evaluation]:
        name, evaluations, markets = target.deployment.name, list[Evaluation](), dict[MarketKey, Market]()
        async for sight in look(self.chain, target, self.outlooks, head, self._markets.pop(name, ())):
            markets[sight.market.key] = sight.market
            evaluations.extend([evaluation async for evaluation in assess(sight, self.target_wad)])
        self._markets[name] = tuple(markets.values())
        return evaluations

    async def _blind(self, target: Target, at: BlockRef | None, problem: str) -> None:
        """Record that nothing is known of the deployment's positions; the cursor stays where knowledge ended."""
        before = self._before(target)
        known = await self.store.known(target.deployment.name)
        cursor = await self.store.cursor(target.deployment.name)
        at = at or (cursor.at if cursor is not None and isinstance(cursor.at, BlockRef) else None)
        if known and at is not None:
            await self._judge_and_commit(unseen(known, at, problem), None)
        self.passes[target.deployment.name] = Pass(
            ok_block=before.ok_block,
            ok_s=before.ok_s,
            took_ms=before.took_ms,
            positions=len(known),
            unmeasurable=len(known),
            passes=before.passes,
            failures=before.failures + 1,
            problem=problem,
        )

    def _before(self, target: Target) -> Pass:
        return self.passes.get(target.deployment.name, Pass())

    async def _judge_and_commit(
        self, evaluations: Sequence[Evaluation], cursor: Cursor | None, whole: Whole | None = None
    ) -> int:
        past = await self.store.states([evaluation.protocol.id for evaluation in evaluations])
        now_s = self.clock.wall_s()
        judged: list[Judgement] = [
            judge(past.get(evaluation.protocol.id), evaluation, self.levels, now_s) for evaluation in evaluations
        ]
        notices = [
            Notice(self._labelled(alert, evaluation), self.recipients.get(_owner(evaluation), ()))
            for evaluation, judgement in zip(evaluations, judged, strict=True)
            for alert in judgement.alerts
        ]
        states = [judgement.state for judgement in judged]
        if whole is None:
            await self.store.commit(Commit(cursor, evaluations, states, notices))
        else:
            reported = frozenset(state.position for state in states)
            left = tuple(whole.reported - reported)
            await self.store.commit(Commit(cursor, evaluations, states, notices, left, whole.parts))
            whole.reported = reported
            whole.open = frozenset(s.position for s in states if s.is_unknown or s.level is not Level.OK)
        if notices:
            self.told()
        return len(notices)

    def _labelled(self, alert: Alert, evaluation: Evaluation) -> Alert:
        label = self.labels.get(_owner(evaluation))
        return replace(alert, facts={**alert.facts, "label": label}) if label else alert


def _owner(evaluation: Evaluation) -> Address:
    seen = evaluation.protocol
    return seen.owner or Address(seen.id.key)
