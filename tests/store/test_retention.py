"""What is long over goes, in small batches; what is owed, open, or the last word on somebody stays."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.domain.alerts import Alert, AlertKind, Notice
from monitor.domain.ids import PositionId
from monitor.rules.hearing.own import personal
from monitor.rules.judge import judge
from monitor.rules.state import PositionState
from monitor.store import Store
from monitor.store.people.heard import Heard
from monitor.store.upkeep.retention import BATCH
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import evaluation, position
from tests.outbox.scene import alert, opened, step, to
from tests.rules.scene import LEVELS

DAY_S = 86_400


async def kept(store: Store) -> list[Alert]:
    return [view.alert for view in await store.views.alerts(limit=100_000)]


async def count(store: Store, table: str) -> int:
    async with store._database.reading() as connection:
        found: int = (await connection.exec_driver_sql(f"SELECT count(*) FROM {table}")).scalar_one()
        return found


class Days:
    """A store and the positions in it, through days."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store, self.clock, self.block = store, clock, 0
        self.said: list[Alert] = []

    async def see(self, health: str, of: PositionId | None = None, *, heard_by: str = "1", own: str = "") -> None:
        """Judge one position anew, by the usual levels or by somebody's own, and commit what follows."""
        self.block += 1
        of = of or position()
        seen = evaluation(health, at=self.block, of=of)
        past = await (self.store.own_states(own, [of]) if own else self.store.states([of]))
        judgement = judge(past.get(of), seen, LEVELS, self.clock.wall_s())
        alerts = [personal(a, own) for a in judgement.alerts] if own else list(judgement.alerts)
        self.said += alerts
        notices = [Notice(a, (to(heard_by),)) for a in alerts]
        heard = Heard([(own, judgement.state)]) if own else Heard()
        states: list[PositionState] = [] if own else [judgement.state]
        await self.store.commit(replace(step(*notices, at=self.block), states=states, heard=heard))

    async def recover(self, of: PositionId | None = None) -> None:
        """See it well for so long that its incident closes."""
        for _ in range(8):
            await self.see("3", of)
            await self.clock.sleep(300)

    async def deliver(self) -> list[str]:
        """Record that everything owed was sent, and return the keys; no time goes by."""
        now_s = self.clock.wall_s()
        owed = (await self.store.queue.look("telegram", 1000, now_s)).due
        for message in owed:
            await self.store.queue.mark_sent((message,), now_s)
        return [message.key for message in owed]

    async def prune(self, keep_days: int) -> int:
        return await self.store.retention.prune(self.clock.wall_s() - keep_days * DAY_S)


@pytest.fixture
async def days(tmp_path: Path):
    clock = FakeClock(runs=True)
    async with opened(tmp_path, clock) as store:
        yield Days(store, clock)


async def test_a_closed_incident_goes_when_it_is_old_but_for_the_last_word_on_the_position(days: Days):
    await days.see("1.04")
    await days.recover()
    await days.clock.sleep(DAY_S)
    await days.see("1.04", position(2))
    await days.recover(position(2))
    await days.deliver()
    assert [a.kind for a in days.said] == [AlertKind.WORSENED, AlertKind.RECOVERED] * 2
    await days.clock.sleep(DAY_S // 2)
    assert await days.prune(3) == 0
    assert await days.prune(1) == 1
    assert await kept(days.store) == days.said[1:]
    assert (await count(days.store, "outbox"), await count(days.store, "deliveries")) == (3, 2)
    await days.clock.sleep(DAY_S)
    assert await days.prune(1) == 1
    assert await kept(days.store) == [days.said[1], days.said[3]]


async def test_an_incident_that_is_open_stays_whole_however_old(days: Days):
    await days.see("1.2")
    await days.see("1.04")
    await days.clock.sleep(400 * DAY_S)
    await days.deliver()
    assert await days.prune(1) == 0
    await days.recover()
    await days.deliver()
    assert await days.prune(1) == 0
    await days.clock.sleep(2 * DAY_S)
    assert await days.prune(1) == len(days.said) - 1 > 1


async def test_an_incident_of_somebodys_own_levels_stays_while_it_is_open(days: Days):
    await days.see("1.2", own="alice")
    await days.see("1.04", own="alice")
    await days.deliver()
    await days.clock.sleep(400 * DAY_S)
    assert len(days.said) == 2
    assert await days.prune(1) == 0


async def test_a_time_without_knowledge_that_goes_on_stays(days: Days):
    await days.see("?no answer")
    await days.clock.sleep(600)
    await days.see("?no answer")
    assert [a.kind for a in days.said] == [AlertKind.UNKNOWN]
    await days.store.commit(step(Notice(alert(kind=AlertKind.TEST, incident="T"), (to("1"),)), at=9))
    await days.deliver()
    await days.clock.sleep(400 * DAY_S)
    assert await days.prune(1) == 0


async def test_what_began_and_did_not_end_stays_however_old(days: Days):
    begun = alert(kind=AlertKind.DIVERGED, incident="A")
    for one in (begun, alert(incident="B"), alert(incident="C")):
        await days.store.commit(step(Notice(one)))
    await days.clock.sleep(400 * DAY_S)
    assert await days.prune(1) == 1
    assert [a.incident for a in await kept(days.store)] == ["A", "C"]
    await days.store.commit(step(Notice(replace(begun, kind=AlertKind.DIVERGENCE_OVER, seq=1))))
    await days.clock.sleep(400 * DAY_S)
    assert await days.prune(1) == 2


async def test_what_is_owed_or_held_back_stays(days: Days):
    first, second = alert(incident="A"), alert(incident="B", seq=1)
    await days.store.commit(step(Notice(first, (to("1"),)), Notice(second, (), ("bob",)), Notice(alert(incident="C"))))
    await days.clock.sleep(400 * DAY_S)
    assert await days.prune(1) == 0
    await days.deliver()
    assert await days.prune(1) == 1
    assert [a.incident for a in await kept(days.store)] == ["B", "C"]


async def test_many_go_in_small_batches_between_which_others_write(tmp_path: Path):
    clock, reached = FakeClock(runs=True), list[str]()
    async with Store.open(f"sqlite:///{tmp_path / 'hfm.db'}", clock, reached.append) as store:
        many = 3 * BATCH + 50
        await store.commit(step(*(Notice(alert(incident=f"I{n}", seq=n)) for n in range(many))))
        await clock.sleep(2 * DAY_S)
        assert await store.retention.prune(clock.wall_s() - DAY_S) == many - 1
        assert reached.count("retention: alerts deleted") == 4
        assert len(await kept(store)) == 1
        assert await store.retention.prune(clock.wall_s() - DAY_S) == 0


async def test_pages_of_what_is_gone_are_used_again(tmp_path: Path):
    clock = FakeClock(runs=True)
    async with opened(tmp_path, clock) as store:
        sizes = list[int]()
        for day in range(12):
            for turn in range(4):
                some = (alert(of=position(n), incident=f"I{day}-{turn}-{n}", seq=day) for n in range(40))
                await store.commit(step(*(Notice(a) for a in some), at=day * 4 + turn + 1))
            await clock.sleep(DAY_S)
            await store.retention.prune(clock.wall_s() - 2 * DAY_S)
            async with store._database.reading() as connection:
                sizes.append((await connection.exec_driver_sql("PRAGMA page_count")).scalar_one())
    assert sizes[0] < sizes[2]
    assert max(sizes[4:]) <= sizes[3] * 1.05


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_is_said_differently_for_what_was_let_go(tmp_path: Path, seed: int):
    dice, healths = random.Random(seed), ("3", "3", "3", "1.4", "1.2", "1.08", "1.04", "0.9", "none", "?stale")
    clocks = [FakeClock(runs=True), FakeClock(runs=True)]
    for name in ("whole", "pruned"):
        (tmp_path / name).mkdir()
    async with opened(tmp_path / "whole", clocks[0]) as whole, opened(tmp_path / "pruned", clocks[1]) as pruned:
        both, cutoff_s = (Days(whole, clocks[0]), Days(pruned, clocks[1])), 0
        sent: tuple[list[str], list[str]] = ([], [])
        for turn in range(120):
            of, health, wait_s = position(dice.randrange(5)), dice.choice(healths), dice.choice((60, 600, DAY_S // 3))
            own = dice.choice(("", "", "alice"))
            for one, keys in zip(both, sent, strict=True):
                await one.see(health, of, own=own)
                if turn % 10 == 5:
                    keys.extend(await one.deliver())
                await one.clock.sleep(wait_s)
            if turn % 7 == 3:
                cutoff_s = both[1].clock.wall_s() - 3 * DAY_S
                await both[1].prune(3)
        assert both[0].said == both[1].said
        assert sent[0] == sent[1]
        every, left = await whole.views.alerts(limit=100_000), await kept(pruned)
        last = {view.alert.position: view.id for view in every}
        gone = [view for view in every if view.alert not in left]
        assert gone
        assert all(view.committed_s < cutoff_s and last[view.alert.position] != view.id for view in gone)
