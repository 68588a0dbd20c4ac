"""A feed that stops: one message for each person, none that says anything is better, and one when it answers again."""

from pathlib import Path

from monitor.domain.alerts import Alert, AlertKind
from monitor.domain.ids import Cause
from tests.cycle.causes.watched import E8, HEARTBEAT_S, OWNERS, Priced, held, scene
from tests.cycle.parts import CHAIN
from tests.health.pool import feed

STALE, OVER = AlertKind.STALE, AlertKind.STALE_OVER
ONE, TWO, THREE = OWNERS
LIMIT_S = HEARTBEAT_S * 11 // 10 + 60
CAUSE = Cause(CHAIN, feed("HELD"))
GOOD_NEWS = {AlertKind.RECOVERED, AlertKind.KNOWN_AGAIN}


def kinds(alerts: list[Alert]) -> list[AlertKind]:
    return [alert.kind for alert in alerts]


async def test_it_is_told_at_the_first_evaluation_past_its_limit_once_for_both_deployments(tmp_path: Path):
    core = Priced(accounts_of={ONE: held(20_000), TWO: held(20_000, owner=TWO)})
    prime = Priced(name="local-prime", accounts_of={ONE: held(30_000)})
    async with scene(tmp_path, core, prime) as it:
        core.ages_s["HELD"] = prime.ages_s["HELD"] = LIMIT_S
        assert await it.block() == []
        core.ages_s["HELD"] = prime.ages_s["HELD"] = LIMIT_S + 1
        (alert,) = await it.block()
        assert (alert.kind, alert.position, alert.facts["age_s"]) == (STALE, CAUSE, str(LIMIT_S + 1))
        assert await it.owed() == {"0b": [STALE], "0c": [STALE]}
        for _ in range(10):
            assert await it.block(after_s=60) == []
        assert await it.owed() == {"0b": [STALE], "0c": [STALE]}


async def test_whoever_comes_later_is_told_of_the_same_incident_and_all_hear_of_its_end(tmp_path: Path):
    pool = Priced(accounts_of={ONE: held(20_000)}, ages_s={"HELD": LIMIT_S + 1})
    async with scene(tmp_path, pool) as it:
        (begun,) = await it.block()
        pool.accounts_of[TWO] = held(20_000, owner=TWO)
        assert await it.block() == []
        assert await it.owed() == {"0b": [STALE], "0c": [STALE]}
        it.begin_anew()
        assert await it.block() == []
        pool.accounts_of.clear()
        pool.ages_s["HELD"] = 12
        (over,) = await it.block()
        assert (over.kind, over.incident) == (OVER, begun.incident)
        assert await it.owed() == {"0b": [OVER], "0c": [OVER]}
        assert await it.block() == []


async def test_a_restart_ends_what_was_begun_before_it(tmp_path: Path):
    pool = Priced(accounts_of={ONE: held(20_000)}, ages_s={"HELD": LIMIT_S + 1})
    async with scene(tmp_path, pool) as it:
        await it.block()
        it.begin_anew()
        pool.ages_s["HELD"] = 12
        assert kinds(await it.block()) == [OVER]
        it.begin_anew()
        assert await it.block() == []


async def test_a_stopped_feed_says_nothing_is_better_though_a_market_price_is_there(tmp_path: Path):
    pool = Priced(accounts_of={ONE: held(10_300)}, market_prices={"HELD": 2_000 * E8})
    async with scene(tmp_path, pool) as it:
        assert kinds(await it.block()) == [AlertKind.WORSENED]
        pool.accounts_of[ONE] = held(40_000)
        pool.ages_s["HELD"] = LIMIT_S + 1
        said = [alert for _ in range(20) for alert in await it.block(after_s=90)]
        assert STALE in kinds(said)
        assert not GOOD_NEWS & set(kinds(said))
        (view,) = await it.store.views.positions_of(ONE)
        assert (view.level, view.last_level) == ("UNKNOWN", "CRITICAL")
        pool.ages_s["HELD"] = 12
        said = [alert for _ in range(20) for alert in await it.block(after_s=90)]
        assert kinds(said).count(AlertKind.RECOVERED) == 1


async def test_a_stopped_feed_silences_no_worsening_and_no_repeat(tmp_path: Path):
    pool = Priced(accounts_of={ONE: held(20_000)}, ages_s={"HELD": LIMIT_S + 1}, market_prices={"HELD": 2_000 * E8})
    async with scene(tmp_path, pool) as it:
        await it.block()
        pool.market_prices["HELD"] = 1_020 * E8
        assert AlertKind.WORSENED in kinds(await it.block())
        said = [alert for _ in range(12) for alert in await it.block(after_s=400)]
        assert AlertKind.REPEATED in kinds(said)


async def test_a_feed_that_alone_is_old_is_told_as_the_cause_and_not_once_more_for_each_position(tmp_path: Path):
    core = Priced(accounts_of={ONE: held(20_000)}, ages_s={"HELD": LIMIT_S + 1})
    prime = Priced(name="local-prime", accounts_of={ONE: held(30_000)}, ages_s={"HELD": LIMIT_S + 1})
    async with scene(tmp_path, core, prime) as it:
        said = [alert for _ in range(12) for alert in await it.block(after_s=60)]
        assert kinds(said) == [STALE]
        assert {view.level for view in await it.store.views.positions_of(ONE)} == {"UNKNOWN"}
        core.ages_s["HELD"] = prime.ages_s["HELD"] = 12
        said = [alert for _ in range(12) for alert in await it.block(after_s=60)]
        assert kinds(said) == [OVER]
        assert {view.level for view in await it.store.views.positions_of(ONE)} == {"OK"}
