"""One crash is one message to each recipient, however many of their positions it touches, and goes out once."""

from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from monitor.channels.email import Email
from monitor.channels.telegram import Telegram
from monitor.domain.alerts import Alert, AlertKind, Level, Notice, Recipient, Route
from monitor.errors import DeliveryDeferred
from monitor.store import Commit
from tests.channels.bot_api_stub import TOKEN, BotApi
from tests.channels.mail_server import MailServer
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import position
from tests.outbox.scene import FakeChannel, alert, deliver, dispatcher, opened, step, to, told
from tests.outbox.virtual import Virtual

CHAT = Recipient("owner's chat", (Route("telegram", "1"),))
MAILBOX = Recipient("owner's mailbox", (Route("email", "owner@example.org"),))


def crash(first: int, last: int, deployment: str = "local-core", level: Level = Level.CRITICAL) -> list[Alert]:
    return [alert(level, of=position(n, deployment), incident=f"I{n:09d}") for n in range(first, last + 1)]


def both(alerts: list[Alert]) -> Commit:
    return step(*(Notice(one, (CHAT, MAILBOX)) for one in alerts))


def gathering(clock: FakeClock, name: str = "telegram") -> FakeChannel:
    return FakeChannel(clock, name, gathers=True)


async def test_fifty_positions_of_two_deployments_are_one_message_in_a_chat_and_one_in_a_mailbox(tmp_path: Path):
    clock = FakeClock()
    async with (
        BotApi(now_s=lambda: clock.monotonic_ms() / 1000).serve() as api,
        MailServer().serve() as mail,
        aiohttp.ClientSession() as http,
        opened(tmp_path, clock) as store,
    ):
        time = Virtual(store, clock)
        mailbox = Email(clock, "127.0.0.1", mail.port, "a@b.c", security="none")
        own = dispatcher(store, time.counted(Telegram(http, TOKEN, api.url), mailbox), clock)
        async with time.running(own):
            await store.commit(both(crash(1, 25)))
            own.wake()
            assert (await store.views.outbox_status()).pending == 50, "each alert is owed at once"
            await time.sleep(0.5)
            await store.commit(both(crash(26, 50, "local-other")))
            own.wake()
            await time.sleep(0.5)
            assert (len(api.accepted), len(mail.accepted)) == (1, 1)
            await time.sleep(10)
        assert (len(api.accepted), len(mail.accepted)) == (1, 1)
        text = mail.accepted[0].get_body(("plain",))
        assert text is not None
        for said in (api.accepted[0].text, text.get_content()):
            assert all(f"I{n:09d}" in said for n in range(1, 51))
        assert (await store.views.outbox_status()).pending == 0


@pytest.mark.parametrize("jump_s", [86_400, -86_400])
@pytest.mark.parametrize(("level", "wait_ms"), [(Level.DANGER, 750), (Level.WARN, 1500)])
async def test_the_first_waits_so_long_and_no_longer_whatever_the_wall_clock_does(
    tmp_path: Path, level: Level, wait_ms: int, jump_s: int
):
    clock = FakeClock()
    chat = gathering(clock)
    async with opened(tmp_path, clock) as store:
        time, own = Virtual(store, clock), dispatcher(store, [chat], clock)
        async with time.running(own):
            await time.sleep(1)
            await store.commit(step(*(Notice(one, (CHAT,)) for one in crash(1, 2, level=level))))
            own.wake()
            await time.sleep(0.2)
            clock.jump_wall(jump_s)
            await time.sleep(5)
    ((at_ms, _, _),) = chat.taken
    assert at_ms == 1000 + wait_ms


async def test_only_what_has_one_matter_and_one_recipient_goes_together(tmp_path: Path):
    clock = FakeClock(runs=True)
    chat = gathering(clock)
    other = Recipient("another in the same chat", (Route("telegram", "1"),))
    silent = [
        replace(alert(Level.WARN, AlertKind.UNKNOWN, of=position(n)), facts={"unknown": why})
        for n, why in ((1, "feed stale"), (2, "feed stale"), (3, "no answer"))
    ]
    events = [alert(Level.CRITICAL, AlertKind.LIQUIDATED, of=position(n)) for n in (1, 2)]
    async with opened(tmp_path, clock) as store:
        await store.commit(step(*(Notice(one, (CHAT,)) for one in (*crash(1, 3), *silent, *events))))
        await store.commit(step(*(Notice(one, (other,)) for one in crash(4, 5))))
        await deliver(store, [chat], clock)
    subjects = [message.subject.split(",")[0] for _, _, message in chat.taken]
    assert sorted(subjects) == sorted(
        [
            "[LIQUIDATED] 0x0000…0001: health 1.04",
            "[LIQUIDATED] 0x0000…0002: health 1.04",
            "[CRITICAL] 3 positions",
            "[CRITICAL] 2 positions",
            "[HEALTH UNKNOWN] 2 positions",
            "[HEALTH UNKNOWN] 0x0000…0003: health unknown",
        ]
    )
    assert [message.subject.split("]")[0] for _, _, message in chat.taken][:2] == ["[LIQUIDATED"] * 2


async def test_a_program_gets_each_alert_by_itself(tmp_path: Path):
    clock = FakeClock(runs=True)
    hook = FakeChannel(clock, "webhook")
    program = Recipient("p", (Route("webhook", "ops"),))
    async with opened(tmp_path, clock) as store:
        await store.commit(step(*(Notice(one, (program,)) for one in crash(1, 5))))
        await deliver(store, [hook], clock)
    assert len({message.key for _, _, message in hook.taken}) == len(hook.taken) == 5


async def test_what_was_about_to_go_out_as_one_goes_out_as_the_same_one_after_a_crash(tmp_path: Path):
    clock = FakeClock(runs=True)
    first, second = gathering(clock), gathering(clock)
    first.failures.extend([DeliveryDeferred("no answer")] * 10)
    async with opened(tmp_path, clock) as store:
        await store.commit(step(*(Notice(one, (CHAT,)) for one in crash(1, 3))))
        await deliver(store, [first], clock, lambda: len(first.tried) >= 2)
    async with opened(tmp_path, clock) as store:
        await store.commit(step(*(Notice(one, (CHAT,)) for one in crash(4, 5))))
        await deliver(store, [second], clock)
    tried = {message.key: message.text for _, _, message in first.tried}
    assert len(tried) == 1
    again = {message.key: message.text for _, _, message in second.taken}
    assert again.items() >= tried.items()
    assert len(again) == 2
    (later,) = (text for key, text in again.items() if key not in tried)
    assert [f"I{n:09d}" in later for n in range(1, 6)] == [False, False, False, True, True]


async def test_one_that_is_replaced_while_its_company_waits_goes_with_the_next(tmp_path: Path):
    clock = FakeClock(runs=True)
    first, second = gathering(clock), gathering(clock)
    first.failures.extend([DeliveryDeferred("no answer")] * 10)
    async with opened(tmp_path, clock) as store:
        await store.commit(step(*(Notice(one, (CHAT,)) for one in crash(1, 3))))
        await deliver(store, [first], clock, lambda: len(first.tried) >= 1)
        worse = replace(crash(1, 1)[0], level=Level.LIQUIDATABLE, seq=1)
        await store.commit(step(Notice(worse, (CHAT,))))
        await deliver(store, [second], clock)
        status = (await store.views.outbox_status()).channels[0]
    (_, _, urgent), (_, _, rest) = second.taken
    assert urgent.subject.startswith("[LIQUIDATABLE] 0x0000…0001")
    assert (rest.key, rest.subject.split(",")[0]) == (first.tried[0][2].key, "[CRITICAL] 2 positions")
    assert "I000000001" not in rest.text
    assert (status.pending, status.sent, status.superseded) == (0, 3, 1)


async def test_one_withdrawn_at_the_last_moment_is_left_out(tmp_path: Path):
    clock = FakeClock(runs=True)
    chat = gathering(clock)
    async with opened(tmp_path, clock) as store:
        await store.commit(step(*(Notice(one, (CHAT,)) for one in crash(1, 3))))
        bind = store.queue.bind

        async def bound(messages) -> None:
            await bind(messages)
            await store.commit(step(Notice(replace(crash(2, 2)[0], level=Level.DANGER, seq=1), (CHAT,))))

        store.queue.bind = bound  # type: ignore[method-assign]
        await deliver(store, [chat], clock)
    assert len(chat.taken) == 2
    assert "I000000002" not in chat.taken[0][2].text
    assert {m.subject.split("]")[0] for _, _, m in chat.taken} == {"[CRITICAL", "[DANGER"}


async def test_a_refused_message_goes_on_as_one_over_the_next_route(tmp_path: Path):
    clock = FakeClock(runs=True)
    async with BotApi(blocked={"1"}).serve() as api, aiohttp.ClientSession() as http, opened(tmp_path, clock) as store:
        mail = gathering(clock, "email")
        await store.commit(told(*crash(1, 5), recipient=to("1", Route("email", "a@b.c"))))
        await deliver(store, [Telegram(http, TOKEN, api.url), mail], clock)
        assert api.asked == 1
    ((_, _, message),) = mail.taken
    assert all(f"I{n:09d}" in message.text for n in range(1, 6))
    assert "Sent here because telegram did not accept messages for you." in message.text
