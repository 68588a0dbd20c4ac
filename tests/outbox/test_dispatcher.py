"""What is owed is delivered: worst first, once, over the route that works."""

import asyncio
import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest

from monitor.channels.channel import Message
from monitor.channels.telegram import Telegram
from monitor.domain.alerts import AlertKind, Level, Notice, Recipient, Route
from monitor.errors import DeliveryDeferred, StoreFull
from monitor.outbox.lanes import lane
from monitor.store.queue import Deliverable
from tests.channels.bot_api_stub import TOKEN, BotApi, Fault
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import position
from tests.outbox.scene import FakeChannel, alert, deliver, dispatcher, opened, step, told

EMAIL = Route("email", "a@b.c")


async def test_the_most_severe_goes_first_then_the_one_with_least_time_left(tmp_path: Path):
    clock = FakeClock(runs=True)
    channel, chance = FakeChannel(clock), random.Random(7)
    alerts = [
        alert(chance.choice(list(Level)[1:]), of=position(n), left_s=chance.choice([None, *range(0, 5000, 100)]))
        for n in range(1, 301)
    ]
    async with opened(tmp_path, clock) as store:
        await store.commit(told(*alerts))
        await deliver(store, [channel], clock)
    expected = sorted(
        alerts, key=lambda a: (-a.severity, a.time_to_liquidation_s is None, a.time_to_liquidation_s or 0)
    )
    assert channel.addresses() == [str(int(a.position.key, 16)) for a in expected]


async def test_a_message_not_yet_sent_is_replaced_by_the_next_of_its_position(tmp_path: Path):
    clock = FakeClock(runs=True)
    channel = FakeChannel(clock)
    async with opened(tmp_path, clock) as store:
        for seq, level in enumerate((Level.WATCH, Level.WARN, Level.CRITICAL)):
            await store.commit(told(alert(level, seq=seq)))
        await store.commit(told(alert(Level.WARN, of=position(2))))
        await deliver(store, [channel], clock)
        status = await store.views.outbox_status()
    assert [m.subject.split("]")[0] for _, _, m in channel.taken] == ["[CRITICAL", "[WARN"]
    assert (status.channels[0].sent, status.channels[0].superseded) == (2, 2)


async def test_an_unknown_replaces_no_level_and_an_event_replaces_nothing(tmp_path: Path):
    clock = FakeClock(runs=True)
    channel = FakeChannel(clock)
    kinds = (
        AlertKind.WORSENED,
        AlertKind.LIQUIDATED,
        AlertKind.UNKNOWN,
        AlertKind.PARAMETER_CHANGED,
        AlertKind.REPEATED,
    )
    async with opened(tmp_path, clock) as store:
        for seq, kind in enumerate(kinds):
            await store.commit(told(alert(Level.CRITICAL, kind, seq=seq)))
        await deliver(store, [channel], clock)
    assert len(channel.taken) == 4
    assert sum("STILL" in m.subject for _, _, m in channel.taken) == 1


async def test_a_liquidation_that_is_settled_before_it_was_told_as_seen_is_told_once(tmp_path: Path):
    clock = FakeClock(runs=True)
    channel = FakeChannel(clock)
    async with opened(tmp_path, clock) as store:
        await store.commit(told(alert(Level.LIQUIDATABLE, AlertKind.LIQUIDATION_SEEN)))
        await store.commit(told(alert(Level.LIQUIDATABLE, AlertKind.LIQUIDATED, seq=1)))
        await deliver(store, [channel], clock)
    (message,) = [message for _, _, message in channel.taken]
    assert message.subject.startswith("[LIQUIDATED]")


async def test_the_same_step_committed_again_owes_nothing_new(tmp_path: Path):
    clock = FakeClock(runs=True)
    channel = FakeChannel(clock)
    async with opened(tmp_path, clock) as store:
        await store.commit(told(alert()))
        await store.commit(told(alert()))
        await deliver(store, [channel], clock)
        await store.commit(told(alert()))
        await deliver(store, [channel], clock)
    assert len(channel.taken) == 1


async def test_a_wait_that_was_asked_for_is_kept_and_holds_up_nobody_else(tmp_path: Path):
    clock = FakeClock(runs=True)
    telegram = FakeChannel(clock)
    telegram.failures.append(DeliveryDeferred("429", 7000))
    async with opened(tmp_path, clock) as store:
        await store.commit(told(alert(Level.LIQUIDATABLE), alert(Level.WARN, of=position(2))))
        await deliver(store, [telegram], clock)
    assert telegram.addresses() == ["2", "1"]
    assert telegram.taken[1][0] - telegram.tried[0][0] >= 7000
    assert telegram.taken[0][0] - telegram.tried[0][0] <= 2000


async def test_retries_grow_longer_up_to_a_limit_and_never_end(tmp_path: Path):
    clock = FakeClock(runs=True)
    telegram = FakeChannel(clock)
    telegram.failures.extend([DeliveryDeferred("down")] * 12)
    async with opened(tmp_path, clock) as store:
        await store.commit(told(alert()))
        await deliver(store, [telegram], clock)
    times = [at for at, _, _ in telegram.tried]
    waits_s = [(b - a) // 1000 for a, b in pairwise(times)]
    assert waits_s[:6] == [1, 2, 4, 8, 16, 32]
    assert max(waits_s) <= 256 + 1
    assert len(telegram.taken) == 1


async def test_a_slow_channel_holds_up_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lane, "STOP_GRACE_S", 0)

    class Stuck(FakeChannel):
        async def send(self, address: str, message: Message) -> None:
            await asyncio.Event().wait()

    clock = FakeClock(runs=True)
    email = FakeChannel(clock, "email")
    async with opened(tmp_path, clock) as store:
        await store.commit(told(alert()))
        await store.commit(told(alert(of=position(2)), recipient=Recipient("e", (EMAIL,))))
        await deliver(store, [Stuck(clock), email], clock, lambda: len(email.taken) == 1)


async def test_a_restart_goes_on_where_it_stopped(tmp_path: Path):
    clock = FakeClock(runs=True)
    first, second = FakeChannel(clock), FakeChannel(clock)
    async with opened(tmp_path, clock) as store:
        await store.commit(told(*(alert(of=position(n)) for n in range(1, 31))))
        await deliver(store, [first], clock, lambda: len(first.taken) >= 10)
    async with opened(tmp_path, clock) as store:
        await deliver(store, [second], clock)
    assert sorted(map(int, first.addresses() + second.addresses())) == list(range(1, 31))


async def test_a_stop_finishes_what_is_under_way(tmp_path: Path):
    class Slow(FakeChannel):
        async def send(self, address: str, message: Message) -> None:
            self.tried.append((0, address, message))
            await asyncio.sleep(0.1)
            self.taken.append((0, address, message))

    clock = FakeClock(runs=True)
    channel = Slow(clock)
    async with opened(tmp_path, clock) as store:
        await store.commit(told(alert()))
        await deliver(store, [channel], clock, lambda: len(channel.tried) == 1)
        assert (await store.views.outbox_status()).channels[0].sent == 1
        await deliver(store, [channel], clock)
    assert len(channel.taken) == 1


async def test_what_was_accepted_is_not_sent_again_because_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clock = FakeClock(runs=True)
    channel = FakeChannel(clock)
    async with opened(tmp_path, clock) as store:
        await store.commit(told(alert(), alert(of=position(2))))
        mark, refusals = store.queue.mark_sent, [StoreFull("full")] * 5

        async def mark_sent(messages: Sequence[Deliverable], now_s: int) -> None:
            if refusals:
                raise refusals.pop()
            await mark(messages, now_s)

        monkeypatch.setattr(store.queue, "mark_sent", mark_sent)
        await deliver(store, [channel], clock)
    assert sorted(channel.addresses()) == ["1", "2"]


async def test_every_fault_of_the_bot_api_ends_in_one_delivery(tmp_path: Path):
    clock = FakeClock(runs=True)
    async with BotApi(per_chat_s=0, per_s=1000).serve() as api, aiohttp.ClientSession() as http:
        api.faults.extend(
            [
                Fault(500),
                Fault(429, retry_after=3),
                Fault(502, body="<html>"),
                Fault(cuts=True),
                Fault(400, "Bad Request: can't parse entities: x"),
            ]
        )
        async with opened(tmp_path, clock) as store:
            await store.commit(told(alert()))
            await deliver(store, [Telegram(http, TOKEN, api.url)], clock)
        assert len(api.accepted) == 1
        assert not api.accepted[0].is_html


async def test_a_wake_is_enough_to_send_at_once(tmp_path: Path):
    clock = FakeClock()
    channel = FakeChannel(clock)
    async with opened(tmp_path, clock) as store, asyncio.timeout(10), asyncio.TaskGroup() as group:
        running = dispatcher(store, [channel], clock)
        task = group.create_task(running.run())
        while not channel.taken:
            await clock.advance(0)
            if not (await store.views.outbox_status()).channels:
                await store.commit(told(alert()))
                running.wake()
            await asyncio.sleep(0.005)
        assert clock.monotonic_ms() == 0
        task.cancel()


async def test_nobody_to_tell_is_no_message(tmp_path: Path):
    async with opened(tmp_path) as store:
        await store.commit(step(Notice(alert()), Notice(alert(of=position(2)), (Recipient("x", ()),))))
        assert (await store.views.outbox_status()).pending == 0
        assert len(await store.views.alerts()) == 2
