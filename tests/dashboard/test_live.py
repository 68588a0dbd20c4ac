"""What is told of a list as it changes: what differs and nothing else, to whoever knows which version."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp

from monitor.dashboard.live.remembered import KEPT_MS, Remembered
from monitor.dashboard.live.told import BEAT_MS, LIFE_MS
from tests.api.served import KEYS, READ
from tests.dashboard.scene import HOSTILE, hostile, kept
from tests.dashboard.test_site import opened
from tests.domain.hostile import PAYLOADS
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import block, evaluation, position

ROWS = len(PAYLOADS) + 1
BEAT_S = BEAT_MS / 1000


async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, str, dict[str, Any]]]:
    """Yield id, name and data of each event."""
    some = b""
    async for line in answer.content:
        some += line
        if line == b"\n":
            parts = dict(one.split(": ", 1) for one in some.decode().splitlines() if ": " in one)
            some = b""
            if "data" in parts:
                yield parts.get("id", ""), parts["event"], json.loads(parts["data"])


async def following(
    clock: FakeClock, told: AsyncIterator[tuple[str, str, dict[str, Any]]], name: str, step_s: float = 0.25
):
    """Return the next event of a name while time passes."""

    async def found():
        async for one in told:
            if one[1] == name:
                return one
        raise AssertionError(f"the stream ended before {name}")

    waiting = asyncio.ensure_future(found())
    while not waiting.done():
        await clock.advance(step_s)
        await asyncio.sleep(0.001)
    return await waiting


async def test_only_cells_that_changed_are_told(tmp_path: Path):
    clock = FakeClock(block(1).timestamp_s + 60)
    async with opened(tmp_path, clock=clock) as (scene, http), http.get("/at-risk/live?limit=1000") as answer:
        assert answer.content_type == "text/event-stream"
        told = events(answer)
        tag, name, whole = await anext(told)
        assert (name, whole["before"], len(whole["order"])) == ("rows", None, ROWS)
        assert all(len(cells) == 12 for cells in whole["cells"].values())
        changed = evaluation("0.9", of=position(3, HOSTILE), blockers=("another",), distance_bps=740)
        await kept(scene.store, [hostile(1, "x"), changed], at=1)
        now, _, said = await following(clock, told, "rows")
        assert said["before"] == tag != now == said["tag"]
        assert len(said["cells"]) <= 2
        assert sum(map(len, said["cells"].values())) < 12
        assert "order" not in said


async def test_who_comes_back_is_told_what_is_missing_and_not_the_whole(tmp_path: Path):
    clock = FakeClock(block(1).timestamp_s + 60)
    async with opened(tmp_path, clock=clock) as (scene, http):
        async with http.get("/at-risk/live") as answer:
            tag, _, _ = await anext(events(answer))
        async with http.get(f"/at-risk/live?have={tag}") as answer:
            assert (await anext(events(answer)))[1] == "beat"
        await kept(scene.store, [hostile(1, "x")], at=1)
        await clock.advance(2)
        async with http.get("/at-risk/live", headers={"Last-Event-ID": tag}) as answer:
            _, _, said = await anext(events(answer))
            assert (said["before"], len(said["cells"])) == (tag, 1)
        async with http.get("/at-risk/live?have=of-another-time") as answer:
            _, _, said = await anext(events(answer))
            assert (said["before"], len(said["cells"])) == (None, ROWS)


async def test_a_beat_says_until_when_the_list_was_right(tmp_path: Path):
    clock = FakeClock(block(1).timestamp_s + 60)
    async with opened(tmp_path, clock=clock) as (scene, http), http.get("/at-risk/live") as answer:
        told = events(answer)
        await following(clock, told, "beat")
        _, _, said = await following(clock, told, "beat")
        assert said["right"] == said["now"] == clock.wall_s()
        right = clock.wall_s()
        with closing(sqlite3.connect(tmp_path / "hfm.db")) as books:
            books.execute("ALTER TABLE positions RENAME TO elsewhere")
        scene.store.commits += 1
        for _ in range(3):
            _, _, said = await following(clock, told, "beat")
        assert said["now"] >= right + 2 * BEAT_S
        assert said["right"] <= right + 1


async def test_a_stream_ends_with_its_session_and_after_ten_minutes(tmp_path: Path):
    clock = FakeClock(block(1).timestamp_s + 60)
    async with opened(tmp_path, KEYS, clock) as (_, http):
        async with http.post("/login", data={"key": READ, "next": "/"}) as answer:
            assert answer.status == 200
        async with http.get("/at-risk/live") as answer:
            await following(clock, events(answer), "again", 10)
            assert clock.monotonic_ms() >= LIFE_MS
        async with http.get("/at-risk/live") as answer:
            started_ms, told = clock.monotonic_ms(), events(answer)
            await anext(told)
            await (await http.post("/logout", allow_redirects=False)).release()
            await following(clock, told, "again")
            assert clock.monotonic_ms() - started_ms < 4 * BEAT_MS
        async with http.get("/at-risk/live") as answer:
            assert answer.status == 401


async def test_many_who_look_cost_one_computation(tmp_path: Path):
    clock = FakeClock(block(1).timestamp_s + 60)
    async with opened(tmp_path, clock=clock) as (scene, http):
        asked = 0
        plain = scene.store.views.at_risk

        async def counted(*args: Any, **options: Any) -> Any:
            nonlocal asked
            asked += 1
            return await plain(*args, **options)

        object.__setattr__(scene.store.views, "at_risk", counted)
        answers = [await http.get("/at-risk/live") for _ in range(40)]
        streams = [events(one) for one in answers]
        for stream in streams:
            await anext(stream)
        assert asked == 1
        await kept(scene.store, [hostile(1, "x")], at=1)
        said = [await following(clock, one, "rows") for one in streams]
        assert asked == 2
        assert len({one[0] for one in said}) == 1
        for listener in answers:
            listener.close()


async def test_what_is_slow_to_read_is_read_once_a_minute_for_all():
    clock, read = FakeClock(), 0
    remembered = Remembered(clock)

    def reading() -> int:
        nonlocal read
        read += 1
        return read

    assert await asyncio.gather(*(remembered.of("days", reading) for _ in range(5))) == [1] * 5
    assert await remembered.of("others", reading) == 2
    await clock.advance(KEPT_MS / 1000 - 1)
    assert await remembered.of("days", reading) == 1
    await clock.advance(1)
    assert await remembered.of("days", reading) == 3
