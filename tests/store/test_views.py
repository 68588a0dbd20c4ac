"""What others read: filtered, sorted, paged, never without what is unknown."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.domain.alerts import Level, Notice
from monitor.domain.ids import Address, ChainId, DeploymentName, Slug
from monitor.domain.row import COLUMNS, Evaluation
from monitor.errors import UsageError
from monitor.rules.state import Driver, Gap, PositionState
from monitor.store import AtRisk, Commit, Cursor, Sort, Store
from monitor.units import WAD
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import CHAIN, block, evaluation, position
from tests.outbox.scene import alert, opened, step, to, told

NOW_S = 1_750_000_000


def owing(seen: Evaluation, cents: int | None) -> Evaluation:
    """The evaluation with another debt; None where no USD price is known."""
    base = None if cents is None else cents * 10**6
    return replace(seen, protocol=replace(seen.protocol, debt_base=base, base_is_usd=cents is not None))


async def fill(store: Store, *seen: Evaluation) -> None:
    await store.commit(replace(step(), evaluations=seen))


async def everything(store: Store, wanted: AtRisk, sort: Sort, limit: int) -> list[int]:
    found, cursor = [], None
    while True:
        page = await store.views.at_risk(wanted, sort, cursor, limit)
        found += [int(p.id.key, 16) for p in page.items]
        cursor = page.next
        if cursor is None:
            return found


async def test_positions_come_worst_first_and_the_unmeasurable_last_and_always(tmp_path: Path):
    async with opened(tmp_path) as store:
        seen = ["1.2", "0.9", "?stale", "-0.5", "none", "1000000000000", "1.2"]
        await fill(store, *(evaluation(h, of=position(n)) for n, h in enumerate(seen)))
        assert await everything(store, AtRisk(), Sort.HEALTH, 2) == [3, 1, 0, 6, 5, 2]
        assert await everything(store, AtRisk(health_below_wad=12 * WAD // 10), Sort.HEALTH, 2) == [3, 1, 2]
        (unknown,) = (p for p in (await store.views.at_risk(AtRisk())).items if p.row["status"] == "unmeasurable")
        assert unknown.row["reason"] == "stale"
        assert set(unknown.row) == set(COLUMNS)


async def test_debt_sorts_from_the_largest_and_a_position_without_price_passes_every_minimum_labelled(tmp_path: Path):
    async with opened(tmp_path) as store:
        debts = [100, 10**30, None, 5_000, 4_999]
        await fill(store, *(owing(evaluation("1.1", of=position(n)), d) for n, d in enumerate(debts)))
        assert await everything(store, AtRisk(), Sort.DEBT, 2) == [1, 3, 4, 0, 2]
        assert await everything(store, AtRisk(min_debt_cents=5_000), Sort.DEBT, 100) == [1, 3, 2]
        page = await store.views.at_risk(AtRisk(min_debt_cents=5_000))
        assert {int(p.id.key, 16): p.is_unpriced for p in page.items} == {1: False, 2: True, 3: False}


async def test_distance_sorts_from_the_nearest_and_what_is_past_its_line_comes_first(tmp_path: Path):
    async with opened(tmp_path) as store:
        near = [("1.2", 500), ("0.9", None), ("1.2", None), ("1.2", 20), ("1.2", 10_000)]
        await fill(store, *(evaluation(h, of=position(n), distance_bps=d) for n, (h, d) in enumerate(near)))
        assert await everything(store, AtRisk(), Sort.DISTANCE, 3) == [1, 3, 0, 4, 2]


async def test_filters_name_chain_protocol_and_deployment(tmp_path: Path):
    async with opened(tmp_path) as store:
        await fill(store, evaluation("1.1", of=position(1)), evaluation("1.1", of=position(2, "local-prime")))
        for wanted, found in (
            (AtRisk(deployment=DeploymentName("local-prime")), [2]),
            (AtRisk(chain=CHAIN, protocol=Slug("aave_v3")), [1, 2]),
            (AtRisk(chain=ChainId("eip155:1")), []),
            (AtRisk(protocol=Slug("' OR 1=1 --")), []),
        ):
            assert await everything(store, wanted, Sort.HEALTH, 10) == found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5), st.integers(0, 5)), max_size=40),
    st.sampled_from(Sort),
    st.integers(1, 7),
)
async def test_pages_hold_everything_once_in_order(tmp_path: Path, rows, sort, limit):
    (tmp_path / "hfm.db").unlink(missing_ok=True)
    async with opened(tmp_path) as store:
        seen = [
            owing(evaluation(f"1.{health:02}", of=position(n), distance_bps=distance), debt)
            for n, (health, debt, distance) in enumerate(rows)
        ]
        await fill(store, *seen)
        found = await everything(store, AtRisk(), sort, limit)
    key = {
        Sort.HEALTH: lambda n: rows[n][0],
        Sort.DEBT: lambda n: -rows[n][1],
        Sort.DISTANCE: lambda n: rows[n][2],
        Sort.PROFIT: lambda _: 0,
    }[sort]
    assert found == sorted(range(len(rows)), key=lambda n: (key(n), n))


async def test_a_cursor_goes_on_although_positions_moved(tmp_path: Path):
    async with opened(tmp_path) as store:
        await fill(store, *(evaluation(f"1.{n:02}", of=position(n)) for n in range(10, 20)))
        page = await store.views.at_risk(AtRisk(), limit=5)
        await fill(store, evaluation("0.5", of=position(19)), evaluation("1.99", of=position(10)))
        rest = await store.views.at_risk(AtRisk(), cursor=page.next, limit=100)
        assert [int(p.id.key, 16) for p in rest.items] == [15, 16, 17, 18, 10]


@pytest.mark.parametrize("cursor", ["", "x", "e30", "WyJhIl0", "bnVsbA", "W1tbW1tb", "\x00", "💥", "x" * 10_000, "["])
async def test_a_cursor_that_was_made_up_is_refused(tmp_path: Path, cursor: str):
    async with opened(tmp_path) as store:
        with pytest.raises(UsageError, match="cursor"):
            await store.views.at_risk(AtRisk(), cursor=cursor)


async def test_a_cursor_of_another_sort_is_refused(tmp_path: Path):
    async with opened(tmp_path) as store:
        await fill(store, *(evaluation("1.1", of=position(n)) for n in range(3)))
        page = await store.views.at_risk(AtRisk(), Sort.DEBT, limit=1)
        with pytest.raises(UsageError, match="sorted by health"):
            await store.views.at_risk(AtRisk(), Sort.HEALTH, cursor=page.next)


async def test_one_position_is_shown_with_level_age_quote_and_remedy(tmp_path: Path):
    clock = FakeClock(NOW_S)
    held = PositionState(position(), Level.CRITICAL, Driver.CAUTIOUS)
    lost = replace(held, position=position(2), gap=Gap("G", NOW_S, told=False, mended_s=None))
    async with opened(tmp_path, clock) as store:
        seen = [evaluation("1.04", of=position(n), at=-5) for n in (1, 2, 3)]
        await store.commit(replace(step(), evaluations=seen, states=[held, lost]))
        one, two, three = [await store.views.position(position(n)) for n in (1, 2, 3)]
        assert one is not None
        assert two is not None
        assert three is not None
        assert (one.level, one.last_level, one.driver, one.age_s) == ("CRITICAL", "CRITICAL", "cautious", 60)
        assert (two.level, two.last_level) == ("UNKNOWN", "CRITICAL")
        assert (three.level, three.last_level) == (None, None)
        assert one.remedy is not None
        assert one.remedy["steps"][0]["amount"] == "250.123457"
        assert one.quote is None
        assert [p.id for p in await store.views.positions_of(Address(position(2).key))] == [position(2)]
        assert await store.views.position(position(9)) is None


async def test_a_deployment_is_shown_with_its_moment_and_its_unknowns(tmp_path: Path):
    clock = FakeClock(NOW_S)
    cursor = Cursor(DeploymentName("local-core"), Slug("aave_v3"), CHAIN, block(100, NOW_S - 14))
    async with opened(tmp_path, clock) as store:
        seen = [evaluation(h, of=position(n)) for n, h in enumerate(["1.1", "?x", "none", "1.2"])]
        states = [
            PositionState(position(0), Level.WARN),
            PositionState(position(1)),
            PositionState(position(3), Level.OK),
        ]
        await store.commit(Commit(cursor, seen, states))
        clock.jump_wall(6)
        (found,) = await store.views.deployments()
    assert (found.name, found.at, found.age_s, found.committed_age_s) == ("local-core", cursor.at, 20, 6)
    assert (found.positions, found.measured, found.no_debt, found.unmeasurable) == (4, 2, 1, 1)
    assert found.levels == {"WARN": 1, "UNKNOWN": 1, "OK": 1}


async def test_alerts_are_read_in_the_order_in_which_they_were_recorded(tmp_path: Path):
    async with opened(tmp_path) as store:
        for n in range(1, 6):
            await store.commit(step(Notice(alert(of=position(n)))))
        found = await store.views.alerts(after=2, limit=2)
        assert [a.alert.position for a in found] == [position(3), position(4)]
        assert [a.alert.position for a in await store.views.alerts(after=found[-1].id)] == [position(5)]
        assert [a.id for a in await store.views.alerts(position=position(2))] == [2]
        assert await store.views.alerts(deployment=DeploymentName("elsewhere")) == ()


async def test_the_outbox_shows_what_is_owed_and_the_last_try_of_each_channel(tmp_path: Path):
    clock = FakeClock(NOW_S)
    async with opened(tmp_path, clock) as store:
        await store.commit(told(alert(), alert(of=position(2)), recipient=to("1")))
        clock.jump_wall(30)
        first, second = (await store.queue.look("telegram", 10, NOW_S)).due
        await store.queue.mark_sent([first], NOW_S + 10)
        await store.queue.defer([second], NOW_S + 20, 79, "429")
        status = await store.views.outbox_status()
    assert status.pending == 1
    (channel,) = status.channels
    assert (channel.sent, channel.pending, channel.oldest_pending_age_s) == (1, 1, 30)
    assert (channel.last, channel.last_age_s, channel.last_detail) == ("deferred", 10, "429")
