"""Two services on one store by mistake: the second stands by and takes over, and nobody misses an alert."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from tests.architecture.tree import ROOT
from tests.crash.lease_child import LOST
from tests.crash.test_kill import Arena, arena, check_none_lost, repeats

LAST = 150
LAPSE_S = 3


async def service(world: Arena) -> Process:
    """Start one and return it when it stands by."""
    parts = (world.folder, world.api.url, world.mail.port, world.hooks.url, LAST, LAPSE_S)
    with (world.folder / "log.txt").open("a") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.crash.lease_child", *map(str, parts)), cwd=ROOT, stdout=PIPE, stderr=log
        )
    assert await said(process) == "stands by"
    return process


async def said(process: Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()


async def blocks(world: Arena, more: int) -> None:
    """Wait until so many further blocks are stored."""
    query = "SELECT coalesce(max(number), 0) FROM cursors"
    enough = min(world._count(query) + more, LAST)
    async with asyncio.timeout(60):
        while world._count(query) < enough:  # noqa: ASYNC110  # it lies in a database
            await asyncio.sleep(0.05)


async def test_the_second_of_two_services_stands_by_takes_over_and_no_alert_is_missed(tmp_path: Path):
    async with arena(tmp_path) as world:
        first = await service(world)
        assert await said(first) == "works"
        second = await service(world)
        await blocks(world, 15)
        world.life += 1
        first.kill()
        assert await said(second) == "works"
        third = await service(world)
        await blocks(world, 15)
        second.send_signal(signal.SIGUSR1)
        world.life += 1
        assert await said(third) == "works"
        assert "another hfm took over this store" in await said(second)
        assert await asyncio.wait_for(second.wait(), 30) == LOST
        assert await asyncio.wait_for(third.wait(), 60) == 0
        await first.wait()
        check_none_lost(world)
    repeated = len(repeats(world))
    print(f"{len(world.told)} messages, 0 missed, {repeated} repeated")
    assert repeated <= 2 + 2
