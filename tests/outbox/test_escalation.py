"""Further contacts at their times, and nobody hears the same twice over one route when another one is gone."""

from pathlib import Path

from monitor.domain.alerts import Notice, Recipient, Route
from monitor.errors import DeliveryRefused
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import position
from tests.outbox.scene import FakeChannel, alert, dispatcher, opened, step, to
from tests.outbox.virtual import Virtual

ROUTES = (Route("telegram", "1"), Route("email", "a@b.c"), Route("webhook", "ops"))
OWNER = Recipient("owner", ROUTES, escalate_s=(300, 600))


def ways(clock: FakeClock) -> tuple[FakeChannel, FakeChannel, FakeChannel]:
    return FakeChannel(clock, gathers=True), FakeChannel(clock, "email", gathers=True), FakeChannel(clock, "webhook")


def at_s(channel: FakeChannel) -> list[float]:
    return [at_ms / 1000 for at_ms, _, _ in channel.taken]


async def test_an_alert_that_nobody_acknowledges_reaches_each_further_contact_once_in_its_time(tmp_path: Path):
    clock = FakeClock()
    telegram, email, webhook = channels = ways(clock)
    async with opened(tmp_path, clock) as store:
        time, own = Virtual(store, clock), dispatcher(store, channels, clock)
        async with time.running(own):
            await store.commit(step(*(Notice(alert(of=position(n)), (OWNER,)) for n in (1, 2, 3))))
            own.wake()
            await time.sleep(3600)
    assert at_s(telegram) == [0.75]
    (mailed_s,), hooked_s = at_s(email), at_s(webhook)
    assert 300 <= mailed_s <= 301
    assert len(hooked_s) == 3
    assert all(600 <= at <= 601 for at in hooked_s)
    assert "did not accept" not in email.taken[0][2].text


async def test_a_contact_that_stands_in_for_a_refusing_one_is_not_told_again_when_its_own_time_comes(tmp_path: Path):
    clock = FakeClock()
    telegram, email, webhook = channels = ways(clock)
    telegram.refuses["1"] = DeliveryRefused("bot was blocked by the user")
    async with opened(tmp_path, clock) as store:
        time, own = Virtual(store, clock), dispatcher(store, channels, clock)
        async with time.running(own):
            await store.commit(step(Notice(alert(), (OWNER,))))
            own.wake()
            await time.sleep(3600)
        status = {one.channel: one for one in (await store.views.outbox_status()).channels}
    assert len(telegram.tried) == 1
    (stood_in_s,) = at_s(email)
    assert stood_in_s - telegram.tried[0][0] / 1000 <= 2
    (hooked_s,) = at_s(webhook)
    assert 600 <= hooked_s <= 601
    assert status["email"].superseded == 1
    assert "telegram did not accept messages for you" in email.taken[0][2].text


async def test_a_further_contact_found_gone_before_its_time_hands_its_time_on(tmp_path: Path):
    clock = FakeClock()
    telegram, email, webhook = channels = ways(clock)
    telegram.refuses["1"] = DeliveryRefused("chat not found")
    other = Recipient("first by mail", (ROUTES[1], ROUTES[0], ROUTES[2]), escalate_s=(300, 600))
    async with opened(tmp_path, clock) as store:
        time, own = Virtual(store, clock), dispatcher(store, channels, clock)
        async with time.running(own):
            await store.commit(step(Notice(alert(), (other, to("1")))))
            own.wake()
            await time.sleep(3600)
    assert at_s(email) == [0.75]
    assert len(telegram.tried) == 1
    (hooked_s,) = at_s(webhook)
    assert 300 <= hooked_s <= 301
