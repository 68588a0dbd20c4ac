"""Long work in slices holds up nobody for longer than a slice, however many turns of the loop they need."""

import asyncio

from monitor.courtesy import TURNS, others_first


async def test_what_takes_a_few_turns_is_held_up_by_one_slice_at_most():
    slices = 0

    async def work() -> None:
        nonlocal slices
        while True:
            slices += 1
            await others_first()

    working = asyncio.create_task(work())
    await asyncio.sleep(0)
    for _ in range(100):
        before = slices
        for _ in range(TURNS - 1):
            await asyncio.sleep(0)
        assert slices - before <= 1
    assert slices > 50
    working.cancel()
