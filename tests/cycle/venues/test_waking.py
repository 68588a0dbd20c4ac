"""What a venue pushes wakes the loop: whoever is named is read in the next turn, and nothing is believed without it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from monitor.cycle.venues.holdings import Owned
from monitor.cycle.venues.waking import Waking
from monitor.domain.ids import Address, address
from monitor.errors import ConfigError, EndpointError, ReadError, UnexpectedAnswer
from monitor.protocols.dydx_v4.adapter import DydxV4
from monitor.sources.http.stream import Stream, StreamSpec
from tests.cycle.venues.dydx import DEPLOYMENT, Followed, following
from tests.fakes.clock import FakeClock
from tests.venues.pushing import Pushing, pushing, until


@asynccontextmanager
async def listening(folder: Path) -> AsyncIterator[tuple[Followed, Pushing, Waking]]:
    """The loop after a first turn, and what listens for it."""
    async with following(folder) as followed, pushing() as venue, aiohttp.ClientSession() as session:
        await followed.loop.once()
        stream = Stream(StreamSpec("dydx-v4/stream", venue.url, allow_private=True), FakeClock(0), session)
        yield followed, venue, Waking(followed.loop, DEPLOYMENT.name, DydxV4(), stream)


def owned(followed: Followed) -> dict[Address, Owned]:
    return {one.owner: one for one in followed.loop.desks[DEPLOYMENT.name].everyone}


def change_of(owner: str, number: int = 0) -> str:
    told = {"type": "channel_data", "channel": "v4_subaccounts", "id": f"{owner}/{number}", "contents": {}}
    return json.dumps(told)


async def test_whoever_a_message_names_is_read_in_the_next_turn(tmp_path: Path):
    async with listening(tmp_path) as (followed, venue, waking):
        task = asyncio.create_task(waking.once())
        await until(lambda: len(venue.said) == len(followed.owners))
        assert {one["id"] for one in venue.said} == {f"{owner}/0" for owner in followed.owners}
        assert {(one["type"], one["channel"]) for one in venue.said} == {("subscribe", "v4_subaccounts")}
        named, owners = address(followed.owners[4]), owned(followed)
        assert all(one.tried_ms is not None for one in owners.values())
        await venue.push(change_of(followed.owners[4]))
        await until(lambda: owners[named].tried_ms is None)
        assert [owner for owner, one in owners.items() if one.tried_ms is None] == [named]
        await followed.loop.once()
        assert owned(followed)[named].tried_ms is not None
        task.cancel()


async def test_what_a_message_says_of_balances_is_not_believed(tmp_path: Path):
    async with listening(tmp_path) as (followed, venue, waking):
        task = asyncio.create_task(waking.once())
        await until(lambda: len(venue.said) == len(followed.owners))
        before = await followed.view(followed.owners[4])
        told = json.loads(change_of(followed.owners[4]))
        told["contents"] = {"assetPositions": [{"symbol": "USDC", "size": "0", "side": "LONG"}]}
        await venue.push(json.dumps(told))
        await until(lambda: owned(followed)[address(followed.owners[4])].tried_ms is None)
        await followed.loop.once()
        assert (await followed.view(followed.owners[4])).row["health_factor"] == before.row["health_factor"]
        task.cancel()


async def test_a_connection_that_breaks_is_an_error_and_the_next_one_subscribes_to_everyone_again(tmp_path: Path):
    async with listening(tmp_path) as (followed, venue, waking):
        task = asyncio.create_task(waking.once())
        await until(lambda: len(venue.said) == len(followed.owners))
        await venue.drop()
        with pytest.raises(EndpointError, match="expected a message"):
            await task
        again = asyncio.create_task(waking.once())
        await until(lambda: len(venue.said) == 2 * len(followed.owners))
        again.cancel()


@pytest.mark.parametrize(
    "text", ["<html>", "[]", '{"type": 7}', '{"type": "channel_data", "channel": "v4_subaccounts", "id": "x"}']
)
async def test_a_message_of_another_shape_ends_the_connection_with_what_was_expected(tmp_path: Path, text: str):
    async with listening(tmp_path) as (followed, venue, waking):
        task = asyncio.create_task(waking.once())
        await until(lambda: len(venue.said) == len(followed.owners))
        await venue.push(text)
        with pytest.raises(UnexpectedAnswer, match="expected"):
            await task


async def test_nobody_there_and_no_websocket_are_told_apart(tmp_path: Path):
    async with listening(tmp_path) as (_, venue, waking), aiohttp.ClientSession() as session:
        assert isinstance(waking.stream, Stream)
        closed = StreamSpec("dydx-v4/stream", venue.url, allow_private=False)
        with pytest.raises(ConfigError, match="allow_private"):
            await Stream(closed, FakeClock(0), session).talk(list, print)
        nobody = StreamSpec("dydx-v4/stream", "ws://127.0.0.1:9", allow_private=True)
        with pytest.raises(ReadError, match="expected a WebSocket"):
            await Stream(nobody, FakeClock(0), session).talk(list, print)
        for url in ("https://indexer.example/ws", "indexer.example", ""):
            with pytest.raises(ConfigError, match="expected the address of a WebSocket"):
                Stream(StreamSpec("dydx-v4/stream", url), FakeClock(0), session)
