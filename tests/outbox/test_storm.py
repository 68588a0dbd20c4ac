"""A crash that touches everybody: the worst are told first, the limits are kept, and nothing stale is said."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from monitor.channels.channel import Message
from monitor.channels.email import Email
from monitor.channels.telegram import Telegram
from monitor.clock import SystemClock
from monitor.domain.alerts import Alert, Level, Notice, Recipient, Route
from monitor.errors import DeliveryDeferred
from tests.channels.bot_api_stub import TOKEN, BotApi
from tests.channels.mail_server import MailServer
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import position
from tests.outbox.scene import FakeChannel, alert, dispatcher, opened, step
from tests.outbox.virtual import Virtual

ANSWERS_AFTER_MS = 10


class Strict(FakeChannel):
    """Telegram's limits as the stub knows them: whoever breaks one is told to wait."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock, "telegram", Telegram.limits, takes_ms=ANSWERS_AFTER_MS, gathers=True)
        self.rules = BotApi(now_s=lambda: clock.monotonic_ms() / 1000)

    async def send(self, address: str, message: Message) -> None:
        if wait_s := self.rules.flood_s(address):
            raise DeliveryDeferred("429", wait_s * 1000)
        await super().send(address, message)


def recipients(n: int, with_mail: bool) -> tuple[Recipient, ...]:
    chat = Recipient(f"chat {n}", (Route("telegram", str(n)),))
    return (chat, Recipient(f"mail {n}", (Route("email", f"owner{n}@example.org"),))) if with_mail else (chat,)


def storm(count: int, severe: int, mails: int) -> list[Notice]:
    """One alert for each of many, of which some are past their line, in no order."""
    chance = random.Random(count)
    levels = [Level.LIQUIDATABLE] * severe
    levels += chance.choices([Level.WATCH, Level.WARN, Level.DANGER, Level.CRITICAL], k=count - severe)
    chance.shuffle(levels)
    return [
        Notice(
            alert(level, of=position(n), left_s=chance.choice([None, *range(0, 5000, 100)]), incident=f"I{n:09d}"),
            recipients(n, n <= mails),
        )
        for n, level in enumerate(levels, 1)
    ]


def worse(notices: Sequence[Notice]) -> list[Notice]:
    raised = [replace(n.alert, level=Level.CRITICAL, previous=n.alert.level, seq=1) for n in notices]
    return [Notice(one, n.recipients) for one, n in zip(raised, notices, strict=True)]


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
async def test_in_a_crash_the_worst_are_told_first_and_everyone_in_time(tmp_path: Path, count: int):
    clock = FakeClock()
    telegram, mail = Strict(clock), FakeChannel(clock, "email", Email.limits, takes_ms=50, gathers=True)
    notices = storm(count, severe=300, mails=count // 5)
    changed = [n for n in notices if n.alert.level is Level.WATCH][: count // 20]
    async with opened(tmp_path, clock) as store:
        time, own = Virtual(store, clock), dispatcher(store, [telegram, mail], clock)
        async with time.running(own):
            await store.commit(step(*notices))
            own.wake()
            await time.sleep(5)
            before = {address for _, address, _ in telegram.taken}
            assert mail.taken, "e-mail waits for nobody"
            changed = [n for n in changed if n.recipients[0].routes[0].address not in before]
            await store.commit(step(*worse(changed)))
            own.wake()
            await time.until(lambda: len(telegram.taken) == count, 1_000_000)
        pending = (await store.views.outbox_status()).pending
    assert telegram.rules.violations == []
    assert Counter(address for _, address, _ in telegram.taken).most_common(1)[0][1] == 1
    order = sorted((n.alert for n in notices), key=_rank)
    worst = {str(int(one.position.key, 16)) for one in order[:300]}
    told_ms = {address: at_ms for at_ms, address, _ in telegram.taken}
    worst_s, last_s = max(told_ms[address] for address in worst) / 1000, max(told_ms.values()) / 1000
    for n in changed:
        (said,) = [m for _, address, m in telegram.taken if address == n.recipients[0].routes[0].address]
        assert said.subject.startswith("[CRITICAL]"), "a level that was no longer so"
    raised_s = max(told_ms[n.recipients[0].routes[0].address] for n in changed) / 1000
    print(
        f"\n{count} recipients: 300 worst accepted after {worst_s:.2f} s, {len(changed)} raised after 5 s by "
        f"{raised_s:.2f} s, all after {last_s:.1f} s; {len(mail.taken)} mails meanwhile, {pending} still owed"
    )
    assert worst_s <= 10
    assert last_s <= max(340 * count / 10_000, 35)
    assert told_ms.keys() == {route.address for n in notices for route in n.recipients[0].routes}


def _rank(one: Alert) -> tuple[int, bool, int]:
    return -one.severity, one.time_to_liquidation_s is None, one.time_to_liquidation_s or 0


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
async def test_a_tenth_of_a_crash_keeps_telegrams_limits_in_real_time(tmp_path: Path, count: int):
    """The same over a real socket, with real mail beside it; how long it takes depends on the machine and is told."""
    clock = SystemClock()
    notices = storm(count, severe=count // 30, mails=count // 5)
    async with (
        BotApi().serve() as api,
        MailServer().serve() as mail,
        aiohttp.ClientSession() as http,
        opened(tmp_path, clock) as store,
    ):
        email = Email(clock, "127.0.0.1", mail.port, "hfm@hfm.example", security="none")
        own = dispatcher(store, [Telegram(http, TOKEN, api.url), email], clock)
        async with asyncio.timeout(900), asyncio.TaskGroup() as group:
            running = group.create_task(own.run())
            begun_ms = clock.monotonic_ms()
            await store.commit(step(*notices))
            own.wake()
            while (await store.views.outbox_status()).pending:  # noqa: ASYNC110  # it lies in a database
                await asyncio.sleep(0.2)
            running.cancel()
        took_s = (clock.monotonic_ms() - begun_ms) / 1000
        worst_s = api.accepted[count // 30 - 1].at_s - begun_ms / 1000
        print(f"\n{count} recipients in real time: {count // 30} worst after {worst_s:.1f} s, all after {took_s:.1f} s")
        assert api.violations == []
        assert sorted(int(one.chat) for one in api.accepted) == list(range(1, count + 1))
        assert len(mail.accepted) == count // 5
        first = {one.chat for one in api.accepted[: count // 30]}
        severe = {str(int(n.alert.position.key, 16)) for n in notices if n.alert.level is Level.LIQUIDATABLE}
        assert len(first & severe) >= len(severe) - 8, "but for those on their way at once the worst went first"
