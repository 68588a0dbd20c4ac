"""How many requests are sent, and in which order, when there are more than a server takes."""

import asyncio

from monitor.sources.http.budget import Budget
from tests.fakes.clock import FakeClock


async def test_a_second_s_worth_goes_at_once_and_the_rest_at_the_rate():
    clock = FakeClock(runs=True)
    budget = Budget(clock, requests_per_s=5)
    sent_ms = []
    for _ in range(15):
        await budget.take(1)
        sent_ms.append(clock.monotonic_ms())
    assert sent_ms[:5] == [0] * 5
    assert sent_ms[14] == 2_000


async def test_a_batch_counts_as_many_as_it_holds_even_when_it_is_larger_than_the_bucket():
    clock = FakeClock(runs=True)
    budget = Budget(clock, requests_per_s=10)
    await budget.take(30)
    await budget.take(1)
    assert clock.monotonic_ms() == 2_100


async def test_the_urgent_overtake_the_routine_that_wait():
    clock = FakeClock()
    budget = Budget(clock, requests_per_s=1)
    await budget.take(1)
    order: list[str] = []

    async def send(name: str, urgency: int) -> None:
        await budget.take(1, urgency)
        order.append(name)

    async with asyncio.TaskGroup() as group:
        for name, urgency in (("r1", 1), ("r2", 1), ("u1", 0), ("u2", 0)):
            group.create_task(send(name, urgency))
        await asyncio.sleep(0)
        for _ in range(60):
            await clock.advance(0.1)
    assert order == ["u1", "u2", "r1", "r2"]


async def test_one_who_gives_up_waiting_holds_nobody_up():
    clock = FakeClock()
    budget = Budget(clock, requests_per_s=1)
    await budget.take(1)
    impatient = asyncio.ensure_future(budget.take(1))  # cancelled below, as a deadline does
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    async with asyncio.TaskGroup() as group:
        patient = group.create_task(budget.take(1))
        await asyncio.sleep(0)
        await clock.advance(1)
    assert patient.done()


async def test_a_pause_is_never_shortened_by_a_later_one():
    clock = FakeClock()
    budget = Budget(clock)
    budget.pause(60_000)
    budget.pause(1_000)
    assert budget.pause_ms == 60_000
    await clock.advance(60)
    assert budget.pause_ms == 0
