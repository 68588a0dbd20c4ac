"""The stream: what was committed arrives once, in order, whatever the client does; and nobody is dropped in silence."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse

from monitor.api import Limits
from monitor.api.app import FEED
from monitor.api.stream import feed as feed_room
from monitor.domain.alerts import Alert, AlertKind, Level, Notice
from monitor.domain.ids import PositionId
from monitor.store import Commit
from tests.api.served import KEYS, READ, Served, bearer, served
from tests.fakes.evaluations import position

CALM = Limits(requests_per_s=10**6, burst=10**6)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path, limits=CALM) as running:
        yield running


def alert(
    seq: int,
    of: PositionId | None = None,
    kind: AlertKind = AlertKind.WORSENED,
    level: Level = Level.WARN,
    **facts: str,
) -> Alert:
    whose = of or position()
    return Alert(whose, kind, f"incident-{whose.key}", seq, level, Level.OK, 7, 1_750_000_084, facts)


async def say(api: Served, *alerts: Alert) -> None:
    """Commit alerts, as a ruling does."""
    await api.store.commit(Commit(None, notices=[Notice(one) for one in alerts]))
    api.app[FEED].wake()


@dataclass
class Told:
    """One event of a stream."""

    id: int | None
    event: str
    data: dict[str, Any]


async def events(response: ClientResponse, count: int) -> list[Told]:
    """Return that many events, or fewer where the stream ends."""
    found = list[Told]()
    while len(found) < count:
        block = (
            await asyncio.wait_for(response.content.readuntil(b"\n\n"), 20) if not response.content.at_eof() else b""
        )
        if not block:
            break
        fields = dict(line.split(": ", 1) for line in block.decode().strip().split("\n") if not line.startswith(":"))
        if "event" in fields:
            found.append(
                Told(int(fields["id"]) if "id" in fields else None, fields["event"], json.loads(fields["data"]))
            )
    return found


def stream(api: Served, last: int | None = None, **query: str) -> Any:
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    return api.client.get("/v1/stream", params=query, headers=headers)


async def test_what_is_committed_while_somebody_listens_arrives_in_order(api: Served):
    await say(api, alert(1))
    async with stream(api) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        await response.content.readuntil(b"\n\n")
        await say(api, alert(2), alert(3))
        await say(api, alert(4))
        told = await events(response, 3)
    assert [(one.event, one.data["seq"], one.id) for one in told] == [("alert", 2, 2), ("alert", 3, 3), ("alert", 4, 4)]
    assert told[0].data["position"] == str(position())
    assert (told[0].data["at_block"], told[0].data["level"]) == (7, "WARN")


@pytest.mark.parametrize("kept", [feed_room.KEPT, 3], ids=["from memory", "from the store"])
async def test_after_a_cut_a_client_goes_on_where_it_stopped(api: Served, monkeypatch, kept):
    api.app[FEED]._recent = type(api.app[FEED]._recent)(maxlen=kept)
    monkeypatch.setattr(feed_room, "KEPT", kept)
    await say(api, *(alert(seq) for seq in range(1, 251)))
    taken = list[int]()
    for _ in range(5):
        async with stream(api, taken[-1] if taken else 0) as response:
            taken += [one.id or 0 for one in await events(response, 50)]
    assert taken == list(range(1, 251))
    async with stream(api, 250) as response:
        await response.content.readuntil(b"\n\n")
        await say(api, alert(251))
        assert [one.id for one in await events(response, 1)] == [251]


async def test_an_id_that_was_never_given_is_refused(api: Served):
    await say(api, alert(1))
    async with stream(api, 2) as response:
        assert response.status == 409
    async with stream(api, after="1") as response:
        assert response.status == 200


async def test_only_what_is_wanted_is_told(api: Served):
    other = position(9, "other-core")
    said = (
        alert(1), alert(2, other), alert(3, level=Level.CRITICAL), alert(4, kind=AlertKind.RECOVERED, level=Level.OK),
        alert(5, kind=AlertKind.UNKNOWN, level=Level.OK), alert(6, owner="0x" + "ab" * 20),
    )  # fmt: skip
    await say(api, *said)
    for query, expected in (
        ({"deployment": "other-core"}, [2]),
        ({"level": "DANGER"}, [3, 5]),
        ({"kind": "recovered,unknown"}, [4, 5]),
        ({"owner": "0x" + "AB" * 20}, [6]),
        ({"owner": str(other.key)}, [2]),
        ({"chain": "eip155:31337", "protocol": "aave_v3", "level": "CRITICAL"}, [3, 5]),
    ):
        async with stream(api, 0, **query) as response:
            assert [one.data["seq"] for one in await events(response, len(expected))] == expected, query
        _, page = await api.get("/v1/alerts", params=query)
        assert [item["seq"] for item in page["items"]] == expected, query
    for wrong in ({"level": "BAD"}, {"kind": "worse"}, {"owner": "0x12"}, {"after": "-1"}, {"colour": "red"}):
        assert (await api.get("/v1/stream", params=wrong))[0] == 422, wrong


async def test_a_quiet_stream_beats_every_fifteen_seconds_and_says_how_far_it_is(api: Served):
    await say(api, alert(1))
    async with stream(api, level="CRITICAL") as response:
        await response.content.readuntil(b"\n\n")
        await say(api, alert(2))
        for _ in range(40):
            await api.advance(0.4)
        assert await asyncio.wait_for(response.content.readuntil(b"\n\n"), 5) == b": heartbeat\nid: 2\n\n"


async def test_what_another_process_commits_is_found_within_a_second(api: Served):
    async with stream(api) as response:
        await response.content.readuntil(b"\n\n")
        await api.store.commit(Commit(None, notices=[Notice(alert(1))]))
        await api.advance(1)
        assert [one.id for one in await events(response, 1)] == [1]


async def test_a_client_that_does_not_read_is_told_where_to_go_on_and_cut_off(tmp_path: Path):
    async with served(tmp_path, limits=Limits(patience_s=0.5)) as api:
        async with stream(api) as response:
            await response.content.readuntil(b"\n\n")
            transport = response.connection.transport
            transport.pause_reading()
            much = "x" * 20_000
            for turn in range(12):
                await say(api, *(alert(turn * 50 + n, what=much) for n in range(50)))
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.7)
            transport.resume_reading()
            told = await events(response, 10_000)
            assert told[-1].event == "behind"
            taken = [one.id for one in told[:-1]]
            assert taken == list(range(1, len(taken) + 1))
            assert told[-1].data["after"] == taken[-1]
            assert len(taken) < 600
        async with stream(api, told[-1].data["after"]) as response:
            rest = await events(response, 600 - len(taken))
            assert [one.id for one in rest] == list(range(len(taken) + 1, 601))


async def test_a_listener_whom_the_memory_has_passed_is_told_so(api: Served, monkeypatch):
    monkeypatch.setattr(feed_room, "KEPT", 10)
    api.app[FEED]._recent = type(api.app[FEED]._recent)(maxlen=10)
    async with stream(api) as response:
        await response.content.readuntil(b"\n\n")
        await say(api, *(alert(seq) for seq in range(1, 31)))
        assert [(one.event, one.data) for one in await events(response, 100)] == [("behind", {"after": 0})]
    async with stream(api, 0) as response:
        assert [one.id for one in await events(response, 30)] == list(range(1, 31))


async def test_a_stream_ends_after_its_life_and_needs_a_key(tmp_path: Path):
    async with served(tmp_path, KEYS, limits=Limits(stream_s=2)) as api:
        assert (await api.get("/v1/stream"))[0] == 401
        async with api.client.get("/v1/stream", headers=bearer(READ)) as response:
            await response.content.readuntil(b"\n\n")
            for _ in range(5):
                await api.advance(1)
            assert await asyncio.wait_for(response.content.read(), 5) == b""


async def test_closing_the_service_ends_its_streams(tmp_path: Path):
    async with served(tmp_path, limits=CALM) as api:
        response = await stream(api)
        await response.content.readuntil(b"\n\n")
        loop = asyncio.get_running_loop()
        started_s = loop.time()
    assert loop.time() - started_s < 1.5
    response.close()


async def test_alerts_are_paged_to_their_end(api: Served):
    await say(api, *(alert(seq) for seq in range(1, 26)))
    found, after = list[int](), 0
    while True:
        _, page = await api.get("/v1/alerts", params={"limit": "10", "after": str(after)})
        found += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert found == list(range(1, 26))
    _, page = await api.get("/v1/alerts", params={"position": str(position(5))})
    assert page == {"items": [], "next": None}
