"""What one turn of a chain's loop leaves behind, whole or blind."""

import pytest

from monitor import resources
from monitor.domain.alerts import AlertKind, Level
from monitor.domain.ids import MarketKey
from monitor.domain.liveness import Halted
from monitor.errors import NoEndpoint
from monitor.rules.levels import Levels
from monitor.settings import table
from monitor.store import Store
from tests.cycle.parts import DEPLOYMENT, OWNER, POOL, Scripted, Toy, block, loop_of
from tests.fakes.clock import FakeClock


@pytest.fixture
def levels():
    return Levels.parse(table(resources.config() / "levels.toml"))


@pytest.fixture
async def store(tmp_path):
    async with Store.open(f"sqlite:///{tmp_path / 'hfm.db'}", FakeClock(runs=True)) as opened:
        yield opened


async def alerts_of(store):
    return [view.alert.kind for view in await store.views.alerts()]


async def level_of(store):
    (view,) = await store.views.positions_of(OWNER)
    return view.level


async def test_a_turn_commits_rows_state_and_cursor_at_the_head(store, levels):
    chain = Scripted([block(7)])
    loop = loop_of(store, FakeClock(runs=True), levels, Toy(), chain)
    await loop.once()
    cursor = await store.cursor(DEPLOYMENT.name)
    assert cursor is not None
    assert cursor.at == block(7)
    assert await level_of(store) == "OK"
    assert loop.passes[DEPLOYMENT.name].positions == 1


async def test_the_same_head_is_not_read_twice(store, levels):
    toy, chain = Toy(), Scripted([block(7)])
    loop = loop_of(store, FakeClock(runs=True), levels, toy, chain)
    await loop.once()
    await loop.once()
    assert toy.reads == 1


async def test_worsening_is_told_with_the_owners_label_and_wakes_delivery(store, levels):
    toy, chain, woken = Toy(), Scripted([block(7)]), []
    loop = loop_of(store, FakeClock(runs=True), levels, toy, chain, told=lambda: woken.append(1))
    await loop.once()
    toy.health_pct = 104
    chain.heads.append(block(8))
    await loop.once()
    (view,) = await store.views.alerts()
    assert (view.alert.kind, view.alert.level) == (AlertKind.WORSENED, Level.CRITICAL)
    assert woken == [1]
    (owed,) = (await store.queue.look("console", 10, 2_000_000_000)).due
    assert (owed.recipient.name, owed.recipient.label) == ("console", "treasury")


async def test_a_deployment_that_cannot_be_read_is_unknown_and_its_cursor_stays(store, levels):
    toy, chain = Toy(health_pct=104), Scripted([block(7)])
    loop = loop_of(store, FakeClock(runs=True), levels, toy, chain)
    await loop.once()
    toy.fails = "the pool reverts"
    chain.heads.append(block(8))
    await loop.once()
    cursor = await store.cursor(DEPLOYMENT.name)
    assert cursor is not None
    assert cursor.at == block(7)
    (view,) = await store.views.positions_of(OWNER)
    assert (view.level, view.last_level) == ("UNKNOWN", "CRITICAL")
    assert view.row["status"] == "unmeasurable"
    assert view.row["reason"] == "the pool reverts"
    assert loop.passes[DEPLOYMENT.name].failures == 1


async def test_a_market_that_cannot_be_read_is_unknown_beside_those_that_can(store, levels):
    other = MarketKey("0x" + "0c" * 20)
    toy, chain = Toy(health_pct=104, keys=(POOL, other)), Scripted([block(7)])
    loop = loop_of(store, FakeClock(runs=True), levels, toy, chain)
    await loop.once()
    toy.broken[other] = "its oracle is gone"
    chain.heads.append(block(8))
    await loop.once()
    told = {view.id.market: (view.level, view.row["status"]) for view in await store.views.positions_of(OWNER)}
    assert told == {POOL: ("CRITICAL", "measured"), other: ("UNKNOWN", "unmeasurable")}
    assert (await store.cursor(DEPLOYMENT.name)).at == block(8)
    assert (loop.passes[DEPLOYMENT.name].unmeasurable, loop.passes[DEPLOYMENT.name].failures) == (1, 0)
    toy.broken.clear()
    chain.heads.append(block(9))
    await loop.once()
    assert {view.level for view in await store.views.positions_of(OWNER)} == {"CRITICAL"}


async def test_a_market_that_is_listed_no_more_is_still_read_for_what_is_remembered_there(store, levels):
    other = MarketKey("0x" + "0c" * 20)
    toy, chain = Toy(health_pct=104, keys=(POOL, other)), Scripted([block(7)])
    await loop_of(store, FakeClock(runs=True), levels, toy, chain).once()
    toy.keys, toy.health_pct = (POOL,), 500
    chain.heads.append(block(8))
    await loop_of(store, FakeClock(runs=True), levels, toy, chain).once()
    rows = {view.id.market: view.row["health_factor"] for view in await store.views.positions_of(OWNER)}
    assert rows == dict.fromkeys((POOL, other), "5.000000000000000000")


async def test_an_account_that_cannot_be_read_is_unknown_beside_a_cursor_that_moves(store, levels):
    toy, chain = Toy(), Scripted([block(7)])
    loop = loop_of(store, FakeClock(runs=True), levels, toy, chain)
    await loop.once()
    toy.account_fails = "balanceOf reverts"
    chain.heads.append(block(8))
    await loop.once()
    cursor = await store.cursor(DEPLOYMENT.name)
    assert cursor is not None
    assert cursor.at == block(8)
    assert await level_of(store) == "UNKNOWN"


async def test_without_any_endpoint_every_position_is_unknown_even_after_a_restart(store, levels):
    clock = FakeClock(runs=True)
    await loop_of(store, clock, levels, Toy(), Scripted([block(7)])).once()
    restarted = loop_of(store, clock, levels, Toy(), Scripted(down=True))
    with pytest.raises(NoEndpoint):
        await restarted.once()
    assert await level_of(store) == "UNKNOWN"
    (view,) = await store.views.positions_of(OWNER)
    assert view.id.market == POOL


async def test_an_outage_never_resolves_an_alert_and_is_told_once_it_lasts(store, levels):
    clock, toy, chain = FakeClock(runs=True), Toy(health_pct=104), Scripted([block(7)])
    loop = loop_of(store, clock, levels, toy, chain)
    await loop.once()
    toy.fails = "down"
    for number in range(8, 30):
        await clock.sleep(12)
        chain.heads.append(block(number))
        await loop.once()
    kinds = await alerts_of(store)
    assert kinds.count(AlertKind.UNKNOWN) == 1
    assert AlertKind.RECOVERED not in kinds


async def test_turns_keep_the_pace_of_a_chain_with_fast_blocks(store, levels):
    clock, chain = FakeClock(runs=True), Scripted([block(7)])
    loop = loop_of(store, clock, levels, Toy(), chain, pace_ms=1000)
    for number in range(8, 12):
        await loop.once()
        chain.heads.append(block(number))
    assert clock.monotonic_ms() == 3000


async def test_a_halt_is_told_once_to_everyone_even_by_a_loop_that_begins_anew_and_once_when_it_ends(store, levels):
    clock, chain = FakeClock(runs=True), Scripted([block(7)])
    await loop_of(store, clock, levels, Toy(), chain).once()
    chain.halted = Halted(block(7), block(7).timestamp_s, 2, 2)
    await loop_of(store, clock, levels, Toy(), chain).once()
    loop = loop_of(store, clock, levels, Toy(), chain)
    await loop.once()
    await loop.once()
    chain.heads.append(block(8))
    chain.halted = None
    await loop.once()
    await loop.once()
    assert await alerts_of(store) == [AlertKind.UNKNOWN, AlertKind.KNOWN_AGAIN]
    owed = (await store.queue.look("console", 10, 2_000_000_000)).due
    assert {one.recipient.name for one in owed} == {"console"}


async def test_a_halt_improves_nothing(store, levels):
    clock, toy, chain = FakeClock(runs=True), Toy(health_pct=104), Scripted()
    loop = loop_of(store, clock, levels, toy, chain)

    async def turn(number: int) -> str:
        toy.at = block(number)
        chain.heads.append(toy.at)
        await loop.once()
        return str(await level_of(store))

    assert await turn(7) == "CRITICAL"
    toy.health_pct = 300
    assert await turn(8) == "CRITICAL"
    chain.halted = Halted(block(8), block(8).timestamp_s, 2, 2)
    await loop.once()
    await clock.sleep(7_000)
    chain.halted = None
    assert await turn(9) == "CRITICAL"
    await clock.sleep(levels.improve_after_s)
    assert await turn(10) == "OK"


async def test_a_pass_is_whole_only_when_every_deployment_was_read(store, levels):
    toy, chain, passed = Toy(), Scripted([block(7)]), []
    loop = loop_of(
        store, FakeClock(runs=True), levels, toy, chain, passed=lambda: passed.append(chain.heads[-1].number)
    )
    for number, fails in ((7, ""), (8, "the pool reverts"), (9, "")):
        chain.heads.append(block(number))
        toy.fails = fails
        await loop.once()
    chain.down = True
    with pytest.raises(NoEndpoint):
        await loop.once()
    assert passed == [7, 9]
