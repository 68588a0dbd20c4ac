"""Jumps of the clock: every deadline of a message is kept or falls early, and none is put off."""

from pathlib import Path

import pytest

from monitor.errors import DeliveryDeferred
from tests.fakes.clock import FakeClock
from tests.outbox.scene import FakeChannel, alert, deliver, opened, told

HOUR_S, DAY_S = 3600, 86_400
JUMPS_S = (HOUR_S, -HOUR_S, DAY_S, -DAY_S, 1, -1)


@pytest.mark.parametrize("jump_s", JUMPS_S)
async def test_a_retry_waits_no_longer_than_it_was_meant_to_however_the_clock_jumps(tmp_path: Path, jump_s: int):
    clock = FakeClock(runs=True)
    telegram = FakeChannel(clock)
    telegram.failures.extend([DeliveryDeferred("down")] * 7)
    async with opened(tmp_path, clock) as store:
        await store.commit(told(alert()))
        await deliver(store, [telegram], clock, lambda: len(telegram.tried) == 7)
        clock.jump_wall(jump_s)
        jumped_ms = clock.monotonic_ms()
        await deliver(store, [telegram], clock)
    assert len(telegram.taken) == 1
    assert telegram.taken[0][0] - jumped_ms <= 64_000 + 5_000


@pytest.mark.parametrize("jump_s", JUMPS_S)
async def test_a_wait_that_was_asked_for_is_kept_however_the_clock_jumps(tmp_path: Path, jump_s: int):
    clock = FakeClock(runs=True)

    class Jumping(FakeChannel):
        async def send(self, address, message) -> None:
            first = not self.tried
            try:
                await super().send(address, message)
            finally:
                if first:
                    clock.jump_wall(jump_s)

    telegram = Jumping(clock)
    telegram.failures.append(DeliveryDeferred("429", 7000))
    async with opened(tmp_path, clock) as store:
        await store.commit(told(alert()))
        await deliver(store, [telegram], clock)
    (_, _, _), (at_ms, _, _) = telegram.tried
    assert at_ms - telegram.tried[0][0] == 7000
