"""The figures the store is built for, on this machine's disk: a crash is 10,000 transitions in a second."""

import time
from dataclasses import replace
from pathlib import Path

from monitor.domain.alerts import Level, Notice
from monitor.rules.state import PositionState
from tests.fakes.evaluations import evaluation, position
from tests.outbox.scene import alert, opened, step, to


async def test_ten_thousand_transitions_are_durable_within_three_seconds(tmp_path: Path):
    numbers = range(1, 10_001)
    crash = replace(
        step(*(Notice(alert(of=position(n)), (to(str(n)),)) for n in numbers)),
        states=[PositionState(position(n), Level.CRITICAL) for n in numbers],
    )
    async with opened(tmp_path) as store:
        started, worked = time.perf_counter(), time.process_time()
        await store.commit(crash)
        took_s, worked_s = time.perf_counter() - started, time.process_time() - worked
    async with opened(tmp_path) as store:
        assert (await store.views.outbox_status()).pending == 10_000
        assert len(await store.states([position(n) for n in numbers])) == 10_000
    print(f"10,000 transitions with one message each: {took_s:.2f} s, {worked_s:.2f} s of them work")
    # What others do on this machine is no property of the store.
    assert worked_s <= 3


async def test_small_steps_commit_often_enough(tmp_path: Path):
    steps = [
        replace(step(Notice(alert(of=position(n)), (to(str(n)),))), states=[PositionState(position(n), Level.CRITICAL)])
        for n in range(1, 401)
    ]
    async with opened(tmp_path) as store:
        started = time.perf_counter()
        for one in steps:
            await store.commit(one)
        per_s = len(steps) / (time.perf_counter() - started)
    print(f"{per_s:.0f} steps/s, each one transaction on disk")
    assert per_s >= 50


async def test_the_first_page_of_many_positions_is_quick(tmp_path: Path):
    async with opened(tmp_path) as store:
        await store.commit(replace(step(), evaluations=[evaluation("1.04", of=position(n)) for n in range(20_000)]))
        started = time.perf_counter()
        page = await store.views.at_risk(wanted=_everything(), limit=100)
        took_ms = (time.perf_counter() - started) * 1000
    print(f"first 100 of 20,000: {took_ms:.1f} ms")
    assert len(page.items) == 100
    assert took_ms <= 200


def _everything():
    from monitor.store import AtRisk

    return AtRisk(health_below_wad=2 * 10**18)
