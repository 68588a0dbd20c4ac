"""A channel's limits are kept, in calm and in a storm."""

import asyncio
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest

from monitor.channels.channel import Limits
from monitor.channels.telegram import Telegram
from monitor.clock import SystemClock
from monitor.domain.alerts import AlertKind, Level
from monitor.errors import ConfigError, DeliveryDeferred
from monitor.outbox.lanes import lane
from monitor.outbox.render import render
from monitor.store import Queue
from tests.channels.bot_api_stub import TOKEN, BotApi
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import position
from tests.outbox.scene import FakeChannel, alert, deliver, dispatcher, opened, to, told
from tests.outbox.test_storm import Strict
from tests.outbox.virtual import Virtual


@pytest.mark.parametrize("storm", [1, 1000])
async def test_the_pace_of_a_channel_is_kept(tmp_path: Path, storm: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lane, "STORM", storm)
    clock = FakeClock(runs=True)
    channel = FakeChannel(clock, limits=Limits(messages=30, window_ms=1005, gap_ms=1005))
    async with opened(tmp_path, clock) as store:
        await store.commit(told(*(alert(of=position(n)) for n in range(1, 151))))
        await deliver(store, [channel], clock)
    sent_ms = [at for at, _, _ in channel.taken]
    assert len(sent_ms) == 150
    assert all(b - a > 1000 for a, b in zip(sent_ms, sent_ms[30:], strict=False))
    assert sent_ms[-1] - sent_ms[0] < 8000


async def test_a_slow_disk_does_not_slow_a_storm_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lane, "STORM", 1)
    clock = FakeClock()
    channel = FakeChannel(clock, limits=Limits(messages=1, window_ms=200, gap_ms=200))

    def slow(name: str) -> None:
        plain = getattr(Queue, name)

        async def later(self: Queue, *given: object) -> None:
            await clock.sleep(0.06)
            await plain(self, *given)

        monkeypatch.setattr(Queue, name, later)

    slow("bind")
    slow("mark_sent")
    async with opened(tmp_path, clock) as store:
        time, own = Virtual(store, clock), dispatcher(store, [channel], clock)
        async with time.running(own):
            await store.commit(told(*(alert(of=position(n)) for n in range(1, 6))))
            own.wake()
            await time.until(lambda: len(channel.taken) == 5, 1_000_000)
    sent_ms = [at for at, _, _ in channel.taken]
    assert sent_ms[-1] - sent_ms[0] <= 4 * 210


@pytest.mark.parametrize("storm", [1, 1000])
async def test_one_address_is_never_hurried(tmp_path: Path, storm: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lane, "STORM", storm)
    clock = FakeClock(runs=True)
    channel = FakeChannel(clock, limits=Limits(messages=30, window_ms=1005, gap_ms=1005), takes_ms=50)
    async with opened(tmp_path, clock) as store:
        await store.commit(told(*(alert(of=position(n)) for n in range(1, 6)), recipient=to("1")))
        await store.commit(told(alert(Level.WARN, of=position(9)), recipient=to("2")))
        await deliver(store, [channel], clock)
    to_one = [at for at, address, _ in channel.taken if address == "1"]
    assert all(b - a >= 1005 for a, b in pairwise(to_one))
    assert [address for _, address, _ in channel.taken][:2] == ["1", "2"]


async def test_telegrams_own_limits_are_kept_in_real_time(tmp_path: Path):
    clock = SystemClock()
    async with BotApi().serve() as api, aiohttp.ClientSession() as http, opened(tmp_path, clock) as store:
        await store.commit(told(*(alert(of=position(n)) for n in range(1, 66))))
        events = (alert(kind=AlertKind.LIQUIDATED, of=position(n)) for n in range(100, 103))
        await store.commit(told(*events, recipient=to("1")))
        await deliver(store, [Telegram(http, TOKEN, api.url)], clock)
        assert len(api.accepted) == 68
        assert api.violations == []


async def test_a_group_gets_twenty_a_minute_and_holds_up_nobody_else(tmp_path: Path):
    clock = FakeClock()
    telegram = Strict(clock)
    events = [alert(kind=AlertKind.LIQUIDATED, of=position(n)) for n in range(1, 51)]
    async with opened(tmp_path, clock) as store:
        time, own = Virtual(store, clock), dispatcher(store, [telegram], clock)
        async with time.running(own):
            await store.commit(told(*events, recipient=to("-100")))
            await store.commit(told(*(alert(Level.WARN, of=position(n)) for n in range(101, 141))))
            own.wake()
            await time.sleep(200)
    assert telegram.rules.violations == []
    group_ms = [at for at, address, _ in telegram.taken if address == "-100"]
    assert len(group_ms) == 50
    assert group_ms[-1] <= (2 * 60.3 + 12) * 1000
    assert max(at for at, address, _ in telegram.taken if address != "-100") <= 5000


async def test_a_wait_that_was_asked_for_is_kept_to_the_millisecond(tmp_path: Path):
    clock = FakeClock()
    telegram = FakeChannel(clock, takes_ms=30)
    telegram.failures.append(DeliveryDeferred("429", 7000))
    async with opened(tmp_path, clock) as store:
        time, own = Virtual(store, clock), dispatcher(store, [telegram], clock)
        async with time.running(own):
            await time.sleep(0.4)
            await store.commit(told(alert()))
            own.wake()
            await time.sleep(20)
    (first_ms, _, _), (second_ms, _, _) = telegram.tried
    assert second_ms == first_ms + 30 + 7000


async def test_the_bots_own_replies_share_the_pace_and_do_not_starve(tmp_path: Path):
    clock = FakeClock()
    telegram, waited_ms = Strict(clock), list[int]()
    async with opened(tmp_path, clock) as store, asyncio.TaskGroup() as group:
        time, own = Virtual(store, clock), dispatcher(store, [telegram], clock)
        guest = own.guest("telegram")

        async def reply(n: int) -> None:
            asked_ms = clock.monotonic_ms()
            async with guest.turn(str(n)):
                await telegram.send(str(n), render(alert(), to(str(n)), "k", 0, ""))
            waited_ms.append(clock.monotonic_ms() - asked_ms)

        async with time.running(own):
            await store.commit(told(*(alert(of=position(n)) for n in range(1, 301))))
            own.wake()
            await time.sleep(2)
            for n in (*range(290, 310), 305):
                group.create_task(reply(n))
            await time.sleep(30)
        assert telegram.rules.violations == []
        assert len(telegram.taken) == 300 + 21
        assert max(waited_ms) <= 4000
        with pytest.raises(ConfigError, match="expected a channel out of telegram"):
            own.guest("pigeon")


async def test_a_reply_that_must_wait_makes_the_alerts_to_its_chat_wait_too(tmp_path: Path):
    clock = FakeClock()
    telegram = FakeChannel(clock)
    async with opened(tmp_path, clock) as store:
        time, own = Virtual(store, clock), dispatcher(store, [telegram], clock)
        async with time.running(own):
            with pytest.raises(DeliveryDeferred):
                async with own.guest("telegram").turn("1"):
                    raise DeliveryDeferred("429", 9000)
            await store.commit(told(alert(), alert(of=position(2))))
            own.wake()
            await time.sleep(20)
    told_ms = {address: at for at, address, _ in telegram.taken}
    assert told_ms == {"1": 9000, "2": 1000}
