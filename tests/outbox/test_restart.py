"""What a restart says: nothing about what it knew, one message about what became true meanwhile."""

from dataclasses import replace
from pathlib import Path

from monitor.domain.alerts import AlertKind, Notice
from monitor.rules.judge import judge
from monitor.store import Store
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import evaluation, position
from tests.outbox.scene import FakeChannel, deliver, opened, step, to
from tests.rules.scene import LEVELS


async def see(store: Store, health: str, at: int, clock: FakeClock) -> None:
    """Do what a cycle does with one evaluation."""
    seen = evaluation(health, at=at)
    past = await store.states([position()])
    judgement = judge(past.get(position()), seen, LEVELS, clock.wall_s())
    notices = [Notice(a, (to("1"),)) for a in judgement.alerts]
    await store.commit(replace(step(*notices, at=at), evaluations=[seen], states=[judgement.state]))


async def test_a_restart_repeats_nothing_and_misses_nothing(tmp_path: Path):
    clock = FakeClock(runs=True)
    channel = FakeChannel(clock)
    for health, at, kinds in (
        ("1.2", 1, [AlertKind.WORSENED]),
        ("1.2", 2, []),
        ("1.19", 3, []),
        ("0.9", 400, [AlertKind.WORSENED]),
        ("0.9", 401, []),
        ("?no answer", 402, []),
        ("3", 403, []),
    ):
        async with opened(tmp_path, clock) as store:
            before = len(await store.views.alerts())
            await see(store, health, at, clock)
            said = (await store.views.alerts())[before:]
            assert [a.alert.kind for a in said] == kinds
            await deliver(store, [channel], clock)
    assert len(channel.taken) == 2
    assert len({m.incident for _, _, m in channel.taken}) == 1
