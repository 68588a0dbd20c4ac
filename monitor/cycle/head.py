"""Follows one chain: at each new block every deployment on it is read, assessed, judged and committed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from monitor.clock import Clock
from monitor.courtesy import others_first
from monitor.cycle.book import Book
from monitor.cycle.causes.telling import Causes, Look
from monitor.cycle.events import Settling, Telling, settled_block
from monitor.cycle.follow import Blocks, Brought, follow
from monitor.cycle.keeping import settle, worth_keeping
from monitor.cycle.markets.listing import Listing
from monitor.cycle.outlook import Outlooks
from monitor.cycle.ruling import Living, Ruled, Ruling
from monitor.cycle.step import Sight, Target, Unread, assess, look, unseen
from monitor.cycle.whole import Whole
from monitor.domain.health import Unmeasurable
from monitor.domain.ids import DeploymentName, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.row import Evaluation
from monitor.errors import EndpointError, MonitorError, ReadError, ReorgTooDeep
from monitor.store import Commit, Cursor

_PATIENCE_S = 30


class Heads(Blocks, Living, Settling, Protocol):
    """A chain whose blocks can be followed."""

    async def wait_for_head(self, after: BlockRef | None, timeout_s: int) -> BlockRef:
        """Return the newest verified block, as soon as it is another than `after` or when time is up."""
        ...


@dataclass(frozen=True, slots=True)
class Pass:
    """How the last pass over a deployment went; `ok_block` and `ok_s` are of the last whole one, of `passes`.

    `positions` were judged, of `accounts` that were looked at.
    """

    ok_block: int | None = None
    ok_s: int | None = None
    took_ms: int = 0
    positions: int = 0
    accounts: int = 0
    unmeasurable: int = 0
    alerts: int = 0
    passes: int = 0
    failures: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Looked:
    """What the last pass over a deployment saw of whom people watch, and which of its markets it could not read."""

    sights: tuple[Sight, ...]
    unread: tuple[MarketKey, ...] = ()


@dataclass(slots=True)
class HeadLoop:
    """One chain's loop; `once` is one turn of it, and calls `passed` when every deployment was read whole."""

    chain: Heads
    targets: tuple[Target, ...]
    outlooks: Outlooks
    ruling: Ruling
    wholes: Mapping[DeploymentName, Whole]
    clock: Clock
    target_wad: int
    pace_ms: int = 0
    passed: Callable[[], None] = lambda: None
    passes: dict[DeploymentName, Pass] = field(default_factory=dict)
    looked: dict[DeploymentName, "Looked"] = field(default_factory=dict)
    causes: Causes = field(init=False)
    _last: BlockRef | None = None
    _halted_s: int = 0
    _turned_ms: int | None = None
    _listings: dict[DeploymentName, Listing] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.causes = Causes.of(self.ruling, self.target_wad, self.chain.id, self.chain.name)

    async def once(self) -> None:
        """Wait for a block and pass over every deployment; a deployment that cannot be read is unknown, not skipped.

        Raises NoEndpoint when the chain has no head to offer, after saying so for every position.
        """
        await self._keep_pace()
        try:
            head = await self.chain.wait_for_head(self._last, _PATIENCE_S)
        except EndpointError as e:
            await self.ruling.tell_halt(self.chain)
            for target in self.targets:
                await self._blind(target, self._last, str(e))
            raise
        self._halted_s += await self.ruling.tell_halt(self.chain)
        if self._last is not None and head.hash == self._last.hash:
            return
        at, unready = await self._ready(head)
        books = [book for name, whole in self.wholes.items() if name not in unready for book in whole.books.values()]
        followed = await follow(self.chain, books, at, self.outlooks)
        for one in self.wholes.values():
            one.take(followed)
        for target in self.targets:
            name = target.deployment.name
            started_ms, whole = self.clock.monotonic_ms(), self.wholes.get(name)
            try:
                if name in unready:
                    raise unready[name]
                done = await (self._listed(target, head) if whole is None else self._followed(whole, followed, at))
            except ReadError as e:
                await self._blind(target, head, str(e))
            else:
                self._note(target, done, self.clock.monotonic_ms() - started_ms)
        await self.causes.tell(head)
        self._last, self._halted_s = head, 0
        if not any(one.problem for one in self.passes.values()):
            self.passed()

    async def _keep_pace(self) -> None:
        """Let `pace_ms` go by between turns on chains whose blocks come faster than anyone needs to know."""
        now_ms = self.clock.monotonic_ms()
        if self._turned_ms is not None and now_ms < self._turned_ms + self.pace_ms:
            await self.clock.sleep((self._turned_ms + self.pace_ms - now_ms) / 1000)
        self._turned_ms = self.clock.monotonic_ms()

    async def _ready(self, head: BlockRef) -> tuple[BlockRef, dict[DeploymentName, ReadError]]:
        """Open all books; return the newest block any of them stands at, and the deployments without books."""
        at, unready = head, dict[DeploymentName, ReadError]()
        for name, whole in self.wholes.items():
            try:
                at = max(at, await whole.ready(head), key=lambda block: block.number)
            except ReadError as e:
                unready[name] = e
        return at, unready

    async def _followed(self, whole: Whole, followed: Mapping[Book, Brought | MonitorError], at: BlockRef) -> "_Done":
        """Judge what moved in a deployment's markets and commit it; one that could not be read is unknown.

        Raises ReadError when none could be.
        """
        evaluations, seen, problems = list[Evaluation](), list[Book](), list[MonitorError]()
        unread: dict[MarketKey, tuple[BlockRef, MonitorError]] = {key: (at, e) for key, e in whole.unopened.items()}
        forked = [key for key, book in whole.books.items() if isinstance(followed[book], ReorgTooDeep)]
        books = {key: followed[book] for key, book in whole.books.items()}
        rebuilt = await whole.rebuild(forked) if forked else {}
        for key, brought in books.items():
            book, result = whole.books[key], rebuilt.get(key, brought)
            if isinstance(result, MonitorError):
                problems.append(result)
                book.doubt()
                unread[key] = book.journal.at, result
                continue
            if isinstance(result, Brought):
                await whole.audited(book)
            seen.append(book)
            evaluations += [e async for e in whole.evaluations(book, self.clock.wall_s())]
        if not seen and problems:
            raise problems[0]
        evaluations += await self._unread(whole.target, unread)
        ruled, tellings = await self.ruling.judge(evaluations, self._halted_s), await self._tellings(whole, seen, at)
        # Judging took its while, and what is to be stored is gathered next: whoever asks over HTTP comes in between.
        await others_first()
        at = max((book.journal.at for book in seen), key=lambda block: block.number, default=at)
        kept = worth_keeping(seen, ruled, whole.target.owners)
        looks = [
            Look(book.market, book.outlook, partial(whole.sight, book, whole.watched(book)))
            for book in seen
            if book.outlook is not None
        ]
        apart = await self.causes.told(whole.target.deployment.name, looks)
        told = self.ruling.notices((*(one for telling in tellings.values() for one in telling.alerts), *apart))
        alerts = await self.ruling.commit(
            Commit(
                self._cursor(whole.target, at),
                kept.evaluations,
                kept.states,
                (*ruled.notices, *told),
                kept.left,
                whole.parts(at),
                [telling.part for telling in tellings.values()],
                whole.audits_at(at),
                ruled.heard,
            )
        )
        for key, telling in tellings.items():
            whole.events[key].committed(telling)
        self.causes.committed(whole.target.deployment.name, apart)
        await settle(seen, ruled, self.ruling.levels)
        return _Done(at, ruled, whole.accounts, alerts)

    async def _tellings(self, whole: Whole, books: Sequence[Book], at: BlockRef) -> dict[MarketKey, Telling]:
        """Return what is to be told of the events of books at the blocks where they stand."""
        events = [(book, whole.events[book.market.key]) for book in books]
        for book, told in events:
            await told.catch_up(self.chain, book)
        at = max((book.journal.at for book in books), key=lambda block: block.number, default=at)
        settled = await settled_block(self.chain, at, [told for _, told in events])
        tellings = dict[MarketKey, Telling]()
        for book, told in events:
            watched = book.journal.ledger.keys(whole.watched(book))
            tellings[book.market.key] = await told.told(book, settled, self.ruling.levels, self.target_wad, watched)
        return tellings

    async def _unread(
        self, target: Target, markets: Mapping[MarketKey, tuple[BlockRef, MonitorError]]
    ) -> list[Evaluation]:
        """Return, for the known positions of markets, evaluations that say only why nothing is known of them."""
        known = await self.ruling.known(target.deployment.name) if markets else {}
        found = list[Evaluation]()
        for key, (at, why) in markets.items():
            there = {position: owner for position, owner in known.items() if position.market == key}
            found += unseen(there, at, target.adapter.kind, str(why))
        return found

    async def _listed(self, target: Target, head: BlockRef) -> "_Done":
        name, evaluations, unread, sights = target.deployment.name, list[Evaluation](), list[Unread](), list[Sight]()
        if name not in self._listings:
            self._listings[name] = Listing(target.adapter, target.deployment)
            self._listings[name].keep(position.market for position in await self.ruling.known(name))
        async for seen in look(self.chain, target, self.outlooks, head, self._listings[name]):
            if isinstance(seen, Unread):
                unread.append(seen)
            else:
                sights.append(seen)
                evaluations.extend([evaluation async for evaluation in assess(seen, self.target_wad)])
        self.looked[name] = Looked(tuple(sights), tuple(one.market for one in unread))
        if unread and not sights:
            self._listings[name].outdate()
            raise unread[0].why
        judged = {evaluation.protocol.id for evaluation in evaluations}
        blind = await self._unread(target, {one.market: (head, one.why) for one in unread})
        evaluations += [evaluation for evaluation in blind if evaluation.protocol.id not in judged]
        ruled = await self.ruling.judge(evaluations, self._halted_s)
        apart = await self.causes.told(name, map(Look.at, sights))
        notices = (*ruled.notices, *self.ruling.notices(apart))
        step = Commit(self._cursor(target, head), ruled.evaluations, ruled.states, notices, heard=ruled.heard)
        alerts = await self.ruling.commit(step)
        self.causes.committed(name, apart)
        return _Done(head, ruled, len(evaluations), alerts)

    async def _blind(self, target: Target, at: BlockRef | None, problem: str) -> None:
        """Record that nothing is known of the deployment's positions; the cursor stays where knowledge ended."""
        name, before = target.deployment.name, self._before(target)
        self.looked.pop(name, None)
        known, cursor = await self.ruling.known(name), await self.ruling.store.cursor(name)
        at = at or (cursor.at if cursor is not None and isinstance(cursor.at, BlockRef) else None)
        if known and at is not None:
            ruled = await self.ruling.judge(unseen(known, at, target.adapter.kind, problem))
            await self.ruling.commit(Commit(None, ruled.evaluations, ruled.states, ruled.notices, heard=ruled.heard))
        if name in self.wholes:
            self.wholes[name].doubt()
        self.passes[name] = Pass(
            ok_block=before.ok_block,
            ok_s=before.ok_s,
            took_ms=before.took_ms,
            positions=len(known),
            accounts=before.accounts,
            unmeasurable=len(known),
            passes=before.passes,
            failures=before.failures + 1,
            problem=problem,
        )

    def _note(self, target: Target, done: "_Done", took_ms: int) -> None:
        before = self._before(target)
        self.passes[target.deployment.name] = Pass(
            ok_block=done.at.number,
            ok_s=self.clock.wall_s(),
            took_ms=took_ms,
            positions=len(done.ruled.evaluations),
            accounts=done.accounts,
            unmeasurable=sum(isinstance(e.protocol.health, Unmeasurable) for e in done.ruled.evaluations),
            alerts=done.alerts,
            passes=before.passes + 1,
            failures=before.failures,
        )

    def _before(self, target: Target) -> Pass:
        return self.passes.get(target.deployment.name, Pass())

    def _cursor(self, target: Target, at: BlockRef) -> Cursor:
        return Cursor(target.deployment.name, target.deployment.protocol, target.deployment.chain, at)


@dataclass(frozen=True, slots=True)
class _Done:
    """A pass that was committed."""

    at: BlockRef
    ruled: Ruled
    accounts: int
    alerts: int
