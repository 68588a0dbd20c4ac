"""The library Apprise as a channel, sending for real to a listener on loopback, and what is said where it is absent."""

import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from monitor.channels.absent import Absent
from monitor.channels.apprise import Apprise
from monitor.channels.channel import Message
from monitor.channels.opening import find_apprise
from monitor.errors import ConfigError, DeliveryDeferred, DeliveryRefused

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
MESSAGE = Message(
    "ab" * 32, "INCIDENT00", "[CRITICAL] main", "CRITICAL & < now\nIncident INCIDENT00", "<b>CRITICAL</b>"
)


class Listener:
    """Takes what Apprise's plugin for JSON posts; says no with another status."""

    def __init__(self) -> None:
        self.port = 0
        self.status = 200
        self.got: list[Any] = []

    async def take(self, request: web.Request) -> web.Response:
        self.got.append(await request.json())
        return web.Response(status=self.status)


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    running, app = Listener(), web.Application()
    app.router.add_post("/hook", running.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    running.port = runner.addresses[0][1]
    yield running
    await runner.cleanup()


def phone(port: int) -> Apprise:
    channel = find_apprise({"phone": f"json://me:canary-word@127.0.0.1:{port}/hook"})
    assert isinstance(channel, Apprise)
    return channel


async def test_subject_and_text_arrive_as_they_stand(listener: Listener):
    await phone(listener.port).send("phone", MESSAGE)
    ((title, text),) = [(got["title"], got["message"]) for got in listener.got]
    assert (title, text) == (MESSAGE.subject, MESSAGE.text)


async def test_a_target_that_does_not_accept_is_tried_again(listener: Listener, unused_tcp_port: int):
    listener.status = 500
    with pytest.raises(DeliveryDeferred, match="phone did not accept"):
        await phone(listener.port).send("phone", MESSAGE)
    with pytest.raises(DeliveryDeferred, match="phone did not accept"):
        await phone(unused_tcp_port).send("phone", MESSAGE)
    assert len(listener.got) == 1


async def test_a_name_nobody_gave_is_refused_with_the_setting(listener: Listener):
    with pytest.raises(DeliveryRefused, match=r"no target is called pager: name it in \[apprise\.target\]"):
        await phone(listener.port).send("pager", MESSAGE)


def test_a_url_that_the_library_does_not_know_is_a_setting_to_mend_and_not_shown():
    with pytest.raises(ConfigError, match=r"apprise\.target\.phone: expected a URL that Apprise") as raised:
        find_apprise({"phone": "nonsense://canary-word@nowhere/"})
    assert "canary" not in str(raised.value)


async def test_neither_the_channel_nor_the_librarys_log_shows_a_url(
    listener: Listener, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    listener.status = 403
    channel = phone(listener.port)
    with pytest.raises(DeliveryDeferred) as raised:
        await channel.send("phone", MESSAGE)
    written = capfd.readouterr()
    assert "canary" not in f"{channel!r} {raised.value} {caplog.text} {written.out} {written.err}"
    assert not [record for record in caplog.records if record.name.startswith("apprise")]


@pytest.mark.parametrize(
    ("targets", "why"),
    [({"phone": "json://127.0.0.1/"}, r"not installed: pip install 'hfm\[apprise\]'"), ({}, "name one in the table")],
)
async def test_without_the_library_or_a_target_the_next_route_is_used_and_the_reason_said(
    monkeypatch: pytest.MonkeyPatch, targets: dict[str, str], why: str
):
    monkeypatch.setitem(sys.modules, "apprise", None)
    channel = find_apprise(targets)
    assert isinstance(channel, Absent)
    with pytest.raises(DeliveryRefused, match=why):
        await channel.send("phone", MESSAGE)
