"""Where a webhook may go: by https to a public address that was checked, or where the operator says so."""

import asyncio
import shutil
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
from tests.outgoing.nowhere import NOWHERE, REDIRECTS, Names, Refusing, numeric

KEYS = (Secret.parse(SECRET, "secrets"),)
MESSAGE = Message("ab" * 32, "INCIDENT00", "subject", "text", None, '{"type": "alert.test"}')


@pytest.fixture
async def nowhere() -> AsyncIterator[Refusing]:
    connector = Refusing()
    yield connector
    await connector.close()


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
        for location in (other.url, *REDIRECTS):
            receiver.faults.append(wire.status(code, {"Location": location}))
            async with aiohttp.ClientSession() as http:
                sender = Webhook(http, clock, {"ops": Endpoint.parse(receiver.url, KEYS, allow_private=True)})
                with pytest.raises(DeliveryDeferred, match="redirects are not followed"):
                    await sender.send("ops", MESSAGE)
        assert (receiver.asked, other.asked) == (5, 0)


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
