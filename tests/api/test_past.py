"""A position's history over the API: the present from the store, what was before from the files, the same digits."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from monitor.api import Metrics, create_app, listening
from monitor.api.app import Inside
from monitor.domain.ids import PositionId
from monitor.domain.row import Evaluation, row
from monitor.history.keeping import kept
from monitor.store import Commit, Cursor, Store
from tests.api.served import CORE, encoded
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import CHAIN, block
from tests.fakes.evaluations import position as position_of
from tests.history.made import BIG, HOUR_S, MIDNIGHT_S, each, seen

DAYS, SAID = 5, ("1.5", "1.25", "0.97", "?the feed reverts", BIG)
CELLS = (
    *("at_block", "at_hash", "at_time", "status", "reason", "health_numerator", "health_denominator"),
    *("health_factor", "is_insolvent", "is_liquidatable_now", "collateral_base", "debt_base", "base_unit"),
)
NOW_S = MIDNIGHT_S + DAYS * 24 * HOUR_S


def then(hour: int) -> Evaluation:
    return seen(1, MIDNIGHT_S + hour * HOUR_S, SAID[hour % len(SAID)])


@pytest.fixture
async def root(tmp_path: Path) -> Path:
    """Five days, in which one position was evaluated every hour, and its market was kept every six."""
    root, clock = tmp_path / "history", FakeClock(NOW_S)
    with kept(root, clock, 400) as history:
        for hour in range(DAYS * 24 + 1):
            history.offer([then(hour)])
            if hour % 6 == 0:
                await history.write()
                await history.market(each([row(then(hour)), row(seen(2, MIDNIGHT_S + hour * HOUR_S, BIG))]))
    return root


@pytest.fixture
async def asked(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """The API over a store that knows the present alone, and the history beside it, if there is any."""
    clock, where = FakeClock(NOW_S), getattr(request, "param", tmp_path / "history")
    async with Store.open(f"sqlite:///{tmp_path / 'hfm.db'}", clock) as store:
        cursor = Cursor(CORE, position_of().protocol, CHAIN, block(NOW_S // 12, NOW_S))
        await store.commit(Commit(cursor, [then(DAYS * 24), seen(2, NOW_S, BIG), seen(3, NOW_S)]))
        app = create_app(store.views, clock, Metrics(), inside=Inside(history=where))
        async with listening(app) as (host, port), ClientSession(f"http://{host}:{port}") as client:

            async def ask(of: PositionId, **query: int) -> tuple[int, Any]:
                said = {name: str(value) for name, value in query.items()}
                async with client.get(f"/v1/positions/{encoded(of)}", params=said) as response:
                    return response.status, await response.json()

            yield ask


async def test_the_present_is_of_the_store_and_everything_before_of_the_files_with_the_same_digits(root, asked):
    status, found = await asked(position_of(1), history=1000)
    history = found["history"]
    assert (status, history["is_kept"]) == (200, True)
    moments = history["moments"]
    assert [one["source"] for one in moments] == ["store"] + ["history"] * DAYS * 24
    for hour, one in zip(range(DAYS * 24, -1, -1), moments, strict=True):
        wrote = row(then(hour))
        assert {name: one[name] for name in CELLS} == {name: wrote[name] for name in CELLS}
        assert one["native_health"] == wrote["native_health"]
        assert one["cautious_health_factor"] == wrote["cautious_health_factor"]
        assert one["age_s"] == NOW_S - int(one["at_time"])
    assert {name: moments[0][name] for name in CELLS} == {name: found[name] for name in CELLS}


async def test_of_a_position_that_nobody_watches_its_markets_snapshots_are_told(root, asked):
    _, found = await asked(position_of(2), history=1000)
    moments = found["history"]["moments"]
    assert len(moments) == 1 + DAYS * 4
    assert {(one["health_numerator"], one["health_denominator"]) for one in moments} == {
        (str(BIG.numerator), str(BIG.denominator))
    }


async def test_it_goes_on_from_any_second_and_nothing_is_left_out_or_told_twice(root, asked):
    times, until = list[int](), NOW_S
    while True:
        _, found = await asked(position_of(1), history=7, until=until)
        moments = found["history"]["moments"]
        times += [one["at_time"] for one in moments]
        if len(moments) < 7:
            break
        until = times[-1] - 1
    assert times == [MIDNIGHT_S + hour * HOUR_S for hour in range(DAYS * 24, -1, -1)]


async def test_a_time_before_anything_was_kept_has_no_moments(root, asked):
    _, found = await asked(position_of(1), until=MIDNIGHT_S - 1)
    assert found["history"]["moments"] == []
    _, found = await asked(position_of(3), history=5)
    assert [one["source"] for one in found["history"]["moments"]] == ["store"]


@pytest.mark.parametrize("asked", [None], indirect=True)
async def test_without_history_the_present_is_told_and_an_earlier_time_is_a_conflict(asked):
    status, found = await asked(position_of(1), history=5)
    assert (status, found["history"]["is_kept"]) == (200, False)
    assert [one["source"] for one in found["history"]["moments"]] == ["store"]
    status, problem = await asked(position_of(1), history=5, until=NOW_S - 1)
    assert (status, problem["status"]) == (409, 409)
    assert "[history] enabled" in problem["detail"]


async def test_files_that_cannot_be_read_are_an_error_and_never_an_empty_past(root, asked):
    for path in root.glob("scope=*/**/*.parquet"):
        whole = path.read_bytes()
        path.write_bytes(whole[:4] + bytes(len(whole) - 12) + whole[-8:])
    status, problem = await asked(position_of(1), history=5)
    assert status == 503, problem
    shutil.rmtree(root)
    assert (await asked(position_of(1), history=5))[0] == 200
