"""Webhooks to a receiver on loopback that verifies them: what arrives, what is tried again, and what is given up."""

import traceback
from collections.abc import AsyncIterator

import aiohttp
import pytest

from monitor.channels import webhook
from monitor.channels.channel import Message
from monitor.channels.signature import Secret, signed
from monitor.channels.webhook import Endpoint, Webhook
from monitor.errors import ConfigError, DeliveryDeferred, DeliveryRefused
from tests.channels.receiver import SECRET, TOLERANCE_S, Receiver
from tests.fakes.clock import FakeClock
from tests.faults import wire
from tests.faults.wire import Wire

KEY = "ab" * 32
MESSAGE = Message(KEY, "INCIDENT00", "subject", "text", None, '{"type": "alert.worsened", "data": {"health": "1.04"}}')
OTHER = "whsec_" + "QUJDRA" * 6


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def receiver(clock: FakeClock) -> AsyncIterator[Receiver]:
    async with Receiver(clock.wall_s).serve() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def to(receiver: Receiver, http: aiohttp.ClientSession, clock: FakeClock, *secrets: str) -> Webhook:
    keys = [Secret.parse(text, "secrets") for text in secrets or (SECRET,)]
    return Webhook(http, clock, {"ops": Endpoint.parse(receiver.url, keys, allow_private=True)})


async def test_the_receiver_believes_what_was_signed_and_reads_the_record(
    receiver: Receiver, http: aiohttp.ClientSession, clock: FakeClock
):
    await to(receiver, http, clock).send("ops", MESSAGE)
    (got,) = receiver.accepted
    assert (got.id, got.body) == (KEY, {"type": "alert.worsened", "data": {"health": "1.04"}})
    assert got.headers["Content-Type"] == "application/json"
    assert got.headers["Host"] == f"127.0.0.1:{receiver.port}"
    assert receiver.refusals == []


def test_a_signature_is_that_of_the_specifications_example():
    secret = Secret.parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "secrets")
    headers = signed([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_while_a_secret_is_changed_both_receivers_believe(
    receiver: Receiver, http: aiohttp.ClientSession, clock: FakeClock
):
    sender = to(receiver, http, clock, OTHER, SECRET)
    await sender.send("ops", MESSAGE)
    receiver.secret = OTHER
    await sender.send("ops", MESSAGE)
    assert (len(receiver.accepted), receiver.repeats, receiver.refusals) == (1, [KEY], [])


async def test_a_repeat_has_the_same_id_and_a_time_of_its_own(
    receiver: Receiver, http: aiohttp.ClientSession, clock: FakeClock
):
    sender = to(receiver, http, clock)
    await sender.send("ops", MESSAGE)
    await clock.advance(TOLERANCE_S * 10)
    await sender.send("ops", MESSAGE)
    assert (len(receiver.accepted), receiver.repeats, receiver.refusals) == (1, [KEY], [])


async def test_what_somebody_else_signs_changes_or_keeps_for_later_is_not_believed(
    receiver: Receiver, http: aiohttp.ClientSession, clock: FakeClock
):
    with pytest.raises(DeliveryDeferred, match="401"):
        await to(receiver, http, clock, OTHER).send("ops", MESSAGE)
    await to(receiver, http, clock).send("ops", MESSAGE)
    (got,) = receiver.accepted
    assert receiver.refusal(got.headers, got.raw) == ""
    assert receiver.refusal(got.headers, got.raw.replace(b"1.04", b"9.04")) == "the signature is another's"
    assert receiver.refusal({**got.headers, "webhook-id": "cd" * 32}, got.raw) == "the signature is another's"
    later = str(clock.wall_s() + 60)
    assert receiver.refusal({**got.headers, "webhook-timestamp": later}, got.raw) == "the signature is another's"
    await clock.advance(TOLERANCE_S + 1)
    assert receiver.refusal(got.headers, got.raw) == "too old, or of the future"


@pytest.mark.parametrize(
    ("fault", "error", "wait_ms"),
    [
        (wire.status(410), DeliveryRefused, None),
        (wire.status(429, {"Retry-After": "7"}), DeliveryDeferred, 7000),
        (wire.status(503, {"Retry-After": "120"}), DeliveryDeferred, 120_000),
        (
            wire.status(503, {"Retry-After": "Sun, 15 Jun 2025 12:00:30 GMT", "Date": "Sun, 15 Jun 2025 12:00:00 GMT"}),
            DeliveryDeferred,
            30_000,
        ),
        (wire.status(503, {"Retry-After": "soon"}), DeliveryDeferred, None),
        (wire.status(503), DeliveryDeferred, None),
        (wire.status(500), DeliveryDeferred, None),
        (wire.status(400), DeliveryDeferred, None),
        (wire.status(401), DeliveryDeferred, None),
        (wire.status(404), DeliveryDeferred, None),
        (wire.status(304), DeliveryDeferred, None),
        (wire.reset, DeliveryDeferred, None),
    ],
)
async def test_every_answer_has_its_own_meaning(
    receiver: Receiver,
    http: aiohttp.ClientSession,
    clock: FakeClock,
    fault: Wire,
    error: type[Exception],
    wait_ms: int | None,
):
    receiver.faults.append(fault)
    with pytest.raises(error) as raised:
        await to(receiver, http, clock).send("ops", MESSAGE)
    assert getattr(raised.value, "retry_after_ms", None) == wait_ms
    assert receiver.asked == 1


@pytest.mark.parametrize("code", [200, 201, 202, 204])
async def test_any_success_is_a_success(receiver: Receiver, http: aiohttp.ClientSession, clock: FakeClock, code: int):
    receiver.faults.append(wire.status(code))
    await to(receiver, http, clock).send("ops", MESSAGE)


@pytest.mark.parametrize("answer", [wire.oversize, wire.gzip_bomb, wire.broken_gzip, wire.truncated, wire.slow_loris])
async def test_of_a_body_however_large_or_slow_nothing_is_read(
    receiver: Receiver, http: aiohttp.ClientSession, clock: FakeClock, answer: Wire
):
    receiver.faults.append(answer)
    await to(receiver, http, clock).send("ops", MESSAGE)


async def test_an_answer_that_does_not_begin_in_time_is_tried_again(
    receiver: Receiver, http: aiohttp.ClientSession, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(webhook, "TIMEOUT_S", 0.1)
    receiver.faults.append(wire.hang)
    with pytest.raises(DeliveryDeferred, match=r"no answer in 0\.1 s"):
        await to(receiver, http, clock).send("ops", MESSAGE)


async def test_nobody_listening_is_tried_again(http: aiohttp.ClientSession, clock: FakeClock, unused_tcp_port: int):
    nobody = Receiver(clock.wall_s, port=unused_tcp_port)
    with pytest.raises(DeliveryDeferred):
        await to(nobody, http, clock).send("ops", MESSAGE)


async def test_a_name_nobody_gave_and_a_receiver_without_a_secret_are_refused_with_the_setting(
    receiver: Receiver, http: aiohttp.ClientSession, clock: FakeClock
):
    with pytest.raises(DeliveryRefused, match=r"no webhook is called pager: name it in \[webhook.endpoint\]"):
        await to(receiver, http, clock).send("pager", MESSAGE)
    unsigned = Webhook(http, clock, {"ops": Endpoint.parse(receiver.url, (), allow_private=True)})
    with pytest.raises(DeliveryRefused, match="HFM_WEBHOOK__SECRETS"):
        await unsigned.send("ops", MESSAGE)
    assert receiver.asked == 0


@pytest.mark.parametrize(
    "text", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_" + "A" * 200, "whsec_" + "ü" * 40, SECRET[6:], SECRET + "?", KEY]
)
def test_a_secret_that_is_none_is_a_setting_to_mend_and_not_shown(text: str):
    with pytest.raises(ConfigError, match=r"webhook\.secrets: expected secrets of whsec_ and 24 to 64 bytes") as raised:
        Secret.parse(text, "webhook.secrets")
    assert len(text) < 10 or text not in "".join(traceback.format_exception(raised.value))


async def test_no_error_ever_shows_the_url_or_the_secret(
    receiver: Receiver, http: aiohttp.ClientSession, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(webhook, "TIMEOUT_S", 0.1)
    sender = to(receiver, http, clock)
    for fault in (wire.status(500), wire.status(410), wire.status(302, {"Location": "/x"}), wire.reset, wire.hang):
        receiver.faults.append(fault)
        with pytest.raises((DeliveryDeferred, DeliveryRefused)) as raised:
            await sender.send("ops", MESSAGE)
        shown = "".join(traceback.format_exception(raised.value)) + repr(sender) + repr(vars(sender)["_endpoints"])
        assert not [part for part in ("in-the-url", "/hooks/owner", SECRET[6:]) if part in shown]
        assert raised.value.__cause__ is None
        assert raised.value.__context__ is None
