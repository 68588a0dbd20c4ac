"""How many requests are sent, and in which order, when there are more than a server takes."""

import asyncio
import random

import pytest

from monitor.errors import UsageError
from monitor.sources.http.budget import MINUTE_MS, Budget
from tests.fakes.clock import FakeClock


async def test_a_second_s_worth_goes_at_once_and_the_rest_at_the_rate():
    clock = FakeClock(runs=True)
    budget = Budget(clock, 5)
    sent_ms = []
    for _ in range(15):
        await budget.take(1)
        sent_ms.append(clock.monotonic_ms())
    assert sent_ms[:5] == [0] * 5
    assert sent_ms[14] == 2_000


async def test_a_batch_counts_as_many_as_it_holds_and_one_larger_than_the_cap_is_refused():
    clock = FakeClock(runs=True)
    budget = Budget(clock, 10)
    await budget.take(7)
    await budget.take(7)
    assert clock.monotonic_ms() == 1_000
    with pytest.raises(UsageError, match="cut the batch"):
        await budget.take(11)


async def test_in_no_second_wherever_it_begins_more_is_sent_than_the_cap():
    clock, dice, rate = FakeClock(runs=True), random.Random(5), 20
    budget, sent = Budget(clock, rate), list[tuple[int, int]]()

    async def work() -> None:
        for _ in range(60):
            await clock.sleep(dice.choice([0, 0, 0.05, 0.3]))
            requests = dice.randint(1, rate)
            await budget.take(requests, dice.randint(0, 1))
            sent.append((clock.monotonic_ms(), requests))

    async with asyncio.TaskGroup() as group:
        for _ in range(10):
            group.create_task(work())
    assert max(sum(n for at, n in sent if start <= at < start + 1_000) for start, _ in sent) <= rate
    assert len(sent) == 600
    asked = sum(n for _, n in sent)
    assert clock.monotonic_ms() <= 2 * 1_000 * asked / rate


@pytest.mark.parametrize("rate", [1, 7, 25])
async def test_what_is_said_to_be_left_can_be_sent_in_that_time_and_not_one_more(rate: int):
    dice = random.Random(rate)
    for within_ms in (0, 1, 400, 999, 1_000, 1_700, 12_000):
        clock = FakeClock()
        budget = Budget(clock, rate)
        for _ in range(6):
            await clock.advance(dice.choice([0.1, 0.35, 0.8]))
            if n := min(budget.left() or 0, dice.randint(0, rate)):
                await budget.take(n)
        budget.pause(dice.choice([0, 0, 300]))
        left, sent = budget.left(within_ms), list[int]()
        started_ms, paused_ms = clock.monotonic_ms(), budget.pause_ms
        assert left is not None

        async def drain(budget: Budget = budget, sent: list[int] = sent, clock: FakeClock = clock) -> None:
            while True:
                await budget.take(1)
                sent.append(clock.monotonic_ms())

        await clock.advance(min(paused_ms, within_ms + 1) / 1000)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(drain())
            for _ in range(100):
                await asyncio.sleep(0)
            for _ in range(within_ms - min(paused_ms, within_ms) + 1):
                await clock.advance(0.001)
            task.cancel()
        assert sum(at <= started_ms + within_ms for at in sent) == (left if paused_ms <= within_ms else 0)


async def test_those_that_wait_already_are_no_longer_left():
    clock = FakeClock()
    budget = Budget(clock, 5)
    await budget.take(5)
    async with asyncio.TaskGroup() as group:
        group.create_task(budget.take(3))
        await asyncio.sleep(0)
        assert budget.left(1_000) == 2
        assert budget.left() == 0
        await clock.advance(1)
    assert budget.left() == 2


def test_without_a_cap_there_is_no_number_left():
    assert Budget(FakeClock()).left(1_000) is None


async def test_the_urgent_overtake_the_routine_that_wait():
    clock = FakeClock()
    budget = Budget(clock, 1)
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
    budget = Budget(clock, 1)
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


async def test_weights_of_a_minute_are_kept_in_every_minute_and_a_share_of_it_can_go_in_every_part():
    clock, dice = FakeClock(runs=True), random.Random(8)
    budget, sent = Budget(clock, 1_200, MINUTE_MS), list[tuple[int, int]]()
    while clock.monotonic_ms() < 5 * MINUTE_MS:
        weight = dice.choice([2, 20, 60])
        await budget.take(weight)
        sent.append((clock.monotonic_ms(), weight))
    assert max(sum(w for at, w in sent if start <= at < start + MINUTE_MS) for start, _ in sent) <= 1_200
    assert sum(w for _, w in sent) >= 4 * 1_200
    assert budget.share(5_000) == 100
    assert Budget(clock).share(5_000) is None
