"""What the outbox logs: one line per event, whatever strangers say, and no secret."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
import structlog

from monitor import log
from monitor.channels.telegram import Telegram
from tests.channels.bot_api_stub import TOKEN, BotApi, Fault
from tests.domain.hostile import PAYLOADS
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import position
from tests.outbox.scene import alert, deliver, opened, told

HOSTILE = [p[:300] for p in PAYLOADS]


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    log.configure(stream, as_json=True, secrets=(TOKEN,))
    yield stream
    structlog.reset_defaults()


async def test_every_event_is_one_line_of_json_without_a_secret(tmp_path: Path, lines: io.StringIO):
    clock = FakeClock(runs=True)
    async with (
        BotApi(per_s=10_000, per_chat_s=0).serve() as api,
        aiohttp.ClientSession() as http,
        opened(tmp_path, clock) as store,
    ):
        bot = Telegram(http, TOKEN, api.url)
        for n, payload in enumerate(HOSTILE, 1):
            api.faults.append(Fault((400, 403, 429, 500)[n % 4], f"chat not found {payload} {TOKEN}"))
            await store.commit(told(alert(of=position(n))))
            await deliver(store, [bot], clock)
    events = [json.loads(line) for line in lines.getvalue().splitlines()]
    outcomes = [e["event"] for e in events]
    refused = sum(n % 4 in {0, 1} for n in range(1, len(HOSTILE) + 1))
    assert outcomes.count("refused") == refused
    assert outcomes.count("deferred") == outcomes.count("delivered") == len(HOSTILE) - refused
    assert TOKEN.split(":")[1] not in lines.getvalue()
    assert all(line.isprintable() for line in lines.getvalue().splitlines())
    for payload in HOSTILE:
        if payload.isascii() and len(payload) > 3:
            assert all(payload not in str(e.get("error", "")) for e in events)
