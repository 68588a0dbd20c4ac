"""A deployment that is not evaluated, and endpoints that all fall silent: each told by somebody who still looks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from monitor.cycle.causes.memory import Memory
from monitor.cycle.causes.watchdog import STARTING_MS, Watchdog
from monitor.domain.alerts import Alert, AlertKind
from monitor.domain.ids import Cause, DeploymentName
from monitor.domain.liveness import Halted, Live, Unreachable
from monitor.domain.moment import BlockRef
from monitor.errors import NoEndpoint
from monitor.outbox.render import render
from monitor.sources.life.pulse import patience_ms
from tests.cycle.causes.watched import BLOCK_S, OWNERS, Priced, Scene, held, recipient, scene
from tests.cycle.parts import CHAIN, Scripted
from tests.health.pool import NOW_S

STALE, OVER = AlertKind.STALE, AlertKind.STALE_OVER
ONE, TWO, _ = OWNERS
CORE = Cause(CHAIN, "deployment:local-core")
ENDPOINTS = Cause(CHAIN, "endpoints")
LIMIT_S = 3 * BLOCK_S
HEAD_S = patience_ms(BLOCK_S * 1000) // 1000


@dataclass
class Node(Scripted):
    """A chain whose head can be asked for beside the loop; `lost_s` is since when no endpoint answers."""

    lost_s: int | None = None

    @property
    def liveness(self) -> Any:
        if self.lost_s is not None:
            return Unreachable(self.heads[-1], self.lost_s, "every endpoint failed")
        return self.halted or Live(self.heads[-1])

    async def head(self) -> BlockRef:
        if self.lost_s is not None:
            raise NoEndpoint("every endpoint failed")
        return self.heads[-1]


def watchdog(it: Scene) -> Watchdog:
    chain: Any = it.chain
    names = tuple(DeploymentName(one.name) for one in it.pools)
    memory = Memory(CHAIN, it.loop.ruling)
    return Watchdog("local", names, lambda: it.loop.passes, BLOCK_S * 1000, HEAD_S * 1000, chain, memory, it.clock)


async def unlooked(it: Scene) -> None:
    """Let a block come that the loop does not see."""
    await it.clock.advance(BLOCK_S)
    it.number += 1
    n = it.number
    it.chain.heads.append(BlockRef(CHAIN, n, f"0xa{n}", f"0xa{n - 1}", it.clock.wall_s()))


async def looked(it: Scene, dog: Watchdog, *, seconds: int, every_s: int = 2) -> list[Alert]:
    """Have the watchdog look again and again, and return what it says."""
    for _ in range(seconds // every_s):
        await it.clock.advance(every_s)
        await dog.once()
    return await it.news()


def about(alerts: list[Alert]) -> list[tuple[AlertKind, Any]]:
    return [(alert.kind, alert.position) for alert in alerts if alert.rule == "stale"]


@pytest.fixture
async def it(tmp_path: Path):
    pool = Priced(accounts_of={ONE: held(20_000), TWO: held(20_000, owner=TWO)})
    async with scene(tmp_path, pool, chain=Node()) as opened:
        await opened.block()
        yield opened


async def test_a_loop_that_hangs_is_told_once_past_three_intervals_and_once_when_it_goes_on(it: Scene):
    dog = watchdog(it)
    await dog.once()
    await unlooked(it)
    assert about(await looked(it, dog, seconds=LIMIT_S - BLOCK_S)) == []
    assert about(await looked(it, dog, seconds=2)) == [(STALE, CORE)]
    assert await it.owed() == {"0b": [STALE], "0c": [STALE]}
    assert about(await looked(it, dog, seconds=600)) == []
    await it.block()
    (over,) = await looked(it, dog, seconds=2)
    assert (over.kind, over.position) == (OVER, CORE)
    assert int(over.facts["lasted_s"]) >= 600 + LIMIT_S
    assert about(await looked(it, dog, seconds=LIMIT_S)) == []


async def test_a_deployment_whose_reads_fail_is_told_with_the_reason(it: Scene):
    dog = watchdog(it)
    await dog.once()
    it.pools[0].fails = "the pool reverts"
    said = list[Alert]()
    for _ in range(4):
        said += await it.block()
        said += await looked(it, dog, seconds=2)
    (alert,) = [a for a in said if a.kind is STALE]
    assert alert.position == CORE
    assert alert.facts["why"] == "the pool reverts"
    assert alert.facts["of"] == "local-core"


async def test_a_chain_on_which_nothing_happens_is_not_behind(it: Scene):
    dog = watchdog(it)
    await dog.once()
    assert about(await looked(it, dog, seconds=600)) == []
    it.chain.halted = Halted(it.chain.heads[-1], NOW_S, 2, 2)
    await unlooked(it)
    assert about(await looked(it, dog, seconds=600)) == []


async def test_endpoints_that_all_fall_silent_are_one_cause_and_not_also_a_deployment(it: Scene):
    assert isinstance(it.chain, Node)
    dog = watchdog(it)
    await dog.once()
    await unlooked(it)
    it.chain.lost_s = it.clock.wall_s()
    assert about(await looked(it, dog, seconds=HEAD_S - 2)) == []
    assert about(await looked(it, dog, seconds=2)) == [(STALE, ENDPOINTS)]
    assert about(await looked(it, dog, seconds=900)) == []
    it.chain.lost_s = None
    await it.block()
    assert about(await looked(it, dog, seconds=2)) == [(OVER, ENDPOINTS)]


async def test_a_restart_tells_nothing_twice_and_ends_what_was_begun_before_it(it: Scene):
    dog = watchdog(it)
    await dog.once()
    await unlooked(it)
    assert about(await looked(it, dog, seconds=LIMIT_S + 2)) == [(STALE, CORE)]
    it.begin_anew()
    it.loop.passes = {}
    dog = watchdog(it)
    assert about(await looked(it, dog, seconds=2 * STARTING_MS // 1000, every_s=30)) == []
    await it.block()
    assert about(await looked(it, dog, seconds=4)) == [(OVER, CORE)]


async def test_after_a_start_there_is_time_to_read_everything(it: Scene):
    it.loop.passes = {}
    dog = watchdog(it)
    await dog.once()
    await unlooked(it)
    assert about(await looked(it, dog, seconds=STARTING_MS // 1000 - 30, every_s=10)) == []
    assert about(await looked(it, dog, seconds=40, every_s=10)) == [(STALE, CORE)]


async def test_while_it_is_stale_nothing_is_said_to_be_well(it: Scene):
    it.pools[0].accounts_of[ONE] = held(10_300)
    said = await it.block()
    assert AlertKind.WORSENED in [a.kind for a in said]
    it.pools[0].accounts_of[ONE] = held(40_000)
    await it.block()
    dog = watchdog(it)
    await dog.once()
    said = list[Alert]()
    for _ in range(120):
        await unlooked(it)
        said += await looked(it, dog, seconds=2)
    assert about(said) == [(STALE, CORE)]
    assert {a.kind for a in said} == {STALE}
    for alert in said:
        text = render(alert, recipient(ONE), "k" * 64, 0, "").text
        assert "OK" not in text
        assert "nothing now" not in text
