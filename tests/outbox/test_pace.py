"""A channel's limits are kept, in calm and in a storm."""

from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest

from monitor.channels.channel import Limits
from monitor.channels.telegram import Telegram
from monitor.clock import SystemClock
from monitor.domain.alerts import AlertKind, Level
from monitor.outbox.lanes import lane
from tests.channels.bot_api_stub import TOKEN, BotApi
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import position
from tests.outbox.scene import FakeChannel, alert, deliver, opened, to, told


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
