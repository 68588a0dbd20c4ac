"""Prices that are apart, through the loop and the store: whom it is told, once, whatever is forgotten between."""

from pathlib import Path

from monitor.domain.alerts import Alert, AlertKind
from monitor.domain.ids import PositionId
from tests.cycle.causes.watched import E8, OWNERS, Priced, held, scene

DIVERGED, OVER = AlertKind.DIVERGED, AlertKind.DIVERGENCE_OVER
ONE, TWO, THREE = OWNERS


def of(alerts: list[Alert], kind: AlertKind) -> list[str]:
    """Return the positions that alerts of a kind are about."""
    return [a.position.key for a in alerts if a.kind is kind and isinstance(a.position, PositionId)]


async def test_each_owner_judged_by_the_price_is_told_at_the_second_block_and_no_other(tmp_path: Path):
    pool = Priced(accounts_of={ONE: held(20_000), TWO: held(30_000, owner=TWO)}, market_prices={"HELD": 2_000 * E8})
    async with scene(tmp_path, pool) as it:
        assert await it.block() == []
        pool.market_prices["HELD"] = 1_900 * E8
        assert of(await it.block(), DIVERGED) == []
        assert of(await it.block(), DIVERGED) == [ONE, TWO]
        assert of(await it.block(), DIVERGED) == []
        pool.accounts_of[THREE] = held(40_000, owner=THREE)
        assert of(await it.block(), DIVERGED) == [THREE]
        assert {kind for kinds in (await it.owed()).values() for kind in kinds} == {DIVERGED}


async def test_a_restart_tells_nothing_twice_and_forgets_no_end(tmp_path: Path):
    pool = Priced(accounts_of={ONE: held(20_000)}, market_prices={"HELD": 1_900 * E8})
    async with scene(tmp_path, pool) as it:
        said = [*await it.block(), *await it.block()]
        it.begin_anew()
        said += [*await it.block(), *await it.block(), *await it.block()]
        assert of(said, DIVERGED) == [ONE]
        it.begin_anew()
        pool.market_prices["HELD"] = 2_000 * E8
        assert of(await it.block(), OVER) == []
        (over,) = [a for a in await it.block() if a.kind is OVER]
        (begun,) = [a for a in said if a.kind is DIVERGED]
        assert over.incident == begun.incident
        it.begin_anew()
        assert of([*await it.block(), *await it.block()], OVER) == []


async def test_twice_as_far_and_the_other_side_are_told_again_in_the_same_incident(tmp_path: Path):
    pool = Priced(accounts_of={ONE: held(30_000)})
    async with scene(tmp_path, pool) as it:
        told = list[tuple[str, int]]()
        for market in (1_900, 1_900, 1_890, 1_890, 1_780, 1_780, 2_100, 2_100, 2_000, 2_000):
            pool.market_prices["HELD"] = market * E8
            told += [(a.facts["apart_bps"], a.seq) for a in await it.block() if a.rule == "divergence"]
        assert told == [("527", 0), ("1236", 1), ("-477", 2), ("0", 3)]
        assert len({a.alert.incident for a in await it.store.views.alerts() if a.alert.rule == "divergence"}) == 1


async def test_a_market_that_falls_silent_ends_nothing(tmp_path: Path):
    pool = Priced(accounts_of={ONE: held(20_000)}, market_prices={"HELD": 1_900 * E8})
    async with scene(tmp_path, pool) as it:
        said = [*await it.block(), *await it.block()]
        pool.market_prices.clear()
        for _ in range(5):
            said += await it.block()
        assert of(said, DIVERGED) == [ONE]
        assert of(said, OVER) == []


async def test_whoever_owes_nothing_is_not_told(tmp_path: Path):
    free = held(20_000)
    free = type(free)(free.key, free.category, free.balances[:1])
    pool = Priced(accounts_of={ONE: free}, market_prices={"HELD": 1_900 * E8})
    async with scene(tmp_path, pool) as it:
        assert of([*await it.block(), *await it.block(), *await it.block()], DIVERGED) == []
