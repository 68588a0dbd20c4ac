"""Where a URL may lead: nowhere private, whatever it is called, and to the address that was checked."""

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from monitor.errors import ConfigError, EndpointError
from monitor.outgoing.guard import KEEP_ADDRESS_MS, Destination, is_public
from monitor.sources.http.exchange import exchange
from tests.fakes.clock import FakeClock
from tests.outgoing.nowhere import Names

PRIVATE = """
    127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.254 169.254.169.254
    169.254.0.1 172.16.0.1 172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255
    198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
    :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:8.8.8.8 64:ff9b::7f00:1 64:ff9b:1::1 100::1 2001::1
    2001:db8::1 2002:7f00:1:: 3fff::1 5f00::1 fc00::1 fd12:3456::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1
""".split()
PUBLIC = (
    "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 198.17.0.1 2606:4700::1111 2a00:1450::1".split()
)


@pytest.mark.parametrize("address", PRIVATE)
async def test_an_address_that_is_not_public_is_refused_by_whatever_name(address: str):
    assert not is_public(address)
    to = Destination(
        URL("https://rpc.example/v2/key"), allow_private=False, clock=FakeClock(), resolve=Names([address])
    )
    with pytest.raises(ConfigError, match="allow_private"):
        await to.pinned()


@pytest.mark.parametrize("address", PUBLIC)
async def test_a_public_address_is_pinned_with_the_name_kept_for_the_server(address: str):
    assert is_public(address)
    to = Destination(
        URL("https://rpc.example/v2/key"), allow_private=False, clock=FakeClock(), resolve=Names([address])
    )
    pinned = await to.pinned()
    assert (pinned.url.host, pinned.url.path) == (address, "/v2/key")
    assert (pinned.host, pinned.server_hostname) == ("rpc.example", "rpc.example")


async def test_one_private_address_among_public_ones_is_enough_to_refuse():
    names = Names(["1.1.1.1", "10.0.0.1"])
    with pytest.raises(ConfigError):
        await Destination(URL("https://rpc.example"), allow_private=False, clock=FakeClock(), resolve=names).pinned()


async def test_the_connection_goes_to_the_checked_address_even_if_the_name_moves_meanwhile():
    seen = []

    async def note(request: web.Request) -> web.Response:
        seen.append(request.host)
        return web.Response(body=b"{}")

    app = web.Application()
    app.router.add_post("/", note)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    clock, names = FakeClock(), Names(["127.0.0.1"], ["169.254.169.254"])
    to = Destination(URL(f"http://node.example:{port}/"), allow_private=True, clock=clock, resolve=names)
    async with aiohttp.ClientSession() as session:
        for _ in range(3):
            await exchange(session, to, b"{}", 2)
    assert seen == [f"node.example:{port}"] * 3
    assert names.asked == 1
    await runner.cleanup()


async def test_a_name_that_turns_private_is_refused_when_it_is_resolved_again():
    clock, names = FakeClock(), Names(["1.1.1.1"], ["127.0.0.1"])
    to = Destination(URL("https://rpc.example"), allow_private=False, clock=clock, resolve=names)
    await to.pinned()
    await clock.advance(KEEP_ADDRESS_MS / 1000)
    with pytest.raises(ConfigError):
        await to.pinned()


async def test_a_name_that_does_not_resolve_may_resolve_later():
    async def nobody(_host: str, _port: int) -> list[str]:
        raise OSError("no such host")

    to = Destination(URL("https://rpc.example"), allow_private=False, clock=FakeClock(), resolve=nobody)
    with pytest.raises(EndpointError, match="to resolve"):
        await to.pinned()
