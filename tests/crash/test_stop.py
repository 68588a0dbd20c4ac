"""Stopped as an operator stops it, with messages under way, the service ends in time, loses none and repeats none."""

import asyncio
import random
import signal
import sys
import time
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.channels.bot_api_stub import Fault
from tests.crash.test_kill import Arena, arena, check_none_lost, repeats

LONGEST_S = 10


async def stopped(world: Arena, after_s: float) -> float:
    """Run the service for so long, stop it, and return how long its end took."""
    parts = (world.folder, world.api.url, world.mail.port, world.hooks.url)
    world.life += 1
    with (world.folder / "log.txt").open("a") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.crash.stop_child", *map(str, parts)), cwd=ROOT, stdout=PIPE, stderr=log
        )
    assert process.stdout is not None
    assert (await asyncio.wait_for(process.stdout.readline(), 60)).strip() == b"works"
    await asyncio.sleep(after_s)
    world.in_flight.append(world._count("SELECT count(*) FROM outbox WHERE state = 'pending'"))
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 30) == 0, (world.folder / "log.txt").read_text()[-3000:]
    took_s = time.monotonic() - started
    assert (await process.stdout.read()).strip() == b"stopped"
    return took_s


@pytest.mark.parametrize("rounds", [3, pytest.param(60, marks=pytest.mark.long)])
async def test_a_stop_with_messages_under_way_ends_in_time_and_neither_loses_nor_repeats_one(
    tmp_path: Path, rounds: int
):
    chance, took_s = random.Random(13), list[float]()
    async with arena(tmp_path) as world:
        for turn in range(rounds):
            slow = Fault(waits=True, delay_s=0.4)
            never = Fault(hangs=True)
            world.api.faults.extend([never] if turn % 3 == 2 else [slow] * 200)
            took_s.append(await stopped(world, chance.uniform(0.8, 1.6)))
            world.api.faults.clear()
        assert await world.one_life(goes_on=False) == 0
        check_none_lost(world)
        again = len(repeats(world))
    print(f"{rounds} stops, {world.in_flight} owed, at most {max(took_s):.1f} s, 0 lost, {again} repeated")
    assert max(took_s) <= LONGEST_S
    assert min(world.in_flight) >= 1
    assert again == 0
