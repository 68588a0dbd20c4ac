"""From a committed alert to the provider's acceptance, with nobody else in the way."""

import random
from itertools import chain
from pathlib import Path
from statistics import quantiles

from monitor.channels.email import Email
from monitor.channels.telegram import Telegram
from monitor.domain.alerts import Level, Notice, Recipient, Route
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import position
from tests.outbox.scene import FakeChannel, alert, dispatcher, opened, step
from tests.outbox.virtual import Virtual

ALERTS = 120


async def test_an_alert_is_accepted_within_two_seconds_at_the_median_and_five_at_the_99th_percentile(tmp_path: Path):
    """Telegram answers after 300 ms and the mail server after 900; one alert in six comes in company."""
    clock, chance = FakeClock(), random.Random(23)
    telegram = FakeChannel(clock, "telegram", Telegram.limits, takes_ms=300, gathers=True)
    email = FakeChannel(clock, "email", Email.limits, takes_ms=900, gathers=True)
    begun_ms: dict[str, int] = {}
    async with opened(tmp_path, clock) as store:
        time, own = Virtual(store, clock), dispatcher(store, [telegram, email], clock)
        async with time.running(own):
            for n in range(1, ALERTS + 1):
                name = f"I{n:09d}"
                owner = Recipient(f"owner {n}", (Route(*chance.choice((("telegram", str(n)), ("email", f"{n}@b.c")))),))
                company = [alert(Level.WATCH, of=position(1000 + n))] if n % 6 == 0 else []
                level = chance.choice(list(Level)[1:])
                made = [alert(level, of=position(n), incident=name), *company]
                await store.commit(step(*(Notice(one, (owner,)) for one in made)))
                own.wake()
                begun_ms[name] = clock.monotonic_ms()
                await time.sleep(chance.uniform(2, 6))
            await time.sleep(10)
    accepted_ms = {
        name: at_ms
        for at_ms, _, message in chain(telegram.taken, email.taken)
        for name in begun_ms
        if name in message.text
    }
    assert accepted_ms.keys() == begun_ms.keys()
    took_s = [(accepted_ms[name] - begun_ms[name]) / 1000 for name in begun_ms]
    percentiles = quantiles(took_s, n=100)
    print(f"\n{ALERTS} alerts: median {percentiles[49]:.2f} s, 99th percentile {percentiles[98]:.2f} s")
    assert percentiles[49] <= 2
    assert percentiles[98] <= 5
