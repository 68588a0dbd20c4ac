"""The clockwork: when things happen. APScheduler lives here only, and here is the job boundary."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC

from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from monitor import log
from monitor.clock import Clock

Job = Callable[[], Awaitable[None]]
FIRST_RETRY_S = 1
LONGEST_RETRY_S = 30


@dataclass(slots=True)
class JobRecord:
    """How a job has fared: whole runs, failures in a row, and when the last whole run ended."""

    runs: int = 0
    failures: int = 0
    failed_in_row: int = 0
    last_ok_s: int | None = None
    last_error: str = ""


@dataclass(slots=True)
class Schedule:
    """Jobs at intervals and jobs that follow something; a job that fails is logged, counted and tried again."""

    clock: Clock
    records: dict[str, JobRecord] = field(default_factory=dict)
    _every: list[tuple[str, int, Job]] = field(default_factory=list)
    _following: list[tuple[str, Job]] = field(default_factory=list)

    def every(self, seconds: int, name: str, job: Job) -> None:
        """Run a job at an interval; a late run happens late, overlapping ones do not happen."""
        self.records[name] = JobRecord()
        self._every.append((name, seconds, job))

    def follow(self, name: str, job: Job) -> None:
        """Run a job again as soon as it ends; it waits by itself for whatever it follows."""
        self.records[name] = JobRecord()
        self._following.append((name, job))

    async def run(self, stop: asyncio.Event) -> None:
        """Run everything until `stop` is set, then let running jobs end within the grace their caller allows."""
        scheduler = AsyncIOScheduler(
            executors={"default": AsyncIOExecutor()},
            timezone=UTC,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        async with asyncio.TaskGroup() as group:
            followers = [group.create_task(self._follow(name, job, stop), name=name) for name, job in self._following]
            for name, seconds, job in self._every:
                scheduler.add_job(self._timed, "interval", seconds=seconds, args=(name, job), id=name)
            scheduler.start()
            await stop.wait()
            scheduler.shutdown(wait=False)
            for task in followers:
                task.cancel()

    async def _follow(self, name: str, job: Job, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if not await self._once(name, job):
                retry_s = min(FIRST_RETRY_S << min(self.records[name].failed_in_row, 8), LONGEST_RETRY_S)
                await self.clock.sleep(retry_s)

    async def _timed(self, name: str, job: Job) -> None:
        """Run a job of the clock; one that is cut off by the stop has ended, and is no failure to be told."""
        with suppress(asyncio.CancelledError):
            await self._once(name, job)

    async def _once(self, name: str, job: Job) -> bool:
        record = self.records[name]
        try:
            await job()
        except Exception as e:  # noqa: BLE001  # the job boundary: one job's failure must not stop the others
            record.failures += 1
            record.failed_in_row += 1
            record.last_error = log.redact(f"{type(e).__name__}: {e}")
            log.get("schedule").error("job failed", job=name, failed_in_row=record.failed_in_row, exc_info=e)
            return False
        record.runs += 1
        record.failed_in_row = 0
        record.last_ok_s = self.clock.wall_s()
        return True
