"""The channels that the settings make, and the verb that tries one."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.app.delivery import endpoints
from monitor.clock import SystemClock
from monitor.errors import ConfigError
from monitor.settings import load
from tests.channels.receiver import SECRET, Receiver
from tests.e2e.command import hfm, hfm_process
from tests.faults import wire

OTHER = "whsec_" + "QUJDRA" * 6


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver in a thread of its own, since the verb runs to its end in ours."""
    running, ready, loop = Receiver(SystemClock().wall_s), threading.Event(), asyncio.new_event_loop()
    leave = asyncio.Event()

    async def listen() -> None:
        async with running.serve():
            ready.set()
            await leave.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(listen(),))
    thread.start()
    assert ready.wait(10)
    yield running
    loop.call_soon_threadsafe(leave.set)
    thread.join()
    loop.close()


@pytest.fixture
def config(tmp_path: Path, receiver: Receiver) -> Path:
    path = tmp_path / "hfm.toml"
    path.write_text(f'[webhook.endpoint.ops]\nurl = "{receiver.url}"\nallow_private = true\n')
    return path


def test_a_test_alert_arrives_at_a_webhook_by_name(config: Path, receiver: Receiver):
    said = hfm_process("test-alert", "webhook:ops", "--config", config, HFM_WEBHOOK__SECRETS=f'["{SECRET}"]')
    assert (said.code, receiver.refusals) == (0, [])
    assert "webhook accepted the message" in said.out
    (got,) = receiver.accepted
    assert got.body["type"] == "alert.test"
    assert got.body["data"]["text"].startswith("✅ TEST: this channel works")


def test_a_test_alert_that_is_not_accepted_says_why_and_hides_the_rest(
    config: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    without = hfm("test-alert", "webhook:ops", "--config", config)
    assert (without.code, "HFM_WEBHOOK__SECRETS" in without.err) == (1, True)
    monkeypatch.setenv("HFM_WEBHOOK__SECRETS", f'["{SECRET}"]')
    receiver.faults.append(wire.status(500))
    refused = hfm("test-alert", "webhook:ops", "--config", config)
    assert (refused.code, "the webhook answered 500" in refused.err) == (1, True)
    private = hfm("test-alert", "webhook:https://127.0.0.1:8443/path-is-secret", "--config", config)
    assert (private.code, "expected a public address, found 127.0.0.1" in private.err) == (1, True)
    absent = hfm("test-alert", "apprise:phone", "--config", config)
    assert (absent.code, "apprise is not set up" in absent.err) == (1, True)
    shown = "".join(said.out + said.err for said in (without, refused, private, absent))
    assert not [part for part in ("in-the-url", "path-is-secret", SECRET[6:]) if part in shown]


def test_a_receivers_own_secrets_come_before_the_shared_ones(config: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HFM_WEBHOOK__SECRETS", f'["{SECRET}"]')
    shared = endpoints(load(config))["ops"]
    monkeypatch.setenv("HFM_WEBHOOK__ENDPOINT__OPS__SECRETS", f'["{OTHER}", "{SECRET}"]')
    own = endpoints(load(config))["ops"]
    assert (len(shared.secrets), len(own.secrets)) == (1, 2)
    assert own.secrets[1] == shared.secrets[0] != own.secrets[0]
    settings = load(config)
    assert {SECRET, OTHER, "in-the-url"} <= set(settings.secrets())
    assert not [secret for secret in (SECRET, OTHER, "in-the-url") if secret in repr(settings) + repr(own)]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('secrets = ["whsec_c2hvcnQ="]', r"webhook\.endpoint\.ops\.secrets: expected secrets of whsec_"),
        ('url = "http://example.org/"', r"webhook\.endpoint\.ops: expected a webhook as https://host/path"),
        (
            'url = "https://example.org:22/"',
            r"webhook\.endpoint\.ops: expected a webhook on port 443 or 8443",
        ),
    ],
)
def test_a_receiver_that_cannot_be_is_refused_before_anything_starts(tmp_path: Path, more: str, message: str):
    path = tmp_path / "hfm.toml"
    url = "" if more.startswith("url") else 'url = "https://example.org/"\n'
    path.write_text(f"[webhook.endpoint.ops]\n{url}{more}\n")
    with pytest.raises(ConfigError, match=message):
        endpoints(load(path))
    checked = hfm("check", "--config", path)
    assert (checked.code, "webhook.endpoint.ops" in checked.err) == (2, True)


def test_a_check_names_the_secret_that_is_missing(config: Path):
    checked = hfm("check", "--config", config)
    assert (checked.code, "HFM_WEBHOOK__ENDPOINT__OPS__SECRETS" in checked.out + checked.err) == (0, True)
