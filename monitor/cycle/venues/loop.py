"""Follows one venue without blocks: prices again and again, accounts in turn, and what follows judged and committed."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice

from monitor.clock import Clock
from monitor.cycle.causes.telling import Causes, Look
from monitor.cycle.head import Pass
from monitor.cycle.outlook import Outlooks
from monitor.cycle.ruling import Ruling
from monitor.cycle.step import Sight, Target, assess, unseen
from monitor.cycle.venues.asking import Venue, Weighed
from monitor.cycle.venues.desk import Desk
from monitor.cycle.venues.holdings import Holdings, Owned
from monitor.cycle.venues.joined import joined
from monitor.cycle.venues.standing import Standing
from monitor.domain.ids import DeploymentName, MarketKey
from monitor.domain.moment import At, VenueMoment
from monitor.domain.row import Evaluation
from monitor.errors import ReadError
from monitor.ledger.accounts import Accounts
from monitor.store import Commit, Cursor

PACE_MS = 4_000
"""Whoever is critical is read again in each second turn, and so within ten seconds."""
LIMIT_S = 3_600
"""Balances older than this say nothing of now, whatever the prices are."""
DRIFT_PPM = 1_000
_SAY_AGAIN_MS = 30_000
"""How often it is said again that nothing is known."""
_PER_STEP = 25

Due = tuple[Holdings, Owned, Standing]


@dataclass(slots=True)
class VenueLoop:
    """One venue's loop; `once` is one turn of it. `desks` are its deployments, once there was a first turn.

    `passed` is called when every deployment was read whole.
    """

    venue: Venue
    targets: tuple[Target, ...]
    outlooks: Outlooks
    ruling: Ruling
    clock: Clock
    target_wad: int
    pace_ms: int = PACE_MS
    limit_s: int = LIMIT_S
    drift_ppm: int = DRIFT_PPM
    passed: Callable[[], None] = lambda: None
    passes: dict[DeploymentName, Pass] = field(default_factory=dict)
    desks: dict[DeploymentName, Desk] = field(default_factory=dict)
    causes: Causes = field(init=False)
    _turned_ms: int | None = None
    _blind_ms: dict[DeploymentName, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        chain = self.targets[0].deployment.chain
        self.causes = Causes.of(self.ruling, self.target_wad, chain, self.venue.name)

    async def once(self) -> None:
        """Pass over every deployment; one that cannot be read is unknown, not skipped, and never as it was.

        Raises ReadError when none can be read, after saying so for every position.
        """
        await self._keep_pace()
        failed = list[ReadError]()
        for target in self.targets:
            name, started_ms = target.deployment.name, self.clock.monotonic_ms()
            if name not in self.desks:
                self.desks[name] = await Desk.open(target, self.ruling.store, self.clock, self.drift_ppm)
            try:
                done = await self._turn(self.desks[name])
            except ReadError as e:
                failed.append(e)
                await self._blind(self.desks[name], str(e))
            else:
                self._blind_ms.pop(name, None)
                self._note(self.desks[name], done, self.clock.monotonic_ms() - started_ms)
        await self.causes.tell(await self.venue.head())
        if not failed:
            self.passed()
        if failed and len(failed) == len(self.targets):
            raise failed[0]

    async def _keep_pace(self) -> None:
        """Let `pace_ms` go by between turns."""
        now_ms = self.clock.monotonic_ms()
        if self._turned_ms is not None and now_ms < self._turned_ms + self.pace_ms:
            await self.clock.sleep((self._turned_ms + self.pace_ms - now_ms) / 1000)
        self._turned_ms = self.clock.monotonic_ms()

    async def _turn(self, desk: Desk) -> "_Done":
        """Revalue everyone at new prices and judge whom they moved; then read on, and judge who was read.

        While no account can be read nobody is judged before. Raises ReadError when prices or accounts cannot be read.
        """
        started_ms = self.clock.monotonic_ms()
        asked, reread = Weighed(self.venue), Weighed(self.venue, urgency=1)
        share = self.venue.share(self.pace_ms // len(self.targets))
        room = None if share is None else share // 2
        unread = await desk.quotes.look(asked, self.outlooks, await self.venue.head(), self.pace_ms, room)
        done = None if desk.is_cut_off else await self._judged(desk, started_ms + self.pace_ms, unread)
        left = self.venue.left()
        allowance = None if share is None else max(min(share - asked.weight, share if left is None else left), 0)
        await desk.reread(reread, allowance, started_ms + self.pace_ms, self.pace_ms, self.limit_s)
        more = await self._judged(desk, started_ms + 2 * self.pace_ms, unread)
        if done is None:
            return more
        return _Done(more.at, done.positions + more.positions, done.alerts + more.alerts)

    async def _judged(self, desk: Desk, until_ms: int, unread: Mapping[MarketKey, ReadError]) -> "_Done":
        """Judge and commit who is due, the nearest first; who is not reached by `until_ms` is next time."""
        evaluations, due = list[Evaluation](), iter(desk.due())
        while some := list(islice(due, _PER_STEP)):
            evaluations += await self._evaluated(desk, some)
            if self.clock.monotonic_ms() >= until_ms:
                break
        at = desk.quotes.at or await self.venue.head()
        evaluations += _unknown(desk, unread, at, self.limit_s)
        ruled, of = await self.ruling.judge(evaluations), desk.target.deployment
        left = desk.judged(ruled, self.ruling.levels)
        apart = await self.causes.told(of.name, self._looks(desk))
        notices = (*ruled.notices, *self.ruling.notices(apart))
        cursor = Cursor(of.name, of.protocol, of.chain, at)
        step = Commit(cursor, ruled.evaluations, ruled.states, notices, left, heard=ruled.heard)
        alerts = await self.ruling.commit(step)
        self.causes.committed(of.name, apart)
        return _Done(at, len(evaluations), alerts)

    async def _evaluated(self, desk: Desk, some: Sequence[Due]) -> list[Evaluation]:
        """Return the full evaluations of positions, each with the moments of its balances and of its prices."""
        found, of_market = list[Evaluation](), defaultdict[MarketKey, list[Due]](list)
        for one in some:
            of_market[one[1].market].append(one)
        for dues in of_market.values():
            read_at = {due[2].account.key: due[1].at for due in dues}
            sight = self._sight(desk, dues[0][0], [(owned, standing) for _, owned, standing in dues])
            if sight is None:
                continue
            async for seen in assess(sight, self.target_wad, near_wad=None):
                moment = read_at[seen.protocol.id.key]
                found.append(seen if moment is None else joined(seen, moment, self.limit_s))
        return found

    def _looks(self, desk: Desk) -> Iterator[Look]:
        """Yield every market at its present prices, with everyone who holds something there."""
        for holdings in desk.holdings.values():
            if holdings.market is not None and holdings.outlook is not None:
                everyone = [(owned, s) for owned in holdings.owned.values() for s in owned.standings.values()]
                yield Look(holdings.market, holdings.outlook, partial(self._sight, desk, holdings, everyone))

    def _sight(self, desk: Desk, holdings: Holdings, held: Sequence[tuple[Owned, Standing]]) -> Sight | None:
        """Return positions of a market as if they were read at its present prices, None where there is nothing."""
        if holdings.market is None or holdings.outlook is None or not held:
            return None
        accounts = [standing.account for _, standing in held]
        columns = Accounts.of(accounts, (len(accounts[0].key) - 2) // 2)
        owners = {standing.account.key: owned.owner for owned, standing in held}
        return Sight(desk.target, holdings.market, holdings.outlook, columns, owners, self.outlooks.risk)

    async def _blind(self, desk: Desk, problem: str) -> None:
        """Record that nothing is known of the deployment's positions; the cursor stays where knowledge ended."""
        name, now_ms = desk.target.deployment.name, self.clock.monotonic_ms()
        known, before = desk.doubt(), self.passes.get(name, Pass())
        if known and now_ms - self._blind_ms.get(name, now_ms - _SAY_AGAIN_MS) >= _SAY_AGAIN_MS:
            blind = unseen(known, await self.venue.head(), desk.target.adapter.kind, problem)
            ruled = await self.ruling.judge(blind)
            await self.ruling.commit(Commit(None, ruled.evaluations, ruled.states, ruled.notices, heard=ruled.heard))
            self._blind_ms[name] = now_ms
        self.passes[name] = replace(
            before, positions=len(known), unmeasurable=len(known), failures=before.failures + 1, problem=problem
        )

    def _note(self, desk: Desk, done: "_Done", took_ms: int) -> None:
        before = self.passes.get(desk.target.deployment.name, Pass())
        self.passes[desk.target.deployment.name] = Pass(
            ok_block=done.at.height if isinstance(done.at, VenueMoment) else None,
            ok_s=self.clock.wall_s(),
            took_ms=took_ms,
            positions=done.positions,
            accounts=sum(1 for holdings in desk.holdings.values() for _ in holdings.standings),
            unmeasurable=desk.unmeasurable,
            alerts=done.alerts,
            passes=before.passes + 1,
            failures=before.failures,
        )


def _unknown(desk: Desk, unread: Mapping[MarketKey, ReadError], at: At, limit_s: int) -> list[Evaluation]:
    """Return evaluations of the positions of which nothing is known, which say only why."""
    kind, found = desk.target.adapter.kind, list[Evaluation]()
    for position, (owner, reason) in desk.doubted(unread, limit_s).items():
        found += unseen({position: owner}, at, kind, reason)
    return found


@dataclass(frozen=True, slots=True)
class _Done:
    """What was judged and committed."""

    at: At
    positions: int
    alerts: int
