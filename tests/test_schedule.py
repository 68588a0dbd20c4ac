"""Jobs that fail are counted and tried again; jobs never overlap; stopping stops."""

import asyncio
import itertools

from monitor.schedule import Schedule
from tests.fakes.clock import FakeClock


async def run_until(schedule, stop, condition):
    async with asyncio.TaskGroup() as group:
        group.create_task(schedule.run(stop))
        for _ in range(2000):
            await asyncio.sleep(0.001)
            if condition():
                break
        stop.set()
    assert condition()


async def test_a_following_job_runs_again_as_soon_as_it_ends():
    schedule, stop, runs = Schedule(FakeClock(runs=True)), asyncio.Event(), []

    async def job():
        runs.append(1)
        await asyncio.sleep(0)

    schedule.follow("heads", job)
    await run_until(schedule, stop, lambda: len(runs) >= 5)
    assert schedule.records["heads"].runs >= 4


async def test_a_failing_job_is_counted_and_tried_again_later_each_time():
    clock, stop, times = FakeClock(runs=True), asyncio.Event(), []
    schedule = Schedule(clock)

    async def job():
        times.append(clock.monotonic_ms())
        raise OSError("the disk at https://user:secret@node.example/key is gone")

    schedule.follow("heads", job)
    await run_until(schedule, stop, lambda: len(times) >= 7)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times[:7])]
    assert gaps == [2000, 4000, 8000, 16000, 30000, 30000]
    assert schedule.records["heads"].failures >= 7
    assert "secret" not in schedule.records["heads"].last_error


async def test_a_job_at_an_interval_does_not_overlap_itself():
    schedule, stop, running, most = Schedule(FakeClock()), asyncio.Event(), [0], [0]

    async def job():
        running[0] += 1
        most[0] = max(most[0], running[0])
        await asyncio.sleep(0.05)
        running[0] -= 1

    schedule.every(1, "digest", job)
    await run_until(schedule, stop, lambda: schedule.records["digest"].runs >= 1)
    assert most[0] == 1
