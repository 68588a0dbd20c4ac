"""What goes down comes back, all of a step or nothing of it."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.alerts import AlertKind, Level, Notice
from monitor.domain.health import Line, Measured
from monitor.domain.ids import ChainId
from monitor.domain.moment import VenueMoment
from monitor.errors import StoreError
from monitor.rules.judge import judge
from monitor.rules.state import PositionState
from monitor.store import AtRisk, AuditPart, Commit, Cursor, Store
from monitor.store.ledgers.audits import KEPT_BLOCKS
from monitor.store.records import alert_from, alert_record, at_from, at_json, state_from, state_record
from tests.domain.hostile import PAYLOADS
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import CHAIN, WETH, block, evaluation, position
from tests.outbox.scene import alert, opened, step, to, told
from tests.rules.scene import LEVELS, Scene

HEALTHS = st.sampled_from(["3", "1.4", "1.2", "1.08", "1.04", "0.9", "none", "?stale"])


@given(st.lists(st.tuples(HEALTHS, HEALTHS, st.integers(1, 5000)), max_size=12))
def test_a_state_and_its_alerts_come_back_as_they_were(path):
    scene = Scene()
    for health, cautious, after_s in path:
        scene.see(health, cautious, after_s=after_s)
    if scene.state is not None:
        assert state_from(state_record(scene.state)["state"]) == replace(scene.state, known=dict(scene.state.known))
    for said in scene.said:
        assert alert_from(alert_record(said, 5)["alert"]) == replace(said, facts=dict(said.facts))


def test_a_moment_comes_back_as_it_was():
    for at in (block(5), VenueMoment("hyperliquid", None, 1_750_000_000_123, 1_750_000_000)):
        assert at_from(at_json(at)) == at


async def test_a_step_comes_back_whole_after_a_restart(tmp_path: Path):
    seen = [evaluation("1.04", of=position(n)) for n in range(1, 4)]
    judged = [judge(None, e, LEVELS, 1_750_000_000) for e in seen]
    cursor = Cursor(position().deployment, position().protocol, CHAIN, block(7))
    notices = [Notice(j.alerts[0], (to("1"),)) for j in judged]
    async with opened(tmp_path) as store:
        await store.commit(Commit(cursor, seen, [j.state for j in judged], notices))
    async with opened(tmp_path) as store:
        ids = [e.protocol.id for e in seen]
        states = await store.states([*ids, position(9)])
        assert states == {j.state.position: replace(j.state, known=dict(j.state.known)) for j in judged}
        assert await store.cursor(position().deployment) == cursor
        assert len((await store.queue.look("telegram", 10, 1_750_000_000)).due) == 3
        assert {p.id for p in (await store.views.at_risk(AtRisk())).items} == set(ids)


async def test_a_step_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    clock = FakeClock(runs=True)
    cursor = Cursor(position().deployment, position().protocol, CHAIN, block(7))
    whole = Commit(cursor, [evaluation("1.04")], [PositionState(position(), Level.WARN)], [Notice(alert(), (to("1"),))])
    names: list[str] = []
    async with Store.open(f"sqlite:///{tmp_path / 'names.db'}", clock, names.append) as store:
        await store.commit(whole)
    inside = [n for n in names if n.startswith("commit:") and n != "commit: done"]
    assert len(inside) == 8

    class Broken(Exception):
        pass

    for name in inside:

        def reach(reached: str, name: str = name) -> None:
            if reached == name:
                raise Broken

        async with Store.open(f"sqlite:///{tmp_path / 'hfm.db'}", clock, reach) as store:
            with pytest.raises(Broken):
                await store.commit(whole)
            assert await store.states([position()]) == {}
            assert await store.cursor(position().deployment) is None
            assert await store.views.position(position()) is None
            assert (await store.views.outbox_status()).channels == ()
            assert await store.views.alerts() == ()


async def test_a_position_no_longer_near_a_level_is_left_out(tmp_path: Path):
    async with opened(tmp_path) as store:
        await store.commit(replace(step(), evaluations=[evaluation("1.04", of=position(n)) for n in range(1, 2001)]))
        await store.commit(replace(step(), left=[position(n) for n in range(2, 2001)]))
        assert [p.id for p in (await store.views.at_risk(AtRisk())).items] == [position(1)]


async def test_many_states_are_read_at_once(tmp_path: Path):
    async with opened(tmp_path) as store:
        await store.commit(replace(step(), states=[PositionState(position(n)) for n in range(1, 2501)]))
        assert len(await store.states([position(n) for n in range(1, 3001)])) == 2500


@pytest.mark.parametrize("factor", [10**60, 2**256 - 1, -(10**60), 0])
async def test_numbers_no_database_integer_holds_are_kept_exactly(tmp_path: Path, factor: int):
    huge = evaluation(Measured(factor, 1, Line.BELOW, None))
    seen = replace(huge, protocol=replace(huge.protocol, debt_base=10**70, collateral_base=10**75))
    async with opened(tmp_path) as store:
        await store.commit(replace(step(), evaluations=[seen]))
        found = await store.views.position(position())
        assert found is not None
        assert found.row["health_numerator"] == str(factor)
        assert found.row["debt_base"] == str(10**70)
        assert len((await store.views.at_risk(AtRisk(min_debt_cents=10**15))).items) == 1


@pytest.mark.parametrize("payload", [p[:2000] for p in PAYLOADS])
async def test_strangers_text_is_a_parameter_and_nothing_else(tmp_path: Path, payload: str):
    named = replace(alert(), facts={"label": payload, payload: payload}, incident=payload)
    text = payload.encode("utf-8", "replace").decode()
    async with opened(tmp_path) as store:
        await store.commit(told(named, recipient=to(payload)))
        (found,) = (await store.queue.look("telegram", 10, 1_750_000_000)).due
        assert (found.alert, found.recipient) == (named, to(payload))
        await store.queue.defer([found], 1, 1, payload)
        await store.queue.reroute([found], 3, text)
        (status,) = (await store.views.outbox_status()).channels
        assert (status.dead, status.last_detail) == (1, text[:300])


async def test_text_that_is_no_unicode_stops_no_commit(tmp_path: Path):
    broken = "US\ud800DC"
    seen = evaluation("0.9", weth=replace(WETH, symbol=broken), blockers=(broken,))
    gone = evaluation(f"?{broken}", of=position(2))
    judged = [judge(None, e, LEVELS, 1_750_000_000) for e in (seen, gone)]
    notices = [Notice(a, (to("1"),)) for j in judged for a in j.alerts]
    async with opened(tmp_path) as store:
        await store.commit(replace(step(*notices), evaluations=[seen, gone], states=[j.state for j in judged]))
        assert len((await store.views.at_risk(AtRisk())).items) == 2


async def test_the_incident_table_follows_an_incident_to_its_end(tmp_path: Path):
    clock = FakeClock(runs=True)
    scene = Scene()
    async with opened(tmp_path, clock) as store:
        for health, after_s in (("1.04", 12), ("0.9", 12), ("3", 12), ("3", 600)):
            alerts = scene.see(health, after_s=after_s)
            assert scene.state is not None
            await store.commit(replace(step(*map(Notice, alerts)), states=[scene.state]))
    assert scene.kinds()[-1] == AlertKind.RECOVERED
    with sqlite3.connect(tmp_path / "hfm.db") as connection:
        rows = connection.execute("SELECT id, closed_s IS NOT NULL, worst, worst_health_wad FROM incidents").fetchall()
    connection.close()
    assert rows == [(scene.said[0].incident, 1, "LIQUIDATABLE", str(9 * 10**17))]


async def test_every_commit_is_on_disk_and_every_rule_of_the_tables_is_kept(tmp_path: Path):
    async with opened(tmp_path) as store:
        await store.commit(told(alert()))
        async with store._database.writing() as connection:
            for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
                assert (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar() == value
        with pytest.raises(StoreError, match=r"datatype mismatch|cannot store"):
            async with store._database.writing() as connection:
                await connection.exec_driver_sql("UPDATE outbox SET severity = 'high'")
        with pytest.raises(StoreError, match="FOREIGN KEY"):
            async with store._database.writing() as connection:
                await connection.exec_driver_sql("UPDATE outbox SET alert = 'none'")
        with pytest.raises(StoreError, match=r"readonly|read-only"):
            async with store._database.reading() as connection:
                await connection.exec_driver_sql("DELETE FROM outbox")


async def test_audits_are_kept_a_hundred_thousand_blocks(tmp_path: Path):
    of = position()
    async with opened(tmp_path) as store:
        for number, differing in ((100, 3), (101, 2), (101 + KEPT_BLOCKS, 1)):
            audit = AuditPart(of.deployment, of.market, block(number), 500, differing, 0, 994_000)
            await store.commit(Commit(Cursor(of.deployment, of.protocol, CHAIN, block(number)), audits=[audit]))
        kept = await store.views.audits(of.deployment)
    assert [(one.block, one.differing, one.match_ppm) for one in kept] == [
        (101, 2, 994_000),
        (101 + KEPT_BLOCKS, 1, 994_000),
    ]


async def test_since_when_a_check_runs_is_kept_by_chain(tmp_path: Path):
    async with opened(tmp_path) as store:
        assert await store.probation(CHAIN) == {}
        await store.keep_probation(CHAIN, {"logs": 1_750_000_000})
    async with opened(tmp_path) as store:
        assert await store.probation(CHAIN) == {"logs": 1_750_000_000}
        assert await store.probation(ChainId("eip155:10")) == {}
        await store.keep_probation(CHAIN, {"logs": 1_740_000_000})
        assert await store.probation(CHAIN) == {"logs": 1_740_000_000}
