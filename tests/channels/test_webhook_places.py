"""Where a webhook may go: by https to a public address that was checked, or where the operator says so."""

import asyncio
import ipaddress
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from monitor.channels.channel import Message
from monitor.channels.signature import Secret
from monitor.channels.webhook import Endpoint, Webhook
from monitor.errors import ConfigError, DeliveryDeferred, DeliveryRefused
from tests.channels.receiver import SECRET, Receiver
from tests.fakes.clock import FakeClock
from tests.faults import wire

KEYS = (Secret.parse(SECRET, "secrets"),)
MESSAGE = Message("ab" * 32, "INCIDENT00", "subject", "text", None, '{"type": "alert.test"}')

NOWHERE = """
    https://127.0.0.1/ https://127.0.0.1:8443/ https://127.1/ https://127.0.1/ https://2130706433/ https://0x7f000001/
    https://0x7f.1/ https://0177.0.0.1/ https://017700000001/ https://0/ https://0.0.0.0/ https://localhost/
    https://localhost.:8443/ https://LOCALHOST/ https://10.0.0.1/ https://172.16.0.1/ https://192.168.0.1/
    https://169.254.169.254/latest/meta-data/ https://2852039166/ https://0xa9fea9fe/ https://0251.0376.0251.0376/
    https://100.64.0.1/ https://192.0.2.1/ https://198.18.0.1/ https://224.0.0.1/ https://255.255.255.255/
    https://[::1]/ https://[::]/ https://[::ffff:127.0.0.1]/ https://[::ffff:a9fe:a9fe]/ https://[::ffff:0a00:0001]/
    https://[64:ff9b::7f00:1]/ https://[2002:7f00:1::]/ https://[fe80::1]/ https://[fc00::1]/ https://[ff02::1]/
    https://①②⑦.⓪.⓪.①/ https://127。0。0。1/
    http://1.1.1.1/ ftp://1.1.1.1/ file:///etc/passwd gopher://1.1.1.1/ //1.1.1.1/ https:///path https://
    https://user:word@1.1.1.1/ https://word@1.1.1.1/ https://1.1.1.1:80/ https://1.1.1.1:22/ https://1.1.1.1:0/
    https://1.1.1.1:8787/ https://1.1.1.1:99999/ https://[bad/ https://1.1.1.1:x/
""".split()


class Refusing(aiohttp.TCPConnector):
    """Counts what would have been connected to, and connects to nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str | None] = []

    async def connect(self, req, traces, timeout):  # noqa: ASYNC109  # the signature is the library's
        self.asked.append(req.url.raw_host)
        raise aiohttp.ClientConnectionError


class Names:
    """A name server under the test's control; its last answer stays."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, _host: str, _port: int) -> list[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
async def nowhere() -> AsyncIterator[Refusing]:
    connector = Refusing()
    yield connector
    await connector.close()


async def numeric(host: str, _port: int) -> list[str]:
    """Resolve as the C library does whatever is a number in disguise; nothing is asked of a name server."""
    if host.rstrip(".").lower() == "localhost":
        return ["127.0.0.1", "::1"]
    if ":" in host:
        return [str(ipaddress.IPv6Address(host))]
    return [socket.inet_ntoa(socket.inet_aton(host))]


def test_the_corpus_of_places_is_large_enough():
    assert len(set(NOWHERE)) >= 40


@pytest.mark.parametrize("url", NOWHERE)
async def test_no_spelling_of_a_closed_place_is_connected_to(nowhere: Refusing, url: str):
    async with aiohttp.ClientSession(connector=nowhere, connector_owner=False) as http:
        with pytest.raises(DeliveryRefused):
            await Webhook(http, FakeClock(), {}, KEYS, numeric).send(url, MESSAGE)
    assert nowhere.asked == []


async def test_a_public_place_is_connected_to_at_the_address_that_was_checked(nowhere: Refusing):
    names = Names(["1.1.1.1"], ["127.0.0.1"])
    async with aiohttp.ClientSession(connector=nowhere, connector_owner=False) as http:
        with pytest.raises(DeliveryDeferred):
            await Webhook(http, FakeClock(), {}, KEYS, names).send("https://hooks.example/x", MESSAGE)
    assert (nowhere.asked, names.asked) == (["1.1.1.1"], 1)


async def test_a_name_that_turns_private_between_two_messages_is_refused(nowhere: Refusing):
    names = Names(["1.1.1.1"], ["169.254.169.254"])
    async with aiohttp.ClientSession(connector=nowhere, connector_owner=False) as http:
        sender = Webhook(http, FakeClock(), {}, KEYS, names)
        with pytest.raises(DeliveryDeferred):
            await sender.send("https://hooks.example/x", MESSAGE)
        with pytest.raises(DeliveryRefused, match=r"found 169\.254\.169\.254"):
            await sender.send("https://hooks.example/x", MESSAGE)
    assert nowhere.asked == ["1.1.1.1"]


async def test_one_private_address_among_public_ones_is_enough_to_refuse(nowhere: Refusing):
    async with aiohttp.ClientSession(connector=nowhere, connector_owner=False) as http:
        sender = Webhook(http, FakeClock(), {}, KEYS, Names(["1.1.1.1", "10.0.0.1"]))
        with pytest.raises(DeliveryRefused):
            await sender.send("https://hooks.example/x", MESSAGE)
    assert nowhere.asked == []


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_wherever_it_leads(code: int):
    clock = FakeClock()
    async with Receiver(clock.wall_s).serve() as other, Receiver(clock.wall_s).serve() as receiver:
        for location in (other.url, "http://169.254.169.254/latest/meta-data/", "/elsewhere", "file:///etc/passwd"):
            receiver.faults.append(wire.status(code, {"Location": location}))
            async with aiohttp.ClientSession() as http:
                sender = Webhook(http, clock, {"ops": Endpoint.parse(receiver.url, KEYS, allow_private=True)})
                with pytest.raises(DeliveryDeferred, match="redirects are not followed"):
                    await sender.send("ops", MESSAGE)
        assert (receiver.asked, other.asked) == (4, 0)


async def test_what_an_operator_allows_for_one_receiver_is_allowed_to_no_url():
    clock = FakeClock()
    async with Receiver(clock.wall_s).serve() as receiver, aiohttp.ClientSession() as http:
        sender = Webhook(http, clock, {"ops": Endpoint.parse(receiver.url, KEYS, allow_private=True)}, KEYS)
        await sender.send("ops", MESSAGE)
        with pytest.raises(DeliveryRefused):
            await sender.send(receiver.url, MESSAGE)
        with pytest.raises(DeliveryRefused):
            await sender.send(f"https://127.0.0.1:{receiver.port}/", MESSAGE)
        assert receiver.asked == 1


@pytest.mark.parametrize("url", ["ftp://10.0.0.1/", "http://user:word@10.0.0.1/", "http:///x", "10.0.0.1:9000", ""])
def test_a_private_receivers_url_is_still_a_url_of_http(url: str):
    with pytest.raises(ConfigError, match="expected a webhook as"):
        Endpoint.parse(url, KEYS, allow_private=True)


async def test_a_name_that_does_not_resolve_may_resolve_later(nowhere: Refusing):
    async def nobody(_host: str, _port: int) -> list[str]:
        raise OSError("no such host")

    async with aiohttp.ClientSession(connector=nowhere, connector_owner=False) as http:
        with pytest.raises(DeliveryDeferred, match=r"hooks\.example: expected the host to resolve"):
            await Webhook(http, FakeClock(), {}, KEYS, nobody).send("https://hooks.example/secret-path", MESSAGE)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with the openssl program, found none")
async def test_the_certificate_must_be_that_of_the_name_although_the_connection_goes_to_an_address(tmp_path: Path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    own = ("-keyout", str(key), "-out", str(certificate), "-addext", "subjectAltName=DNS:hooks.example")
    subject = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=hooks.example")
    made = await asyncio.create_subprocess_exec("openssl", *subject, *own, stderr=asyncio.subprocess.DEVNULL)
    assert await made.wait() == 0
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(certificate, key)
    hosts: list[str] = []

    async def take(request: web.Request) -> web.Response:
        hosts.append(request.host)
        return web.Response()

    app = web.Application()
    app.router.add_post("/x", take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=serving).start()
    port, trusting = runner.addresses[0][1], ssl.create_default_context(cafile=str(certificate))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting)) as http:
        for name, is_believed in (("hooks.example", True), ("other.example", False)):
            url = f"https://{name}:{port}/x"
            ways = {"ops": Endpoint.parse(url, KEYS, allow_private=True)}
            sender = Webhook(http, FakeClock(), ways, resolve=Names(["127.0.0.1"]))
            if is_believed:
                await sender.send("ops", MESSAGE)
            else:
                with pytest.raises(DeliveryDeferred, match="Certificate"):
                    await sender.send("ops", MESSAGE)
    async with aiohttp.ClientSession() as http:
        ways = {"ops": Endpoint.parse(f"https://hooks.example:{port}/x", KEYS, allow_private=True)}
        with pytest.raises(DeliveryDeferred, match="Certificate"):
            await Webhook(http, FakeClock(), ways, resolve=Names(["127.0.0.1"])).send("ops", MESSAGE)
    assert hosts == [f"hooks.example:{port}"]
    await runner.cleanup()
