"""One run of a story: lives of the real rules, store and outbox, one after another, until the story is told."""

import asyncio
import hashlib
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from monitor.channels.channel import Message
from monitor.channels.email import Email
from monitor.channels.telegram import Telegram
from monitor.cycle.people.audience import Audience
from monitor.cycle.people.digests import Digests
from monitor.cycle.ruling import Ruling
from monitor.domain.row import Evaluation
from monitor.outbox.dispatcher import Dispatcher
from monitor.outbox.render import render
from monitor.rules.levels import Levels
from monitor.store import Commit, Cursor, Store, records
from tests.cycle.town import owner
from tests.fakes.evaluations import CHAIN, block, evaluation, position
from tests.rules.scene import LEVELS, TABLE
from tests.simulator.acts import act
from tests.simulator.channels import Answers
from tests.simulator.story import BLOCK_S, BLOCKS, CALM_S, POSITIONS, WALL_S, Story, story
from tests.simulator.virtual import Crash, Disk, LoopClock, VirtualLoop
from tests.simulator.witness import Broken, Witness

DOWN_S = 4.0


@dataclass
class World:
    """A story and how far it is told; `now` is when the last life ended."""

    story: Story
    folder: Path
    witness: Witness
    clock: LoopClock
    disk: Disk
    turn: int = 0
    now: float = 0.0
    places: int = 0
    crashes: list[float] = field(default_factory=list)
    crash_places: list[int] = field(default_factory=list)
    answers: dict[str, Answers] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'hfm.db'}"

    def reach(self, place: str) -> None:
        """Come by a place where a crash would matter, and perhaps crash there."""
        self.places += 1
        if self.turn and self.crash_places and self.places >= self.crash_places[0]:
            self.crash_places.pop(0)
            self.places = 0
            self.crash(place)

    def alive(self) -> None:
        """Go no further in a life that is over: what it did last may have failed for that alone."""
        if self.disk.is_lost:
            raise Crash("already gone")

    def crash(self, place: str) -> None:
        """Be gone: nothing is written or sent any more."""
        if not self.disk.is_lost:
            self.witness.kills += 1
            self.witness.says(f"killed at {place}")
            self.disk.lose()
        raise Crash(place)


def told(seed: int, folder: Path, fresh: Callable[[], Disk], empty: Path) -> str:
    """Play a seed to its end and return the hash of its trace; raises Broken."""
    logging.disable(logging.CRITICAL)
    folder.mkdir()
    shutil.copy(empty, folder / "hfm.db")
    one = story(seed)
    world = World(one, folder, Witness(folder / "hfm.db"), LoopClock(WALL_S), fresh())
    world.crashes, world.crash_places = list(one.crashes_s), list(one.crash_places)
    try:
        while not _lived(world):
            world.disk = fresh()
            world.now += DOWN_S
    finally:
        world.witness.leave()
        shutil.rmtree(folder)
    return hashlib.sha256("\n".join(world.witness.trace).encode()).hexdigest()


def _lived(world: World) -> bool:
    """Live until the story is told, or until a crash; return which of them."""
    loop = VirtualLoop(world.now)
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(_life(world))
    finally:
        world.now = loop.time()
        loop.close()
        asyncio.set_event_loop(None)


async def _life(world: World) -> bool:
    try:
        async with Store.open(world.url, world.clock, world.reach, _tokens(world)) as store:
            await _live(world, store)
    except BaseExceptionGroup as e:
        broken, _ = e.split(Broken)
        if broken is not None:
            raise _first(broken) from None
        if world.disk.is_lost:
            return False
        raise
    except Broken:
        raise
    except BaseException:
        if world.disk.is_lost:
            return False
        raise
    return True


def _first(group: BaseExceptionGroup) -> BaseException:
    one = group.exceptions[0]
    return _first(one) if isinstance(one, BaseExceptionGroup) else one


def _tokens(world: World) -> Callable[[], str]:
    count = iter(range(10**9))
    return lambda: f"{world.witness.kills}-{world.turn}-{next(count)}"


async def _live(world: World, store: Store) -> None:
    audience = Audience(lambda own: Levels.parse(TABLE, own), (300, 600))
    lanes = [_answers(world, name) for name in ("telegram", "email")]
    dispatcher = Dispatcher(store.queue, lanes, world.clock, world.story.rng.random, reach=world.reach)
    ruling = Ruling(store, LEVELS, audience, world.clock, dispatcher.wake)
    world.witness.calm_from = asyncio.get_running_loop().time() + (10 if world.witness.kills else 0)
    async with asyncio.TaskGroup() as group:
        delivering = group.create_task(dispatcher.run())
        killing = group.create_task(_kill(world))
        await _settle_in(world, store)
        await _caught_up(world, store)
        while world.turn < BLOCKS:
            await _block(world, store, ruling)
            await asyncio.sleep(BLOCK_S)
        killing.cancel()
        await asyncio.sleep(CALM_S)
        world.alive()
        world.witness.ended(world.clock.wall_s())
        for channel in world.answers.values():
            if channel.broken:
                raise Broken(f"I9 a service would have refused: {channel.broken}")
        delivering.cancel()


def _answers(world: World, name: str) -> Answers:
    # One a second for everybody, so that who goes first matters with a few people as it does with thousands.
    slow = replace(Telegram.limits, messages=1)
    limits = {"telegram": slow, "email": Email.limits}[name]

    def begun(channel: str, address: str, message: Message) -> None:
        world.alive()
        now, here = asyncio.get_running_loop().time(), world.answers[channel]
        held = {a for a, at in here.answered.items() if now - at < 1.1} | here.busy
        held |= {a for a, until in here.asked_until.items() if now < until + 1}
        everyone = {route.address for one in world.story.people for route in one.routes}
        world.witness.begins(channel, address, message, now, everyone - held, world.clock.wall_s())

    def taken(channel: str, address: str, message: Message) -> None:
        world.alive()
        world.witness.taken(channel, address, message, asyncio.get_running_loop().time())

    before = world.answers.get(name)
    world.answers[name] = Answers(name, world.story, limits, begun, taken)
    if before is not None:
        world.answers[name].broken = before.broken
    return world.answers[name]


async def _kill(world: World) -> None:
    while world.crashes:
        await asyncio.sleep(max(world.crashes[0] - asyncio.get_running_loop().time(), 0))
        world.crashes.pop(0)
        world.crash("some moment")
    await asyncio.Event().wait()


async def _settle_in(world: World, store: Store) -> None:
    known = {one.name for one in await store.people.everyone()}
    for person in world.story.people:
        if person.name not in known:
            await store.people.add(person.name)
        for route in person.routes:
            await store.people.reach(person.name, route)
        for number in person.watches:
            await store.people.watch(person.name, owner(number), "main")
        quiet = dict(zip(("quiet_from", "quiet_until"), person.quiet or (None, None), strict=True))
        if person.name not in known:
            await store.people.set(person.name, zone=person.zone, digest_at=person.digest_at, **quiet)


async def _caught_up(world: World, store: Store) -> None:
    """Take a step for committed whose commit the last life did not live to see."""
    cursor = await store.cursor(position().deployment)
    if world.turn < BLOCKS and cursor is not None and getattr(cursor.at, "hash", "") == _hash(world.turn):
        row = world.witness.rows("SELECT committed_s FROM cursors")[0]
        people = {one.name: one for one in await store.people.everyone()}
        world.witness.committed(_evaluations(world), people, row["committed_s"])
        world.turn += 1


def _hash(turn: int) -> str:
    return f"0x{turn:064x}"


def _evaluations(world: World) -> list[Evaluation]:
    seen = world.story.blocks[world.turn]
    return [evaluation(seen.healths[n - 1], of=position(n), at=seen.number) for n in range(1, POSITIONS + 1)]


async def _block(world: World, store: Store, ruling: Ruling) -> None:
    """Let people act, judge one block, and send digests that are due."""
    for turn, jump_s in world.story.jumps:
        if turn == world.turn:
            world.clock.offset_s += jump_s
            world.witness.calm_from = asyncio.get_running_loop().time() + 10
    for kind, who in world.story.actions.get(world.turn, ()):
        await _acts(world, store, kind, who)
        world.alive()
    evaluations, now_s = _evaluations(world), world.clock.wall_s()
    ruled = await ruling.judge(evaluations)
    at = block(world.story.blocks[world.turn].number)
    one = position()
    at = type(at)(CHAIN, at.number, _hash(world.turn), at.parent_hash, at.timestamp_s)
    await ruling.commit(
        Commit(
            Cursor(one.deployment, one.protocol, CHAIN, at), evaluations, ruled.states, ruled.notices, heard=ruled.heard
        )
    )
    world.alive()
    world.witness.says(f"block {world.turn} {[str(state.level) for state in ruled.states]} {len(ruled.notices)}")
    people = ruling.audience.people
    world.witness.committed(evaluations, people, now_s)
    world.witness.born(asyncio.get_running_loop().time())
    world.turn += 1
    for kind, who in world.story.late_actions.get(world.turn - 1, ()):
        await asyncio.sleep(world.story.rng.uniform(0, 0.3))
        await _acts(world, store, kind, who)
        world.alive()
    await _digests(world, ruling)


async def _digests(world: World, ruling: Ruling) -> None:
    query = "SELECT key, alert FROM alerts WHERE kind = 'digest'"
    before = {row["key"] for row in world.witness.rows(query)}
    await Digests(ruling, {}, world.clock).once()
    world.alive()
    for row in world.witness.rows(query):
        if row["key"] not in before:
            alert = records.alert_from(row["alert"])
            name = str(alert.position).rsplit(":", 1)[1]
            mine = next(person.watches for person in world.story.people if person.name == name)
            unknown = sum(world.witness.states[position(number)].is_unknown for number in mine)
            world.witness.digested(render(alert, ruling.audience.people[name].recipient(), "k", 0, "").text, unknown)


async def _acts(world: World, store: Store, kind: str, who: int) -> None:
    name, now_s = world.story.people[who].name, world.clock.wall_s()
    await act(store, world.witness, world.story.rng, kind, name, now_s)
