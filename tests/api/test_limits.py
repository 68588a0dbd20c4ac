"""What one caller may ask: size, pace, patience, and connections."""

import asyncio
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.api import Limits
from monitor.api.limits import Pace
from tests.api.served import KEYS, METRICS, READ, bearer, served
from tests.fakes.clock import FakeClock

SLOW = Limits(requests_per_s=2, burst=3)


async def statuses(api, count: int, **options) -> list[int]:
    return [(await api.get("/healthz", **options))[0] for _ in range(count)]


async def test_a_caller_that_asks_too_fast_is_told_when_to_come_back(tmp_path: Path):
    async with served(tmp_path, limits=SLOW) as api:
        assert await statuses(api, 5) == [200, 200, 200, 429, 429]
        async with api.client.get("/healthz") as response:
            assert response.headers["Retry-After"] == "1"
            assert response.content_type == "application/problem+json"
        await api.advance(0.5)
        assert await statuses(api, 2) == [200, 429]


async def test_each_key_has_its_own_pace_and_a_false_key_has_the_peers(tmp_path: Path):
    async with served(tmp_path, KEYS, limits=SLOW) as api:
        assert await statuses(api, 4, headers=bearer(READ)) == [200, 200, 200, 429]
        assert await statuses(api, 4, headers=bearer(METRICS)) == [200, 200, 200, 429]
        guesses = [(await api.get("/healthz", headers=bearer(f"{n:040}")))[0] for n in range(4)]
        assert guesses == [200, 200, 200, 429]
        assert await statuses(api, 1) == [429]


async def test_a_forwarded_address_is_not_believed_from_a_stranger(tmp_path: Path):
    async with served(tmp_path, limits=SLOW) as api:
        spoofed = [(await api.get("/healthz", headers={"X-Forwarded-For": f"10.0.0.{n}"}))[0] for n in range(4)]
        assert spoofed == [200, 200, 200, 429]


async def test_behind_our_proxy_only_what_the_proxy_wrote_is_believed(tmp_path: Path):
    limits = Limits(requests_per_s=2, burst=3, proxies=(ip_network("127.0.0.0/8"), ip_network("10.9.0.0/16")))
    async with served(tmp_path, limits=limits) as api:

        async def through(forwarded: str) -> int:
            return (await api.get("/healthz", headers={"X-Forwarded-For": forwarded}))[0]

        assert [await through(f"1.2.3.{n}, 8.8.8.8") for n in range(4)] == [200, 200, 200, 429]
        assert [await through(f"1.2.3.{n}, 8.8.4.4, 10.9.1.{n}") for n in range(4)] == [200, 200, 200, 429]
        assert [await through(f"2001:db8::{n}") for n in range(4)] == [200, 200, 200, 429]
        assert await through("2001:db8:0:1::1") == 200
        assert await through("nonsense") == 200


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2_000)), max_size=60))
def test_nobody_gets_more_than_the_burst_and_the_rate(asked):
    clock = FakeClock()
    pace = Pace(clock, Limits(requests_per_s=5, burst=7))
    allowed = dict.fromkeys(range(4), 0)
    for caller, wait_ms in asked:
        clock._move_to(clock.monotonic_ms() + wait_ms)
        allowed[caller] += pace.wait_ms(str(caller)) == 0
        assert allowed[caller] <= 7 + 5 * clock.monotonic_ms() / 1000


def test_the_pace_of_a_million_strangers_takes_bounded_memory():
    pace = Pace(FakeClock(), Limits(), callers=100)
    for n in range(10_000):
        pace.wait_ms(f"peer {n}")
    assert len(pace._left) == 100


async def test_waiting_as_told_is_enough():
    clock = FakeClock()
    pace = Pace(clock, Limits(requests_per_s=3, burst=1))
    assert pace.wait_ms("a") == 0
    wait_ms = pace.wait_ms("a")
    clock._move_to(clock.monotonic_ms() + wait_ms - 1)
    assert pace.wait_ms("a") > 0
    clock._move_to(clock.monotonic_ms() + 1)
    assert pace.wait_ms("a") == 0


async def test_too_much_header_is_refused(tmp_path: Path):
    async with served(tmp_path) as api:
        many = {f"X-{n}": "v" * 100 for n in range(100)}
        assert (await api.get("/healthz", headers=many))[0] == 431
        assert (await api.get("/healthz", headers={"X-One": "v" * 9000}))[0] in {400, 431}
        assert (await api.get("/healthz?" + "q" * 9000))[0] in {400, 414, 431}
        assert (await api.get("/healthz", headers={"X-One": "v" * 7000}))[0] == 200


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path):
    async with served(tmp_path) as api:
        reader, writer = await asyncio.open_connection(api.host, api.port)
        writer.write(b"GET /v1/at-risk HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n")
        head = await asyncio.wait_for(reader.readline(), 5)
        assert b" 413 " in head
        writer.close()
        assert (await api.get("/v1/at-risk", data=b"x" * 1000))[0] == 200


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "])
async def test_a_connection_that_does_not_finish_its_headers_is_closed(tmp_path: Path, sent):
    async with served(tmp_path, limits=Limits(patience_s=0.3)) as api:
        reader, writer = await asyncio.open_connection(api.host, api.port)
        writer.write(sent)

        async def drip() -> None:
            while True:
                writer.write(b"a" if sent else b"")
                await asyncio.sleep(0.05)

        async with asyncio.TaskGroup() as tasks:
            dripping = tasks.create_task(drip())
            # Closed with bytes that nobody read, a connection may also end as reset.
            with suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(), 2) == b""
            dripping.cancel()
        writer.close()


async def test_a_connection_may_not_idle_after_its_answer(tmp_path: Path):
    async with served(tmp_path, limits=Limits(patience_s=0.3)) as api:
        reader, writer = await asyncio.open_connection(api.host, api.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in await asyncio.wait_for(reader.read(), 2)
        writer.close()


async def test_a_connection_too_many_is_turned_away_and_the_rest_go_on(tmp_path: Path):
    async with served(tmp_path, limits=Limits(connections=5)) as api:
        assert (await api.get("/healthz"))[0] == 200
        held = [await asyncio.open_connection(api.host, api.port) for _ in range(4)]
        await asyncio.sleep(0.05)
        reader, writer = await asyncio.open_connection(api.host, api.port)
        assert b"503 Service Unavailable" in await asyncio.wait_for(reader.read(), 2)
        assert (await api.get("/healthz"))[0] == 200
        for _, each in [*held, (reader, writer)]:
            each.close()
        await asyncio.sleep(0.05)
        reader, writer = await asyncio.open_connection(api.host, api.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert b"200 OK" in await asyncio.wait_for(reader.read(), 2)
        writer.close()
