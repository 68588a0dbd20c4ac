"""One deployment of a venue in memory: its markets at the present prices, and its owners as they were read in turn."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from monitor import log
from monitor.clock import Clock
from monitor.cycle.ruling import Ruled
from monitor.cycle.step import Target
from monitor.cycle.venues.asking import PARALLEL, Found, Weighed, of_owners
from monitor.cycle.venues.holdings import Holdings, Owned
from monitor.cycle.venues.joined import drifted
from monitor.cycle.venues.quotes import Quotes
from monitor.cycle.venues.standing import Judged, Standing
from monitor.cycle.venues.turns import in_order
from monitor.domain.alerts import Level
from monitor.domain.health import Unmeasurable
from monitor.domain.ids import Address, MarketKey, PositionId, PositionKey
from monitor.domain.moment import time_ms
from monitor.errors import ReadError
from monitor.ledger.accounts import Account
from monitor.rules.levels import Levels
from monitor.rules.quiet import is_settled
from monitor.sources.http.freshness import NOT_ASKED, Freshness
from monitor.store import Store

_SAY_AGAIN_MS = 30_000

_log = log.get("cycle")


@dataclass(slots=True)
class Desk:
    """What is known of a deployment; `reads` says how old the last balances are that were read of anybody.

    `drifts` counts the accounts whose read differed from what was projected by more than `drift_ppm` of its equity
    though nobody acted, of `compared`; `cost` is the weight that one owner took lately.
    """

    target: Target
    clock: Clock
    quotes: Quotes
    drift_ppm: int
    reads: Freshness = field(init=False)
    started_ms: int = field(init=False)
    compared: int = 0
    drifts: int = 0
    cost: int = 1

    def __post_init__(self) -> None:
        self.reads = Freshness(self.clock)
        self.started_ms = self.clock.monotonic_ms()

    @classmethod
    async def open(cls, target: Target, store: Store, clock: Clock, drift_ppm: int) -> "Desk":
        """Return a deployment of which nothing was read yet, with the watched positions that the store remembers."""
        stored = await store.known(target.deployment.name)
        owners = frozenset(target.owners)
        mine = {position: owner for position, owner in stored.items() if owner in owners}
        states = await store.states(list(mine))
        known: dict[MarketKey, dict[Address, dict[PositionKey, Level | None]]] = {}
        for position, owner in mine.items():
            if position != target.unplaced(owner):
                state = states.get(position)
                of_market = known.setdefault(position.market, {})
                of_market.setdefault(owner, {})[position.key] = state.level if state else None
        return cls(target, clock, Quotes(target, clock, known), drift_ppm)

    @property
    def holdings(self) -> Mapping[MarketKey, Holdings]:
        """What is held in each market."""
        return self.quotes.holdings

    @property
    def everyone(self) -> Iterator[Owned]:
        """Every owner of every market."""
        return (owned for holdings in self.holdings.values() for owned in holdings.owned.values())

    @property
    def is_cut_off(self) -> bool:
        """Whether reads of accounts have failed for so long that what was read before says nothing of now."""
        return self.reads.is_stale and self.reads.problem not in ("", NOT_ASKED)

    async def reread(self, source: Weighed, allowance: int | None, until_ms: int, pace_ms: int, limit_s: int) -> int:
        """Read the balances of owners again, the nearest to liquidation first, and return of how many.

        No more weight than `allowance` is asked for, None for any, and nothing new from `until_ms` on. Raises ReadError
        when no owner could be read for so long that nothing may count as known.
        """
        owners = [one for one in self.everyone if self.holdings[one.market].market is not None]
        reads = len(owners) if allowance is None else allowance // self.cost
        queue = in_order(owners, self.clock.monotonic_ms(), pace_ms, reads, limit_s)
        count = 0
        while True:
            group = list(islice(queue, self._room(source, allowance)))
            if not group:
                break
            await self._read(source, group)
            count += len(group)
            if self.clock.monotonic_ms() >= until_ms or all(one.problem for one in group):
                break
        if self.is_cut_off:
            raise ReadError(f"accounts cannot be read: {self.reads.problem}")
        return count

    def _room(self, source: Weighed, allowance: int | None) -> int:
        """Return how many owners can be read at once; the first of a turn whatever it costs, or none ever would be."""
        if allowance is None:
            return PARALLEL
        is_first = allowance > 0 and not source.weight
        return max(min(PARALLEL, (allowance - source.weight) // self.cost), int(is_first))

    def wake(self, key: PositionKey) -> None:
        """Have the owner of a position read in the next turn, as if they never had been."""
        for one in self.everyone:
            if key in one.keys:
                one.tried_ms = None

    async def _read(self, source: Weighed, group: Sequence[Owned]) -> None:
        adapter, before = self.target.adapter, source.weight
        by_market: dict[MarketKey, list[Owned]] = defaultdict(list)
        for one in group:
            by_market[one.market].append(one)
        for key, owners in by_market.items():
            holdings = self.holdings[key]
            if holdings.market is None:
                continue
            found = await of_owners(source, adapter, holdings.market, [one.owner for one in owners])
            for one, result in zip(owners, found, strict=True):
                self._take(holdings, one, result)
        self.cost = max(-(-(source.weight - before) // len(group)), 1)

    def _take(self, holdings: Holdings, one: Owned, result: Found | ReadError) -> None:
        now_ms, adapter = self.clock.monotonic_ms(), self.target.adapter
        if isinstance(result, ReadError):
            self.reads.failed(str(result))
            one.fail(str(result), now_ms)
            return
        self.reads.answered(time_ms(result.at))
        was_at = one.at
        both = one.take(result, now_ms, has_owners=bool(getattr(adapter, "has_owners", False)))
        if was_at is not None:
            self._compare(holdings, both, (time_ms(result.at) - time_ms(was_at)) // 1000)
        holdings.value(adapter, list(one.standings.values()))

    def _compare(self, holdings: Holdings, both: Sequence[tuple[Account, Account]], seconds: int) -> None:
        """Raise the alarm where what was read is not what was projected, though nobody acted in between."""
        market: Any = holdings.market
        for before, after in both:
            self.compared += 1
            found = drifted(self.target.adapter, market, before, after, seconds, self.drift_ppm)
            if found is not None:
                self.drifts += 1
                _log.warning(
                    "projection drifted",
                    deployment=self.target.deployment.name,
                    position=after.key,
                    after_s=seconds,
                    projected=found.projected_base,
                    read=found.read_base,
                    apart_ppm=found.apart_ppm,
                )

    def doubted(self, why: Mapping[MarketKey, ReadError], limit_s: int) -> dict[PositionId, tuple[Address, str]]:
        """Return the positions of which it is to be said now that nothing is known, with whose each is and why."""
        now_ms, found = self.clock.monotonic_ms(), dict[PositionId, tuple[Address, str]]()
        for one in self.everyone:
            if one.told_ms is None or now_ms - one.told_ms >= _SAY_AGAIN_MS:
                reasons = one.doubts(now_ms, now_ms - self.started_ms, limit_s)
                if one.market in why:
                    reasons = dict.fromkeys(one.keys, str(why[one.market]))
                for key, reason in reasons.items():
                    found[self.target.position(one.market, key)] = one.owner, reason
                    one.told_ms = now_ms
        return found

    def doubt(self) -> dict[PositionId, Address]:
        """Note that nothing is known of anybody now, and return every position that there is."""
        for one in self.everyone:
            one.doubt()
        read = {self.target.position(one.market, key): one.owner for one in self.everyone for key in one.keys}
        return read | {
            self.target.position(market, key): owner
            for market, by_owner in self.quotes.known.items()
            if market not in self.holdings
            for owner, keys in by_owner.items()
            for key in keys
        }

    def due(self) -> list[tuple[Holdings, Owned, Standing]]:
        """Return the positions to judge now, the nearest to liquidation first."""
        now_ms = self.clock.monotonic_ms()
        found = [
            (holdings, owned, standing)
            for holdings in self.holdings.values()
            if holdings.market is not None
            for owned, standing in holdings.standings
            if standing.is_due(now_ms)
        ]
        return sorted(found, key=lambda one: one[2].nearness_wad())

    def judged(self, ruled: Ruled, levels: Levels) -> list[PositionId]:
        """Note how positions were judged, and return those of which nothing has to be remembered any more."""
        left, now_ms = list[PositionId](), self.clock.monotonic_ms()
        there = {
            self.target.position(owned.market, key): (owned, standing)
            for owned in self.everyone
            for key, standing in owned.standings.items()
        }
        for seen, state in zip(ruled.evaluations, ruled.states, strict=True):
            owned, standing = there.get(state.position, (None, None))
            if owned is None or standing is None or standing.views is None:
                continue
            thresholds = levels.of(seen.protocol)
            standing.judged = Judged.of(seen, standing.views, state.level, thresholds, now_ms)
            standing.is_fresh = False
            if standing.is_gone and is_settled(state):
                del owned.standings[standing.account.key]
                left.append(state.position)
        return left

    @property
    def unmeasurable(self) -> int:
        """Of how many positions nothing is known."""
        return sum(
            isinstance(standing.views[0] if standing.views else None, Unmeasurable | None)
            for holdings in self.holdings.values()
            for _, standing in holdings.standings
        ) + sum(len(one.failed) + len(one.remembered) for one in self.everyone)
