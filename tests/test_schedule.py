"""Jobs that fail are counted and tried again; jobs never overlap; stopping stops."""

import asyncio
import itertools

from structlog.testing import capture_logs

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


async def test_a_record_counts_each_run_and_each_failure_once_and_a_whole_run_ends_a_row_of_them():
    clock, stop, ran = FakeClock(runs=True), asyncio.Event(), []
    schedule, done = Schedule(clock), asyncio.Event()

    async def job():
        ran.append(clock.monotonic_ms())
        if len(ran) <= 2:
            raise OSError("not yet")
        if len(ran) == 5:
            done.set()
            await asyncio.Event().wait()

    schedule.follow("heads", job)
    record = schedule.records["heads"]
    assert (record.runs, record.failures, record.failed_in_row, record.last_ok_s) == (0, 0, 0, None)
    with capture_logs() as said:
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            group.create_task(schedule.run(stop))
            await done.wait()
            assert (record.runs, record.failures, record.failed_in_row) == (2, 2, 0)
            assert record.last_ok_s == clock.wall_s()
            stop.set()
    assert [one["failed_in_row"] for one in said if one["event"] == "job failed"] == [1, 2]
    assert ran[2:] == [ran[2]] * 3, "what went well is done again without a pause"


async def test_nothing_runs_after_the_end():
    schedule, stop, ran = Schedule(FakeClock()), asyncio.Event(), []

    async def job():
        ran.append(1)

    schedule.every(1, "digest", job)
    await run_until(schedule, stop, lambda: bool(ran))
    count = len(ran)
    await asyncio.sleep(1.3)
    assert len(ran) == count
