"""The typed layer by itself: what a handler is given, what a caller is told, and what never gets out."""

import asyncio
import io
import json
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from aiohttp import ClientSession
from pydantic import Field

from monitor import log
from monitor.api import ApiKey, Limits, Metrics, listening
from monitor.api.app import _application
from monitor.api.auth import Access
from monitor.api.guard import Guard
from monitor.api.limits import Pace
from monitor.api.openapi import document
from monitor.api.route import Route
from monitor.api.wire import Alive
from monitor.client.wire.answer import Answer
from monitor.client.wire.asked import Question
from monitor.errors import StoreFull
from tests.fakes.clock import FakeClock

CANARY = "c4n4ry" * 8


class Shock(Question):
    """A price move."""

    feed: str = Field(pattern="^[A-Z]+$", max_length=8)
    bps: int = Field(ge=-10_000, le=10_000)


class Seen(Answer):
    """What the handler was given."""

    id: str
    bps: int


class Which(Question):
    """A path."""

    id: str


async def shock(path: Which, body: Shock) -> Seen:
    """Take a price move.

    And tell what it was.
    """
    return Seen(id=path.id, bps=body.bps)


async def big() -> bytes:
    """Give twenty megabytes."""
    return bytes(20_000_000)


async def defect() -> Alive:
    """Fail in a way nobody foresaw."""
    secret = CANARY
    raise LookupError(f"no such thing as {secret}")


async def full() -> Alive:
    """Fail in a way that is foreseen."""
    raise StoreFull(f"no space left in {CANARY}")


async def late() -> Alive:
    """Take too long."""
    await asyncio.sleep(60)
    return Alive()


ROUTES = (
    Route("/v1/shock/{id}", shock, method="POST"),
    Route("/big", big, media="application/octet-stream"),
    Route("/defect", defect),
    Route("/full", full),
    Route("/late", late),
)


@asynccontextmanager
async def running(
    limits: Limits, keys: Sequence[ApiKey] = ()
) -> AsyncIterator[tuple[ClientSession, Metrics, tuple[str, int]]]:
    clock, metrics, access = FakeClock(), Metrics(), Access(keys)
    app = _application(ROUTES, Guard(access, limits, Pace(clock, limits), metrics, clock), access, limits)
    async with listening(app) as place, ClientSession(f"http://127.0.0.1:{place[1]}") as client:
        yield client, metrics, place


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    async with running(Limits()) as (client, _, _):
        yield client


async def posted(
    client: ClientSession, body: bytes, content_type: str = "application/json"
) -> tuple[int, dict[str, Any]]:
    async with client.post("/v1/shock/a/b", data=body, headers={"Content-Type": content_type}) as response:
        return response.status, await response.json(content_type=None)


async def test_path_and_body_reach_the_handler_as_models(client: ClientSession):
    assert await posted(client, b'{"feed": "ETH", "bps": -2000}') == (200, {"id": "a/b", "bps": -2000})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "body: Invalid JSON"),
        (b"{", "body: Invalid JSON"),
        (b"[]", "body: Input should be an object"),
        (b'{"feed": "ETH"}', "body.bps: Field required"),
        (b'{"feed": "eth", "bps": 1}', "body.feed: String should match"),
        (b'{"feed": "ETH", "bps": 1, "bonus": 1}', "body.bonus: Extra inputs"),
        (b'{"feed": "ETH", "bps": NaN}', "body"),
        (b'{"feed": "ETH", "bps": 1e999}', "body"),
        (b"[" * 60_000, "body: Invalid JSON"),
        (b'{"feed": "\xff", "bps": 1}', "body: Invalid JSON"),
    ],
    ids=range(10),
)
async def test_a_wrong_body_is_refused_with_what_is_wrong_and_not_repeated(client: ClientSession, body, said):
    status, problem = await posted(client, body)
    assert (status, problem["title"]) == (422, "Unprocessable Entity")
    assert problem["detail"].startswith(said)
    assert len(problem["detail"]) < 600


async def test_another_kind_of_body_is_refused(client: ClientSession):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json-patch+json"):
        assert (await posted(client, b'{"feed": "ETH", "bps": 1}', kind))[0] == 415


async def test_a_body_over_the_limit_is_refused_whether_announced_or_not(client: ClientSession):
    async def unannounced():
        for _ in range(80):
            yield b" " * 1024

    assert (await posted(client, b" " * 65_537))[0] == 413
    assert (await posted(client, unannounced()))[0] == 413
    assert (await posted(client, b'{"feed": "ETH", "bps": 1}' + b" " * 65_000))[0] == 200


async def test_a_body_that_drips_is_given_up():
    async with running(Limits(patience_s=0.3)) as (_, metrics, (host, port)):
        reader, writer = await asyncio.open_connection(host, port)
        head = f"POST /v1/shock/x HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\n"
        writer.write(f'{head}Content-Length: 100\r\n\r\n{{"'.encode())
        assert b" 408 Request Timeout" in await asyncio.wait_for(reader.readline(), 3)
        writer.close()
        assert metrics.failures._value.get() == 0


async def test_a_broken_body_and_a_caller_gone_are_no_defects():
    async with running(Limits()) as (_, metrics, (host, port)):
        head = f"POST /v1/shock/x HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\n"
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode())
        assert b" 400 " in await asyncio.wait_for(reader.readline(), 3)
        writer.close()
        _, writer = await asyncio.open_connection(host, port)
        writer.write(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        await writer.drain()
        writer.transport.abort()
        await asyncio.sleep(0.1)
        assert metrics.failures._value.get() == 0


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    log.configure(stream, as_json=True, secrets=[CANARY])
    yield stream
    structlog.reset_defaults()


async def test_a_defect_is_logged_and_counted_and_tells_the_caller_nothing(logged: io.StringIO):
    async with running(Limits()) as (client, metrics, _), client.get("/defect") as response:
        text = await response.text()
        assert (response.status, response.content_type) == (500, "application/problem+json")
    assert "Traceback" not in text
    assert "LookupError" not in text
    assert CANARY not in text
    assert metrics.failures._value.get() == 1
    [line] = logged.getvalue().splitlines()
    assert "LookupError" in json.loads(line)["exception"]
    assert CANARY not in line


async def test_what_is_foreseen_is_told_without_its_innards(logged: io.StringIO):
    async with running(Limits(patience_s=0.2)) as (client, metrics, _):
        for path in ("/full", "/late"):
            async with client.get(path) as response:
                assert (response.status, response.headers["Retry-After"]) == (503, "5")
                assert CANARY not in await response.text()
        assert metrics.failures._value.get() == 0
    assert len(logged.getvalue().splitlines()) == 2


async def test_an_unknown_path_or_method_is_a_problem_too(client: ClientSession):
    async with client.get("/nowhere") as response:
        assert (response.status, response.content_type) == (404, "application/problem+json")
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "HEAD"):
        async with client.request(method, "/big") as response:
            assert (response.status, response.headers["Allow"]) == (405, "GET")


async def test_every_answer_hides_the_software_and_is_not_kept(client: ClientSession):
    for path in ("/openapi.json", "/nowhere", "/defect"):
        async with client.get(path) as response:
            assert response.headers["Server"] == "hfm"
            assert response.headers["Cache-Control"] == "no-store"
            assert "Access-Control-Allow-Origin" not in response.headers


async def test_a_caller_that_does_not_read_is_cut_off():
    loop = asyncio.get_running_loop()
    async with running(Limits(patience_s=0.5, connections=1)) as (client, _, place):
        with socket.socket() as deaf:
            deaf.setblocking(False)
            await loop.sock_connect(deaf, place)
            await loop.sock_sendall(deaf, b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
            async with client.get("/nowhere") as response:
                assert response.status == 503
            await asyncio.sleep(1.5)
            async with client.get("/nowhere") as response:
                assert response.status == 404


def test_the_document_describes_body_and_problems():
    found = document(ROUTES, is_open=False)
    operation = found["paths"]["/v1/shock/{id}"]["post"]
    assert (operation["summary"], operation["description"]) == ("Take a price move.", "And tell what it was.")
    assert operation["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Shock"}
    assert {"200", "401", "403", "408", "413", "415", "422", "429", "500", "503"} <= set(operation["responses"])
    assert operation["parameters"][0]["in"] == "path"
    assert operation["security"] == [{"bearer": ["read"]}, {"key": ["read"]}, {"signature": ["read"]}]
    assert "requestBody" not in found["paths"]["/big"]["get"]


async def test_what_is_no_http_is_refused_and_not_repeated_in_the_log(logged: io.StringIO):
    async with running(Limits()) as (_, _, (host, port)):
        for garbage in (
            f"X-API-Key: {CANARY[:20]}\x00\r\n\r\n",
            f"GET / HTTP/1.1\r\nX: {CANARY[:20]}\x00\r\n\r\n",
            "\x16\x03\x01",
        ):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(garbage.encode() + b"\r\n\r\n")
            assert b" 400 " in await asyncio.wait_for(reader.readline(), 3)
            writer.close()
    assert "BadHttpMessage" in logged.getvalue()
    assert CANARY[:20] not in logged.getvalue()
