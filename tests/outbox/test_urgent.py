"""What cannot be stored is delivered from memory, once, in the order that matters, and left to the store afterwards."""

import asyncio
from pathlib import Path

from monitor.cycle.unsaved import Unsaved
from monitor.domain.alerts import Level, Notice, Route
from monitor.domain.people import Acknowledgement, Held
from monitor.errors import DeliveryDeferred, DeliveryRefused, StoreFull
from monitor.outbox.matters.chains import own_lines
from monitor.outbox.render import render
from monitor.rules.fullness import cannot_store, stores_again
from monitor.rules.state import PositionState
from monitor.store import Commit, Heard, Store
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import position
from tests.outbox.scene import FakeChannel, alert, dispatcher, opened, step, to


class Full(Store):
    """A store that takes nothing until it is given room."""

    has_room = False

    async def commit(self, *steps: Commit) -> None:
        if not self.has_room:
            raise StoreFull("no space left for the database")
        await super().commit(*steps)


class Scene:
    """A full store with a running dispatcher."""

    def __init__(self, store: Store, clock: FakeClock, *channels: FakeChannel) -> None:
        self.store, self.full = store, Full(store._database, clock)
        self.dispatcher = dispatcher(store, channels, clock)
        self.unsaved = Unsaved(self.dispatcher, clock=clock)

    async def commit(self, one: Commit) -> None:
        await self.unsaved.commit(self.full, one)

    async def deliver(self, until) -> None:
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            running = group.create_task(self.dispatcher.run())
            while not until():  # noqa: ASYNC110  # what is waited for is a channel
                await asyncio.sleep(0.002)
            await asyncio.sleep(0.05)
            running.cancel()

    async def states(self) -> list[str]:
        (channel,) = (await self.store.views.outbox_status()).channels
        return [name for name in ("pending", "sent", "superseded") for _ in range(getattr(channel, name))]


async def test_what_cannot_be_stored_goes_on_to_the_next_route_and_is_tried_again(tmp_path: Path):
    clock = FakeClock(runs=True)
    chat, mail = FakeChannel(clock, refuses={"1": DeliveryRefused("blocked")}), FakeChannel(clock, "email")
    mail.failures.append(DeliveryDeferred("busy"))
    async with opened(tmp_path, clock) as store:
        scene = Scene(store, clock, chat, mail)
        await scene.commit(step(Notice(alert(), (to("1", Route("email", "a@example.org")),))))
        await scene.deliver(lambda: mail.taken)
        assert mail.addresses() == ["a@example.org"]
        scene.full.has_room = True
        await scene.unsaved.retry(scene.full)
        assert await scene.states() == ["sent"]
        await scene.deliver(lambda: True)
    assert len(mail.taken) == 1


async def test_only_the_newest_that_cannot_be_stored_is_sent_and_nothing_older_after_it(tmp_path: Path):
    clock = FakeClock(runs=True)
    channel = FakeChannel(clock)
    async with opened(tmp_path, clock) as store:
        await store.commit(step(Notice(alert(Level.WARN), (to("1"),))))
        scene = Scene(store, clock, channel)
        await scene.commit(step(Notice(alert(Level.CRITICAL, seq=1), (to("1"),)), at=101))
        await scene.commit(step(Notice(alert(Level.LIQUIDATABLE, seq=2), (to("1"),)), at=102))
        await scene.deliver(lambda: channel.taken)
        assert ["LIQUIDATABLE" in message.subject for _, _, message in channel.taken] == [True]
        scene.full.has_room = True
        await scene.unsaved.retry(scene.full)
        assert sorted(await scene.states()) == ["sent", "superseded", "superseded"]
        await scene.deliver(lambda: True)
    assert len(channel.taken) == 1


async def test_what_is_not_urgent_waits_for_room(tmp_path: Path):
    clock = FakeClock(runs=True)
    channel = FakeChannel(clock)
    async with opened(tmp_path, clock) as store:
        scene = Scene(store, clock, channel)
        await scene.commit(step(Notice(alert(Level.WARN), (to("1"),))))
        await scene.deliver(lambda: True)
        assert channel.taken == []
        scene.full.has_room = True
        await scene.unsaved.retry(scene.full)
        await scene.deliver(lambda: channel.taken)
    assert channel.addresses() == ["1"]


async def test_what_is_under_way_when_it_is_stored_is_not_sent_again(tmp_path: Path):
    clock = FakeClock()
    channel = FakeChannel(clock, takes_ms=1000)
    async with opened(tmp_path, clock) as store:
        scene = Scene(store, clock, channel)
        await scene.commit(step(Notice(alert(), (to("1"),))))
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            running = group.create_task(scene.dispatcher.run())
            while not channel.tried:  # what is waited for is a channel
                await asyncio.sleep(0.002)
                await clock.advance(0)
            scene.full.has_room = True
            await scene.unsaved.retry(scene.full)
            assert await scene.states() == ["pending"]
            while await scene.states() != ["sent"]:
                await clock.advance(1)
                await asyncio.sleep(0.002)
            running.cancel()
    assert len(channel.tried) == 1


async def test_what_people_did_with_an_alert_is_not_done_again_while_it_cannot_be_stored(tmp_path: Path):
    of, own = position(1), PositionState(position(1), Level.WARN)
    acks = [Acknowledgement(name, "I1", str(of), Level.WARN, 1, 2) for name in ("a", "b")]
    held = [Held(name, "key", alert(Level.WATCH), 1, was_told=True) for name in ("a", "b")]
    async with opened(tmp_path) as store:
        scene = Scene(store, FakeClock(), FakeChannel(FakeClock()))
        heard = Heard([("a", own)], [("a", "key")], [("b", "I1")], {"a": "2026-01-01"})
        await scene.commit(Commit(None, heard=heard))
        assert scene.unsaved.waiting(acks, held) == ([acks[0]], [held[1]])
        assert await scene.unsaved.states(store, [of], "a") == {of: own}
        assert await scene.unsaved.states(store, [of], "b") == {}
        assert await scene.unsaved.states(store, [of]) == {}
        scene.full.has_room = True
        await scene.unsaved.retry(scene.full)
        assert await store.own_states("a", [of]) == {of: own}


async def test_what_is_said_again_and_again_is_kept_once(tmp_path: Path):
    async with opened(tmp_path) as store:
        scene = Scene(store, FakeClock(), FakeChannel(FakeClock()))
        for at in range(50):
            await scene.commit(step(Notice(alert(Level.WARN), (to("1"),)), at=at))
        assert len(scene.unsaved) == 1


def test_who_runs_the_monitor_is_told_what_happens_and_what_to_do():
    full, over = (
        cannot_store(1_750_000_000, "no space left for the database"),
        stores_again(1_750_000_000, 1_750_000_090, 4),
    )
    said = render(full, to("1"), "key", 0, "https://hfm.example")
    assert said.subject == "[HFM CANNOT STORE] hfm"
    assert "no space left for the database" in said.text
    assert "To do: free space" in said.text
    assert "https://" not in said.text
    assert '"position": null' in said.record
    assert any("for 1 min 30 s" in line.text for line in own_lines(over))
    assert over.incident == full.incident
    assert position() != full.position
