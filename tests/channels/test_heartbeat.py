"""The sign of life goes where the operator says, nowhere private unless allowed, and its secret path stays hidden."""

import traceback
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from monitor.channels.heartbeat import Heartbeat
from monitor.errors import ConfigError, DeliveryDeferred
from tests.channels.receiver import Receiver
from tests.fakes.clock import FakeClock
from tests.faults import wire
from tests.outgoing.nowhere import NOWHERE, REDIRECTS, Names, Refusing, numeric

SECRET = "5c3e-nobody-may-see"


@pytest.fixture
async def nowhere() -> AsyncIterator[Refusing]:
    connector = Refusing()
    yield connector
    await connector.close()


@pytest.mark.parametrize("url", NOWHERE)
async def test_no_spelling_of_a_closed_place_is_connected_to(nowhere: Refusing, url: str):
    async with aiohttp.ClientSession(connector=nowhere, connector_owner=False) as http:
        with pytest.raises((ConfigError, DeliveryDeferred)):
            await Heartbeat(http, FakeClock(), url, resolve=numeric).ping()
    assert nowhere.asked == []


async def test_a_name_that_turns_private_between_two_signs_is_refused(nowhere: Refusing):
    names = Names(["1.1.1.1"], ["169.254.169.254"])
    async with aiohttp.ClientSession(connector=nowhere, connector_owner=False) as http:
        heart = Heartbeat(http, FakeClock(), f"https://hc.example/{SECRET}", resolve=names)
        with pytest.raises(DeliveryDeferred):
            await heart.ping()
        with pytest.raises(DeliveryDeferred) as failure:
            await heart.ping()
    assert nowhere.asked == ["1.1.1.1"]
    assert "found 169.254.169.254" in str(failure.value)
    assert SECRET not in "".join(traceback.format_exception(failure.value)) + repr(heart)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_wherever_it_leads(code: int):
    clock = FakeClock()
    async with Receiver(clock.wall_s).serve() as other, Receiver(clock.wall_s).serve() as receiver:
        for location in (other.url, *REDIRECTS):
            receiver.faults.append(wire.status(code, {"Location": location}))
            async with aiohttp.ClientSession() as http:
                with pytest.raises(DeliveryDeferred, match=f"found {code}; redirects are not followed"):
                    await Heartbeat(http, clock, receiver.url, allow_private=True).ping()
        assert (receiver.asked, other.asked) == (1 + len(REDIRECTS), 0)


@pytest.mark.parametrize(
    "fault", [wire.reset, wire.status(404, body=SECRET.encode()), wire.status(500), wire.status(429)]
)
async def test_whatever_is_not_accepted_says_so_without_the_url(fault: wire.Wire):
    clock = FakeClock()
    async with Receiver(clock.wall_s).serve() as receiver, aiohttp.ClientSession() as http:
        receiver.faults.append(fault)
        heart = Heartbeat(http, clock, f"http://127.0.0.1:{receiver.port}/{SECRET}", allow_private=True)
        with pytest.raises(DeliveryDeferred) as failure:
            await heart.ping()
    assert SECRET not in "".join(traceback.format_exception(failure.value))


async def test_the_answers_body_is_never_waited_for():
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"OK")
        await wire.hang(request)
        return response

    clock = FakeClock()
    async with Receiver(clock.wall_s).serve() as receiver, aiohttp.ClientSession() as http:
        receiver.faults.append(endless)
        await Heartbeat(http, clock, receiver.url, allow_private=True).ping()
        assert receiver.asked == 1
