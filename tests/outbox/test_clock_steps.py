"""Jumps of the clock: every deadline of a message is kept or falls early, and none is put off."""

from pathlib import Path

import pytest

from monitor.domain.alerts import Alert, AlertKind, Level
from monitor.errors import DeliveryDeferred
from monitor.outbox.lanes import lane
from tests.fakes.clock import FakeClock
from tests.outbox.scene import FakeChannel, alert, deliver, dispatcher, opened, told
from tests.outbox.test_restart import see
from tests.outbox.virtual import Virtual

HOUR_S, DAY_S = 3600, 86_400
STEP_S = 600
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


def in_a_life(jump_s: int, place: str) -> list[tuple[float, str | None, float]]:
    """Return what is seen when, and at which moment the wall clock jumps."""
    seen = [(0.0, "3"), (60.0, "1.04"), *((60.0 + n * STEP_S, "1.04") for n in range(1, 16)), (9720.0, "0.9")]
    seen += [(9720.0 + n * 300, "0.9") for n in range(1, 8)]
    moment = {"before": 30.0, "while it gathers": 60.3, "while it waits to be tried again": 61.2, "later": 1900.0}[
        place
    ]
    moves: list[tuple[float, str | None, float]] = [(at, health, 0) for at, health in seen]
    return sorted([*moves, (moment, None, jump_s)], key=lambda one: one[0])


async def lived(folder: Path, jump_s: int, place: str) -> list[tuple[float, Alert]]:
    """Return every alert that arrived and when, in the time of a clock that does not jump."""
    folder.mkdir()  # noqa: ASYNC240  # of a test
    clock = FakeClock()
    telegram = FakeChannel(clock, gathers=True)
    telegram.failures.append(DeliveryDeferred("busy"))
    async with opened(folder, clock) as store:
        time = Virtual(store, clock)
        own = dispatcher(store, [telegram], clock)
        async with time.running(own):
            for block, (at_s, health, by_s) in enumerate(in_a_life(jump_s, place), 1):
                await time.sleep(at_s - clock.monotonic_ms() / 1000)
                clock.jump_wall(int(by_s))
                if health is not None:
                    await see(store, health, block, clock)
                    own.wake()
            await time.sleep(60)
        known = {(one.alert.incident, one.alert.seq): one.alert for one in await store.views.alerts()}
    said = {m.subject.split("]")[0] for _, _, m in telegram.taken}
    assert said <= {"[CRITICAL", "[STILL CRITICAL", "[LIQUIDATABLE", "[STILL LIQUIDATABLE"}
    in_order = sorted(known.values(), key=lambda one: one.seq)
    assert len(telegram.taken) == len(in_order), "each alert arrives once"
    return [(at_ms / 1000, one) for (at_ms, _, _), one in zip(telegram.taken, in_order, strict=True)]


@pytest.mark.parametrize("place", ["before", "while it gathers", "while it waits to be tried again", "later"])
async def test_no_jump_of_the_clock_loses_or_delays_what_is_urgent(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
):
    """An hour and a day either way, a leap second, and a night's suspension, in which monotonic time stands still."""
    monkeypatch.setattr(lane, "POLL_S", DAY_S)
    usual = await lived(tmp_path / "usual", 0, place)
    usual_worse = [(at, one.level) for at, one in usual if one.kind is AlertKind.WORSENED]
    assert [level for _, level in usual_worse] == [Level.CRITICAL, Level.LIQUIDATABLE]
    for jump_s in (*JUMPS_S, 8 * HOUR_S):
        jumped_s = next(at for at, health, _ in in_a_life(jump_s, place) if health is None)
        found = await lived(tmp_path / str(jump_s), jump_s, place)
        worse = [(at, one.level) for at, one in found if one.kind is AlertKind.WORSENED]
        assert [level for _, level in worse] == [Level.CRITICAL, Level.LIQUIDATABLE], "nothing urgent is missed"
        late_s = [at - as_usual for (at, _), (as_usual, _) in zip(worse, usual_worse, strict=True)]
        assert max(late_s) <= 1, "nor delayed by more than a retry's own wait"
        assert len(found) <= len(usual) + 1, "one repeat too many at most"
        repeats = [at for at, one in found if one.kind is AlertKind.REPEATED and at > jumped_s]
        assert repeats[0] - max(jumped_s, 60) <= HOUR_S + 2 * STEP_S, "no repeat is put off for longer than usual"
