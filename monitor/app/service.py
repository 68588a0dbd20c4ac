"""The service: chains are followed, alerts delivered and the API served until it is told to stop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial

from monitor import log
from monitor.adapter import Pushes
from monitor.api.stream.feed import Feed
from monitor.app import origins, parts
from monitor.app.commanding import bot
from monitor.app.delivery import channels
from monitor.app.facts import Facts
from monitor.app.heartbeat import dead_man
from monitor.app.origins import Origin
from monitor.app.serving import open_http, readiness_s
from monitor.app.watching import EVERY_S, watchdogs
from monitor.app.whole.recording import keep, offered, recorder
from monitor.app.whole.resident import Resident
from monitor.clock import Clock, SystemClock, jitter, salt
from monitor.cycle.answers.watched import Watched
from monitor.cycle.board import Board
from monitor.cycle.head import HeadLoop
from monitor.cycle.outlook import Outlooks
from monitor.cycle.people.audience import Audience, Watchlist
from monitor.cycle.people.digests import Digests
from monitor.cycle.ruling import Ruling
from monitor.cycle.step import Target
from monitor.cycle.unsaved import RETRY_S, Unsaved
from monitor.cycle.venues.loop import VenueLoop
from monitor.cycle.venues.waking import Waking
from monitor.cycle.whole import Whole
from monitor.domain.ids import ChainId, DeploymentName
from monitor.domain.row import Evaluation
from monitor.errors import ConfigError
from monitor.outbox.dispatcher import Dispatcher
from monitor.protocols import ADAPTERS
from monitor.schedule import Schedule
from monitor.screen.kernel import Kernel
from monitor.screen.warm import warm
from monitor.settings import DeploymentSettings, Settings
from monitor.sources.http.place import Place
from monitor.sources.life.probation import Probation
from monitor.sources.opening import open_stream
from monitor.sources.rpc.chain import Chain
from monitor.store import Store

_REPORT_S = 60
_DIGEST_S = 20
_LOOK_S = 3
_PRUNE_S = 3600
_DAY_S = 86_400


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Run until `stop` is set.

    Raises ConfigError for settings that make no service, ReadError when all endpoints of a chain serve another one,
    StoreError when the database refuses at the start, LeaseLost when another service took over its store. While another
    works on the store it stands by.
    """
    if not settings.live:
        raise ConfigError(
            'nothing to watch: give a chain an endpoint, [[chain]] name = "ethereum" rpc = ["<your node>"]'
        )
    clock = SystemClock()
    schedule = Schedule(clock)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store.open(settings.store.url, clock))
        if not await stack.enter_async_context(store.lease().held(stop)):
            return
        ways = await channels(settings, clock, stack)
        dispatcher = Dispatcher(store.queue, ways, clock, jitter, settings.alerts.link_base)
        names = dict.fromkeys(d.chain for d in settings.live)
        man = await dead_man(settings, names, store, dispatcher, clock, stack)
        sources = {name: await stack.enter_async_context(_resumed(settings, name, store, clock)) for name in names}
        chains = {name: source for name, source in sources.items() if isinstance(source, Chain)}
        outlooks = parts.outlooks(settings, await stack.enter_async_context(parts.price_venue(settings, clock)))
        kernel = await asyncio.to_thread(warm)
        log.get("service").info("screen", runs=kernel.name, reason=kernel.reason)
        await store.people.settle(parts.subscribers(settings))
        unsaved = Unsaved(dispatcher, parts.operators(settings), clock)
        audience, passed, feed = (
            parts.audience(settings),
            man.passed if man else lambda _: None,
            Feed(store.views, clock),
        )
        history = await recorder(settings, clock, stack)
        offer = partial(offered, history)
        shared = _Shared(settings, store, outlooks, kernel, dispatcher, audience, unsaved, feed, clock, passed, offer)
        loops = {name: _loop(shared, chain) for name, chain in chains.items()}
        for name, loop in loops.items():
            schedule.follow(f"chain {name}", loop.once)
        venues = {name: _desk(shared, place) for name, place in sources.items() if isinstance(place, Place)}
        for name, venue in venues.items():
            schedule.follow(f"venue {name}", venue.once)
        for waking in await _wakings(shared, venues, stack):
            schedule.follow(f"news of {waking.name}", waking.once)
        schedule.follow("outbox", dispatcher.run)
        if man is not None:
            schedule.follow("dead man", man.once)
        watched = Watched(tuple(loops.values()), outlooks, kernel, ADAPTERS, tuple(venues.values()))
        board = Board([whole for loop in loops.values() for whole in loop.wholes.values()], store, clock, watched)
        schedule.every(_LOOK_S, "resident", Resident(board.wholes).once)
        schedule.every(_LOOK_S, "audience", partial(audience.look, store))
        schedule.every(_DIGEST_S, "digests", Digests(_ruling(shared), readiness_s(settings), clock, board).once)
        commanded = bot(settings, board, ways, parts.own_levels(settings), dispatcher.guest("telegram").turn)
        if commanded is not None:
            schedule.follow("bot", commanded.once)
            schedule.follow("bot's replies", commanded.outgoing.run)
        facts = Facts(schedule, sources, loops, venues, unsaved, man, dispatcher)
        host, port = await open_http(settings, board, feed, facts.of_now, facts.workings, stack)
        log.get("service").info("listening", host=host, port=port)
        keep(history, settings, board.wholes, schedule)
        schedule.every(RETRY_S, "unsaved", partial(unsaved.retry, store))
        for name, dog in watchdogs(settings, chains, loops, venues, clock):
            schedule.every(EVERY_S, f"watchdog of {name}", dog.once)
        schedule.every(_PRUNE_S, "retention", _Retention(store, clock, settings.store.keep_days).once)
        schedule.every(_REPORT_S, "report", _Report((*loops.values(), *venues.values())).once)
        await schedule.run(stop)


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all loops work with."""

    settings: Settings
    store: Store
    outlooks: Outlooks
    kernel: Kernel
    dispatcher: Dispatcher
    audience: Audience
    unsaved: Unsaved
    feed: Feed
    clock: Clock
    passed: Callable[[str], None]
    offer: Callable[[Sequence[Evaluation]], None]

    def told(self) -> None:
        """Have what was committed delivered and streamed."""
        self.dispatcher.wake()
        self.feed.wake()

    def target(self, deployment: DeploymentSettings) -> Target:
        """Return a deployment of which everyone is wanted whom people come to watch."""
        found = parts.target(self.settings, deployment)
        if isinstance(found.owners, Watchlist):
            self.audience.watchlists += (found.owners,)
        return found


@asynccontextmanager
async def _resumed(settings: Settings, name: str, store: Store, clock: Clock) -> AsyncIterator[Origin]:
    """Open a chain or venue whose new checks go on counting their days where the last run left them."""
    chain = ChainId(settings.chain_named(name).id)
    probation = Probation.resumed(await store.probation(chain))
    async with origins.kept(settings, name, clock, probation) as source:
        if isinstance(source, Chain):
            await store.keep_probation(chain, source.probation.since_s)
        yield source


def _ruling(shared: _Shared) -> Ruling:
    settings = shared.settings
    return Ruling(
        shared.store,
        parts.levels(settings),
        shared.audience,
        shared.clock,
        shared.told,
        shared.unsaved,
        shared.offer,
    )


def _desk(shared: _Shared, place: Place) -> VenueLoop:
    settings = shared.settings
    deployments = [d for d in settings.live if d.chain == place.name]
    for deployment in deployments:
        if deployment.start_block is not None:
            raise ConfigError(
                f"{deployment.name}: a venue without blocks is followed for watched owners; leave start_block out, "
                "or take everyone with hfm snapshot"
            )
    return VenueLoop(
        venue=place,
        targets=tuple(shared.target(d) for d in deployments),
        outlooks=shared.outlooks,
        ruling=_ruling(shared),
        clock=shared.clock,
        target_wad=parts.target_wad(settings),
        pace_ms=parts.venue_pace_ms(settings.chain_named(place.name)),
        passed=partial(shared.passed, place.name),
    )


async def _wakings(shared: _Shared, venues: Mapping[str, VenueLoop], stack: AsyncExitStack) -> list[Waking]:
    """Return what listens to the venues that push news."""
    found = list[Waking]()
    for deployment in shared.settings.live:
        adapter, spec = parts.adapter(deployment.protocol), parts.stream(shared.settings, deployment)
        if deployment.chain in venues and spec is not None and isinstance(adapter, Pushes):
            opened = await stack.enter_async_context(open_stream(spec, shared.clock))
            found.append(Waking(venues[deployment.chain], DeploymentName(deployment.name), adapter, opened))
    return found


def _loop(shared: _Shared, chain: Chain) -> HeadLoop:
    settings = shared.settings
    deployments = [d for d in settings.live if d.chain == chain.spec.name]
    targets = [shared.target(d) for d in deployments]
    return HeadLoop(
        chain=chain,
        targets=tuple(targets),
        outlooks=shared.outlooks,
        ruling=_ruling(shared),
        wholes={
            t.deployment.name: _whole(shared, chain, d, t)
            for d, t in zip(deployments, targets, strict=True)
            if d.start_block is not None
        },
        clock=shared.clock,
        target_wad=parts.target_wad(settings),
        pace_ms=parts.pace_ms(settings.chain_named(chain.spec.name)),
        passed=partial(shared.passed, chain.spec.name),
    )


def _whole(shared: _Shared, chain: Chain, deployment: DeploymentSettings, target: Target) -> Whole:
    return Whole(
        target=target,
        adapter=parts.followed(deployment.protocol),
        start_block=deployment.start_block or 0,
        chain=chain,
        store=shared.store,
        outlooks=shared.outlooks,
        kernel=shared.kernel,
        levels=parts.levels(shared.settings),
        target_wad=parts.target_wad(shared.settings),
        jitter=jitter,
        salt=salt(),
    )


class _Report:
    """A line in the log about each deployment, so that a quiet service can be told from a dead one."""

    def __init__(self, loops: Sequence[HeadLoop | VenueLoop]) -> None:
        self._loops = loops

    async def once(self) -> None:
        """Write it."""
        for loop in self._loops:
            for name, seen in loop.passes.items():
                log.get("service").info("pass", deployment=name, **asdict(seen))


class _Retention:
    """Lets go of what has been over for so many days."""

    def __init__(self, store: Store, clock: Clock, keep_days: int) -> None:
        self._store = store
        self._clock = clock
        self._keep_s = keep_days * _DAY_S

    async def once(self) -> None:
        """Delete it."""
        gone = await self._store.retention.prune(self._clock.wall_s() - self._keep_s)
        if gone:
            log.get("service").info("let go of old alerts", alerts=gone)
