"""What a sign of life waits for: passes since the last one and not long ago, moving lanes, and a commit."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from monitor.errors import DeliveryDeferred
from monitor.outbox.deadman import GRACE_S, DeadMan
from monitor.outbox.lanes import sending
from monitor.store import Store
from tests.fakes.clock import FakeClock
from tests.outbox.scene import FakeChannel, alert, dispatcher, opened, to, told


@dataclass
class Scene:
    """A switch whose facts a test sets."""

    store: Store
    clock: FakeClock
    still: dict[str, int] = field(default_factory=lambda: {"telegram": 0})
    commits: int = 1
    came_s: list[int] = field(default_factory=list)

    async def ping(self) -> None:
        self.came_s.append(self.clock.monotonic_ms() // 1000)

    def man(self, *names: str) -> DeadMan:
        facts = (lambda: self.still), (lambda: self.commits)
        return DeadMan(frozenset(names), 60, self.ping, *facts, self.store.queue, self.clock)


@pytest.fixture
async def scene(tmp_path: Path):
    clock = FakeClock()
    async with opened(tmp_path, clock) as store:
        yield Scene(store, clock)


async def passed(man: DeadMan, *names: str) -> None:
    for name in names:
        man.passed(name)
    await man.once()


async def test_every_chain_and_venue_has_to_have_passed(scene: Scene):
    man = scene.man("ethereum", "hyperliquid")
    await passed(man, "ethereum")
    assert scene.came_s == []
    await passed(man, "hyperliquid")
    assert scene.came_s == [0]


async def test_a_pass_from_before_the_last_sign_of_life_does_not_count_again(scene: Scene):
    man = scene.man("ethereum", "hyperliquid")
    await passed(man, "ethereum", "hyperliquid")
    scene.commits += 1
    await scene.clock.advance(60)
    await passed(man, "hyperliquid")
    assert scene.came_s == [0]
    await passed(man, "ethereum")
    assert scene.came_s == [0, 60]


async def test_a_pass_of_long_ago_does_not_count_however_long_the_others_were_held_up(scene: Scene):
    man = scene.man("ethereum", "hyperliquid")
    await passed(man, "ethereum")
    await scene.clock.advance(GRACE_S + 1)
    await passed(man, "hyperliquid")
    assert scene.came_s == []


async def test_a_pass_without_a_commit_is_none(scene: Scene):
    man = scene.man("ethereum")
    await passed(man, "ethereum")
    await scene.clock.advance(60)
    await passed(man, "ethereum")
    assert scene.came_s == [0]
    scene.commits += 1
    await passed(man, "ethereum")
    assert scene.came_s == [0, 60]


async def test_without_a_pass_it_never_looks_however_much_time_goes_by(scene: Scene):
    man = scene.man("ethereum")
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(man.once())
        await scene.clock.advance(3600)
        assert not waiting.done()
        waiting.cancel()
    assert scene.came_s == []


async def test_a_lane_that_stands_still_keeps_it_away(scene: Scene):
    man = scene.man("ethereum")
    scene.still["telegram"] = (GRACE_S + 1) * 1000
    await passed(man, "ethereum")
    assert scene.came_s == []


async def test_a_message_due_on_a_channel_that_nobody_delivers_to_keeps_it_away(scene: Scene):
    await scene.store.commit(told(alert()))
    man = scene.man("ethereum")
    scene.still.clear()
    await scene.clock.advance(GRACE_S - 1)
    await passed(man, "ethereum")
    assert len(scene.came_s) == 1
    scene.commits += 1
    await scene.clock.advance(60)
    await passed(man, "ethereum")
    assert len(scene.came_s) == 1


async def run_for(scene: Scene, channel: FakeChannel, seconds: int) -> int:
    """Deliver for a while and return for how long the lane then stood still, in seconds."""
    way = dispatcher(scene.store, [channel], scene.clock)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(way.run())
        for _ in range(seconds):
            await scene.clock.advance(1)
            await asyncio.sleep(0.004)
        still_ms = way.still_ms()["telegram"]
        running.cancel()
    return still_ms // 1000


async def test_a_lane_with_nothing_to_do_never_stands_still(scene: Scene):
    assert await run_for(scene, FakeChannel(scene.clock), 120) < GRACE_S // 2


async def test_a_lane_whose_every_message_is_put_off_by_the_channel_does_its_work(scene: Scene):
    await scene.store.commit(told(alert(), recipient=to("1")))
    channel = FakeChannel(scene.clock, refuses={"1": DeliveryDeferred("busy")})
    assert await run_for(scene, channel, 120) < GRACE_S // 2
    assert len(channel.tried) >= 3


async def test_a_lane_whose_every_message_runs_out_of_time_stands_still(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sending, "SEND_TIMEOUT_S", 0.01)
    await scene.store.commit(told(alert()))

    class Silent(FakeChannel):
        async def send(self, address, message):
            self.tried.append((0, address, message))
            await asyncio.Event().wait()

    channel = Silent(scene.clock)
    still_s = await run_for(scene, channel, 120)
    assert len(channel.tried) >= 3
    assert still_s > GRACE_S


async def test_a_storm_is_no_standstill(scene: Scene):
    await scene.store.commit(told(*(alert(incident=f"I{n}", seq=n) for n in range(200))))
    channel = FakeChannel(scene.clock, takes_ms=900)
    assert await run_for(scene, channel, 100) < GRACE_S // 2
    assert len(channel.taken) < 200
