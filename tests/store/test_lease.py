"""One service works on a store at a time; the next one takes over when the first is gone, whatever their clocks say."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from monitor.errors import ConfigError, LeaseLost, StoreError
from monitor.store import Store
from monitor.store.upkeep.lease import LAPSE_S, RENEW_S, Lease, Worker
from tests.fakes.clock import FakeClock
from tests.outbox.scene import opened, step

FAR = Worker("far", "another-boot/pid:[1]/ns/1/1")


def lease_of(store: Store, clock: FakeClock, me: Worker) -> Lease:
    return Lease(store._database, clock, me)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0.002)


async def after(clock: FakeClock, seconds: int) -> None:
    """Let time go by in steps, and everyone do what falls due."""
    for _ in range(seconds):
        await settle()
        await clock.advance(1)
    await settle()


@asynccontextmanager
async def waiting(lease: Lease):
    """Try to hold a lease in the background; gives an event that says it is held."""
    held, stop = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with lease.held(stop) as is_mine:
            if is_mine:
                held.set()
                await stop.wait()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(hold())
        yield held
        stop.set()
        task.cancel()


async def test_the_second_stands_by_as_long_as_the_first_shows_that_it_lives(tmp_path: Path):
    mine, theirs = FakeClock(), FakeClock(wall_s=1_000_000_000)
    async with opened(tmp_path, mine) as store, waiting(lease_of(store, mine, FAR)) as first:
        await settle()
        assert first.is_set()
        async with waiting(lease_of(store, theirs, Worker("near", ""))) as second:
            for _ in range(3 * LAPSE_S // RENEW_S):
                await after(mine, RENEW_S)
                await after(theirs, RENEW_S)
                mine.jump_wall(-86_400)
                theirs.jump_wall(86_400)
            assert not second.is_set()


async def test_the_second_takes_over_from_a_silent_first_which_writes_no_more_and_ends(tmp_path: Path):
    mine, theirs, work = FakeClock(), FakeClock(), list[str]()

    async def first(store: Store, other: Store) -> None:
        async with lease_of(store, mine, FAR).held(asyncio.Event()) as is_mine:
            assert is_mine
            await store.commit(step(at=1))
            async with waiting(lease_of(other, theirs, Worker("near", ""))) as second:
                await after(theirs, LAPSE_S - 1)
                assert not second.is_set()
                await after(theirs, 2)
                assert second.is_set()
                work.append("taken over")
                with pytest.raises(LeaseLost):
                    await store.commit(step(at=2))
                await other.commit(step(at=3))
                work.append("fenced")
                await after(mine, RENEW_S)
                await asyncio.sleep(5)
                work.append("went on")

    async with opened(tmp_path, mine) as store, opened(tmp_path, theirs) as other:
        with pytest.raises(LeaseLost, match="another hfm took over"):
            await first(store, other)
    assert work == ["taken over", "fenced"]


async def test_a_stop_hands_over_at_once(tmp_path: Path):
    clock = FakeClock()
    async with opened(tmp_path, clock) as store:
        async with waiting(lease_of(store, clock, FAR)) as first:
            await settle()
            assert first.is_set()
        async with waiting(lease_of(store, clock, Worker("near", ""))) as second:
            await settle()
            assert second.is_set()


async def test_of_a_process_that_ended_on_this_machine_nobody_waits_for_a_sign(tmp_path: Path):
    here = Worker.this()
    boot, mark, _ = here.place.rpartition("/ns/")
    gone = Worker("gone", f"{boot}{mark}{2**22 - 1}/1")
    assert gone.is_gone
    assert not here.is_gone
    assert not FAR.is_gone
    clock = FakeClock()
    async with opened(tmp_path, clock) as store, waiting(lease_of(store, clock, gone)) as first:
        await settle()
        assert first.is_set()
        async with waiting(lease_of(store, clock, Worker("near", ""))) as second:
            await settle()
            assert second.is_set()


async def test_one_that_stands_by_can_be_stopped(tmp_path: Path):
    clock, stop = FakeClock(runs=True), asyncio.Event()
    async with opened(tmp_path, clock) as store, waiting(lease_of(store, FakeClock(), FAR)) as first:
        await settle()
        assert first.is_set()
        stop.set()
        async with lease_of(store, clock, Worker("near", "")).held(stop) as is_mine:
            assert not is_mine


async def test_what_fails_inside_is_not_dressed_up(tmp_path: Path):
    async with opened(tmp_path) as store:
        with pytest.raises(ConfigError, match="as it was"):
            async with store.lease().held(asyncio.Event()):
                raise ConfigError("as it was")


async def test_a_loss_that_work_finds_deep_inside_is_told_as_the_loss(tmp_path: Path):
    async def fails(error: Exception) -> None:
        raise error

    async def work(store: Store) -> None:
        async with store.lease().held(asyncio.Event()), asyncio.TaskGroup() as group:
            group.create_task(fails(StoreError("closed meanwhile")))
            async with asyncio.TaskGroup() as deeper:
                deeper.create_task(fails(LeaseLost("another hfm took over")))

    async with opened(tmp_path) as store:
        with pytest.raises(LeaseLost, match="took over"):
            await work(store)
