"""What a channel refuses: an address for good, a markup, and what is counted of both."""

import asyncio
from collections import deque
from pathlib import Path

import aiohttp

from monitor.api import Metrics
from monitor.app.facts import of_deliveries
from monitor.channels.channel import Channel
from monitor.channels.email import Email
from monitor.channels.telegram import Telegram
from monitor.clock import SystemClock
from monitor.domain.alerts import Recipient, Route
from monitor.errors import DeliveryDeferred, DeliveryRefused, MarkupRefused
from monitor.store import OutboxStatus
from tests.channels.bot_api_stub import TOKEN, BotApi
from tests.channels.mail_server import MailServer
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import position
from tests.outbox.scene import FakeChannel, alert, deliver, dispatcher, opened, to, told

EMAIL = Route("email", "a@b.c")


async def test_a_route_that_refuses_gives_way_to_the_next_at_once_and_is_left_alone(tmp_path: Path):
    clock = SystemClock()
    async with (
        BotApi(per_chat_s=0, blocked={"1"}).serve() as api,
        MailServer().serve() as mail,
        aiohttp.ClientSession() as http,
        opened(tmp_path, clock) as store,
    ):
        email = Email(clock, "127.0.0.1", mail.port, "hfm@hfm.example", security="none")
        channels: list[Channel] = [Telegram(http, TOKEN, api.url), email]
        for n in range(1, 4):
            await store.commit(told(alert(of=position(n)), recipient=to("1", EMAIL)))
        started_ms = clock.monotonic_ms()
        await deliver(store, channels, clock)
        assert clock.monotonic_ms() - started_ms <= 2000
        await store.commit(told(alert(of=position(4)), recipient=to("1", EMAIL)))
        await deliver(store, channels, clock)
        assert api.asked == 1
        assert len(mail.accepted) == 2
        for one in mail.accepted:
            text = one.get_body(("plain",))
            assert text is not None
            assert "telegram did not accept messages for you" in text.get_content()


async def test_with_no_route_left_a_message_is_dead_and_seen_to_be(tmp_path: Path):
    clock = FakeClock(runs=True)
    telegram = FakeChannel(clock, refuses={"1": DeliveryRefused("chat not found")})
    async with opened(tmp_path, clock) as store:
        await store.commit(told(alert()))
        await deliver(store, [telegram], clock)
        (status,) = (await store.views.outbox_status()).channels
    assert (status.dead, status.sent, status.last, status.last_detail) == (1, 0, "refused", "chat not found")


async def test_a_lone_route_that_refused_before_is_still_tried_for_the_next_alert(tmp_path: Path):
    clock = FakeClock(runs=True)
    telegram = FakeChannel(clock, failures=deque([DeliveryRefused("blocked")]))
    async with opened(tmp_path, clock) as store:
        await store.commit(told(alert()))
        await deliver(store, [telegram], clock)
        await store.commit(told(alert(of=position(2)), recipient=to("1")))
        await deliver(store, [telegram], clock)
    assert telegram.addresses() == ["1"]


async def test_refused_markup_goes_out_as_plain_text_at_once(tmp_path: Path):
    clock = FakeClock(runs=True)
    telegram = FakeChannel(clock)
    telegram.failures.append(MarkupRefused("can't parse entities"))
    async with opened(tmp_path, clock) as store:
        await store.commit(told(alert()))
        await deliver(store, [telegram], clock)
    assert [m.html is None for _, _, m in telegram.tried] == [False, True]
    assert telegram.tried[1][0] - telegram.tried[0][0] <= 2000


async def test_refused_markup_and_every_outcome_are_counted(tmp_path: Path):
    clock = FakeClock(runs=True)
    telegram = FakeChannel(clock, failures=deque([MarkupRefused("x"), DeliveryDeferred("429", 1000)]))
    email = FakeChannel(clock, "email", refuses={"a@b.c": DeliveryRefused("no such user")})
    async with opened(tmp_path, clock) as store:
        own = dispatcher(store, [telegram, email], clock)
        await store.commit(told(alert()))
        await store.commit(told(alert(of=position(2)), recipient=Recipient("e", (EMAIL,))))
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            running = group.create_task(own.run())
            while (await store.views.outbox_status()).pending:  # noqa: ASYNC110  # it lies in a database
                await asyncio.sleep(0.002)
            running.cancel()
    assert [m.html is None for _, _, m in telegram.tried] == [False, True, True], "plain once it is known to be refused"
    text = Metrics(lambda: of_deliveries(own.tallies)).text((), OutboxStatus(())).decode()
    for line in (
        'hfm_markup_refusals_total{channel="telegram"} 1.0',
        'hfm_deliveries_total{channel="telegram",outcome="deferred"} 1.0',
        'hfm_deliveries_total{channel="telegram",outcome="sent"} 1.0',
        'hfm_deliveries_total{channel="email",outcome="refused"} 1.0',
    ):
        assert line in text.splitlines()
