"""Keeping up with a chain: who is asked for its head and when, and the block that the endpoints agree on."""

import asyncio
from collections.abc import Sequence

from monitor import log
from monitor.clock import Clock
from monitor.domain.moment import BlockRef
from monitor.errors import NoEndpoint, ReadError
from monitor.sources.evm import block as blocks
from monitor.sources.life.pulse import Pulse, patience_ms
from monitor.sources.parallel import Spawn
from monitor.sources.rpc.endpoint import Endpoint
from monitor.sources.rpc.failover import Failover, Limits
from monitor.sources.rpc.heads import Heads
from monitor.sources.rpc.opening import let_in
from monitor.sources.rpc.spec import ChainSpec

POLLS_PER_BLOCK = 3
SHORTEST_POLL_MS, LONGEST_POLL_MS = 100, 4_000
POLL_TIMEOUT_S = 2.0
DEADLINE_S = 10.0
START_GRACE_S = 2.0
RETREAT_BLOCK_TIMES = 3

_log = log.get("sources")


class Following:
    """Follows one chain. Endpoints after the first are asked when the first has news, and once per block time."""

    def __init__(self, spec: ChainSpec, clock: Clock, endpoints: Sequence[Endpoint], spawn: Spawn) -> None:
        self._spec = spec
        self._clock = clock
        self._endpoints = endpoints
        self._spawn = spawn
        self._opening: dict[Endpoint, asyncio.Task[None]] = {}
        self.heads: Heads[Endpoint] = Heads(clock, spec.block_time_ms, spec.lag_blocks)
        patience = spec.halted_after_ms or patience_ms(spec.block_time_ms)
        self.pulse = Pulse(clock, patience, len(endpoints))
        self._polling = asyncio.Lock()
        self._news = asyncio.Event()
        self._all_polled_ms: int | None = None
        self._last: BlockRef | None = None
        self._behind_ms: int | None = None
        self._is_skewed = False
        self._left_out: frozenset[str] = frozenset()

    async def let_in(self, endpoint: Endpoint) -> None:
        """Open the endpoint and note its head, or note why it stays out."""
        head = await let_in(endpoint, self._endpoints)
        if head is not None:
            self.heads.saw(endpoint, head)

    def _let_in_meanwhile(self, endpoint: Endpoint) -> None:
        running = self._opening.get(endpoint)
        if running is None or running.done():
            self._opening[endpoint] = self._spawn(self.let_in(endpoint))

    async def start(self) -> None:
        """Open all endpoints; once one is open the slow ones are waited for only a little longer."""
        for endpoint in self._endpoints:
            self._let_in_meanwhile(endpoint)
        opening: set[asyncio.Task[None]] = set(self._opening.values())
        while opening and not any(endpoint.is_open for endpoint in self._endpoints):
            _, opening = await asyncio.wait(opening, return_when=asyncio.FIRST_COMPLETED)
        if opening:
            await asyncio.wait(opening, timeout=START_GRACE_S)

    def announced(self) -> None:
        """A subscription says that there is a new head."""
        self._news.set()

    def fit(self, at: BlockRef | None = None) -> list[Endpoint]:
        """Return the endpoints that may be asked (about a block), in the order of their configuration."""
        usable = [e for e in self._endpoints if e.is_open and not e.is_quarantined]
        following = self.heads.following(usable) or usable
        if at is None:
            return following
        having = [e for e in following if not (seen := self.heads.sighting(e)) or seen.head.number >= at.number]
        return having or following

    async def head(self) -> BlockRef:
        """Return the agreed head; raises NoEndpoint when no endpoint answers."""
        async with self._polling:
            await self._poll()
            try:
                head = self._kept(await self._agreed())
            except NoEndpoint as e:
                self.pulse.lost(str(e))
                raise
            self._beat(head)
            self._watch_clock()
            return head

    async def wait(self, after: BlockRef | None, timeout_s: float) -> BlockRef:
        """Return the head once it is another than `after`, or as it is when the time is up."""
        until_ms = self._clock.monotonic_ms() + int(timeout_s * 1000)
        poll_ms = min(max(self._spec.block_time_ms // POLLS_PER_BLOCK, SHORTEST_POLL_MS), LONGEST_POLL_MS)
        while True:
            self._news.clear()
            head = await self.head()
            left_ms = until_ms - self._clock.monotonic_ms()
            if after is None or head.hash != after.hash or left_ms <= 0:
                return head
            await self._pause(min(poll_ms, left_ms) / 1000)

    async def _pause(self, seconds: float) -> None:
        async with asyncio.TaskGroup() as group:
            either = (group.create_task(self._clock.sleep(seconds)), group.create_task(self._awaken()))
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            for task in either:
                task.cancel()

    async def _awaken(self) -> None:
        await self._news.wait()

    async def _poll(self) -> None:
        for endpoint in self._endpoints:
            endpoint.transport.tend()
        due = [e for e in self._endpoints if e.refusal is None and not e.wait_ms]
        for endpoint in due:
            if endpoint.needs_opening:
                self._let_in_meanwhile(endpoint)
        usable = [e for e in due if e.is_open]
        now_ms = self._clock.monotonic_ms()
        is_due = self._all_polled_ms is None or now_ms - self._all_polled_ms >= self._spec.block_time_ms
        first = (self.heads.following(usable) or usable)[:1]
        before = [seen.head.number for e in first if (seen := self.heads.sighting(e))]
        await self._look(usable if is_due else first)
        after = [seen.head.number for e in first if (seen := self.heads.sighting(e))]
        if not is_due and before != after:
            await self._look([e for e in usable if e not in first])
        if is_due or before != after:
            self._all_polled_ms = now_ms
        self._tell_who_is_left_out()

    async def _look(self, endpoints: Sequence[Endpoint]) -> None:
        async with asyncio.TaskGroup() as group:
            for endpoint in endpoints:
                group.create_task(self._look_at(endpoint))

    async def _look_at(self, endpoint: Endpoint) -> None:
        try:
            async with asyncio.timeout(POLL_TIMEOUT_S):
                answer = await endpoint.ask(blocks.LATEST)
                self.heads.saw(endpoint, blocks.from_node(answer, self._spec.id, endpoint.label))
                height = self.heads.in_question(endpoint)
                if height is not None and (answer := await endpoint.ask(blocks.asked(height))):
                    self.heads.learned(endpoint, blocks.from_node(answer, self._spec.id, endpoint.label))
        except TimeoutError:
            endpoint.failed(NoEndpoint(f"{endpoint.label}: expected its head within {POLL_TIMEOUT_S:g} s, found none"))
        except ReadError as e:
            endpoint.last_failure = str(e)

    async def _agreed(self) -> BlockRef:
        following = self.heads.following(e for e in self._endpoints if e.is_open and not e.is_quarantined)
        if not following:
            failures = "; ".join(str(e.refusal or e.last_failure or f"{e.label}: no head") for e in self._endpoints)
            raise NoEndpoint(f"{self._spec.name}: expected a head from one endpoint, found: {failures}")
        number = self.heads.tip(following)
        known = self.heads.known(following, number)
        if known is not None:
            return known

        async def job(endpoint: Endpoint) -> BlockRef:
            found = blocks.from_node(await endpoint.ask(blocks.asked(number)), self._spec.id, endpoint.label)
            self.heads.learned(endpoint, found)
            return found

        limits = Limits.within(self._clock, DEADLINE_S)
        return (await Failover(self._clock, lambda: following).run(job, limits)).value

    def _kept(self, head: BlockRef) -> BlockRef:
        """A lower head may only mean that a faster endpoint left: the last one stands for three more block times."""
        last, now_ms = self._last, self._clock.monotonic_ms()
        if last is None or head.number >= last.number:
            self._last, self._behind_ms = head, None
            return head
        if self._behind_ms is None:
            self._behind_ms = now_ms
        contradicted = any(
            (seen := self.heads.sighting(e)) and (b := seen.recent.get(last.number)) and b.hash != last.hash
            for e in self.heads.following(self._endpoints)
        )
        if not contradicted and now_ms - self._behind_ms < RETREAT_BLOCK_TIMES * self._spec.block_time_ms:
            return last
        self._last, self._behind_ms = head, None
        return head

    def _beat(self, head: BlockRef) -> None:
        following = self.heads.following(e for e in self._endpoints if e.is_open and not e.is_quarantined)
        sightings = [seen for e in following if (seen := self.heads.sighting(e))]
        answered_ms = max(seen.seen_ms for seen in sightings)
        self.pulse.beat(head, [seen.top for seen in sightings], self.heads.agreeing(following, head), answered_ms)

    def _watch_clock(self) -> None:
        skew = self.heads.skew
        if skew.is_wrong and not self._is_skewed:
            _log.warning("clock_skew", chain=self._spec.name, local_clock_ahead_s=skew.ahead_s)
        self._is_skewed = skew.is_wrong

    def _tell_who_is_left_out(self) -> None:
        out = frozenset(f"{e.label} {self.heads.state(e)}" for e in self._endpoints if self.heads.state(e) != "ok")
        for news in sorted(out - self._left_out):
            _log.warning("endpoint_left_out", chain=self._spec.name, endpoint=news)
        self._left_out = out
