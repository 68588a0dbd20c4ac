"""Webhooks through the outbox: every fault ends in one delivery, a wait is kept, and who is gone gives way."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import structlog

from monitor import log
from monitor.channels.signature import Secret
from monitor.channels.webhook import Endpoint, Webhook
from monitor.domain.alerts import Notice, Recipient, Route
from tests.channels.receiver import SECRET, Receiver
from tests.fakes.clock import FakeClock
from tests.faults import wire
from tests.outbox.scene import FakeChannel, alert, deliver, opened, step

KEYS = (Secret.parse(SECRET, "secrets"),)
PROGRAM = Recipient("webhook:ops", (Route("webhook", "ops"), Route("email", "owner@example.org")))


@asynccontextmanager
async def listening(clock: FakeClock) -> AsyncIterator[tuple[Receiver, Webhook]]:
    """Serve a receiver and a channel that reaches it as `ops`."""
    async with Receiver(clock.wall_s).serve() as receiver, aiohttp.ClientSession() as http:
        yield receiver, Webhook(http, clock, {"ops": Endpoint.parse(receiver.url, KEYS, allow_private=True)})


async def test_every_fault_of_a_receiver_ends_in_one_delivery(tmp_path: Path):
    clock = FakeClock(runs=True)
    faults = [wire.status(500), wire.status(429, {"Retry-After": "3"}), wire.status(404), wire.reset]
    faults += [wire.status(302, {"Location": "http://169.254.169.254/"}), wire.status(503, {"Retry-After": "x"})]
    async with listening(clock) as (receiver, channel), opened(tmp_path, clock) as store:
        receiver.faults.extend(faults)
        await store.commit(step(Notice(alert(), (PROGRAM,))))
        await deliver(store, [channel], clock)
        assert (receiver.asked, len(receiver.accepted)) == (len(faults) + 1, 1)
        assert (receiver.repeats, receiver.refusals) == ([], [])
        assert receiver.accepted[0].body["data"]["incident"] == alert().incident


async def test_a_wait_that_a_receiver_asks_for_is_kept(tmp_path: Path):
    clock, asked_s = FakeClock(runs=True), []
    async with listening(clock) as (receiver, channel), opened(tmp_path, clock) as store:

        async def busy(request):
            asked_s.append(clock.monotonic_ms() / 1000)
            return await wire.status(503, {"Retry-After": "90"})(request)

        receiver.faults.append(busy)
        receiver.on_post = lambda _id, _body: asked_s.append(clock.monotonic_ms() / 1000)
        await store.commit(step(Notice(alert(), (PROGRAM,))))
        await deliver(store, [channel], clock)
    first_s, then_s = asked_s
    assert 90 <= then_s - first_s < 97


async def test_a_receiver_that_is_gone_gives_way_to_the_next_route(tmp_path: Path):
    clock = FakeClock(runs=True)
    mail = FakeChannel(clock, name="email")
    async with listening(clock) as (receiver, channel), opened(tmp_path, clock) as store:
        receiver.faults.append(wire.status(410))
        await store.commit(step(Notice(alert(), (PROGRAM,))))
        await deliver(store, [channel, mail], clock)
        assert (receiver.asked, receiver.accepted) == (1, [])
    assert mail.addresses() == ["owner@example.org"]
    assert "Sent here because webhook did not accept messages for you" in mail.taken[0][2].text


async def test_neither_a_log_nor_the_store_keeps_what_a_receivers_url_or_secret_hides(tmp_path: Path):
    clock, stream = FakeClock(runs=True), io.StringIO()
    log.configure(stream, as_json=True)
    try:
        async with listening(clock) as (receiver, channel), opened(tmp_path, clock) as store:
            receiver.faults.extend([wire.status(500), wire.reset, wire.status(429)])
            await store.commit(step(Notice(alert(), (PROGRAM,))))
            await deliver(store, [channel], clock)
    finally:
        structlog.reset_defaults()
    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert events == ["deferred", "deferred", "deferred", "delivered"]
    kept = stream.getvalue().encode() + _files(tmp_path)
    assert b"webhook answered 500" in kept
    assert not [part for part in (b"in-the-url", b"/hooks/owner", SECRET[6:].encode()) if part in kept]


def _files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())
