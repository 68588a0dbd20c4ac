"""The keeper's list from memory: its order, its pages, and what it answers where a market could not be read."""

import asyncio

import pytest

from monitor.clock import SystemClock
from monitor.cycle.board import Board
from monitor.domain.ids import DeploymentName, PositionId, PositionKey
from monitor.errors import UsageError
from monitor.store import AtRisk, PositionView, Sort
from monitor.units import WAD
from tests.cycle.test_whole_market import all_followed
from tests.devnet import aave_v30, aave_v36, running_chain

pytestmark = pytest.mark.devnet
ONE, OTHER = DeploymentName("one"), DeploymentName("other")


@pytest.fixture(scope="module")
def markets():
    """Two markets of one chain."""
    with running_chain() as chain:
        yield {"one": aave_v30(chain, 20), "other": aave_v36(chain, 20)}


@pytest.fixture
async def opened(markets, tmp_path):
    """What has just followed the markets once, and the board over them."""
    async with all_followed(markets, tmp_path) as (loop, store):
        await asyncio.to_thread(markets["one"].chain.mine)
        await loop.once()
        yield loop, Board(tuple(loop.wholes.values()), store, SystemClock())


async def paged(board: Board, wanted: AtRisk, sort: Sort, limit: int):
    found, cursor = list[PositionView](), None
    while True:
        page = await board.at_risk(wanted, sort, cursor, limit)
        found += page.items
        assert len(page.items) <= limit
        cursor = page.next
        if cursor is None:
            return found


async def test_pages_of_any_size_hold_the_same_list_in_every_order_across_markets(opened):
    _, board = opened
    for sort in Sort:
        wanted = AtRisk(health_below_wad=3 * WAD // 2)
        whole = await paged(board, wanted, sort, 1000)
        keys = [(view.sort_key, str(view.id)) for view in whole]
        assert keys == sorted(keys)
        assert {view.row["deployment"] for view in whole} == {"one", "other"}
        for limit in (1, 7, 50):
            if limit > 1 or sort is Sort.HEALTH:
                assert [view.id for view in await paged(board, wanted, sort, limit)] == [view.id for view in whole]


async def test_filters_leave_who_they_should(opened):
    _, board = opened
    everyone = await paged(board, AtRisk(health_below_wad=2**200), Sort.HEALTH, 1000)
    line, least = 11 * WAD // 10, 10_000_00
    some = await paged(board, AtRisk(health_below_wad=line, min_debt_cents=least), Sort.HEALTH, 100)
    expected = [
        view.id
        for view in everyone
        if int(str(view.row["native_health"])) < line and float(str(view.row["debt_usd"])) * 100 >= least
    ]
    assert [view.id for view in some] == expected
    assert expected
    one = await board.at_risk(AtRisk(deployment=ONE), limit=1000)
    assert {view.row["deployment"] for view in one.items} == {"one"}


async def test_one_position_is_shown_as_it_is_now_and_a_strange_one_is_not_known(opened):
    _, board = opened
    page = await board.at_risk(AtRisk(), limit=3)
    for view in page.items:
        again = await board.position(view.id)
        assert again is not None
        assert again.row == view.row
    strange = page.items[0].id
    for key in ("0x" + "77" * 20, "0x12", "nobody"):
        position = PositionId(strange.chain, strange.protocol, strange.deployment, strange.market, PositionKey(key))
        assert await board.position(position) is None


async def test_a_cursor_of_another_list_is_refused(opened):
    _, board = opened
    page = await board.at_risk(AtRisk(), limit=1)
    with pytest.raises(UsageError):
        await board.at_risk(AtRisk(), Sort.DEBT, page.next)
    with pytest.raises(UsageError):
        await board.at_risk(AtRisk(), cursor="made-up")


async def test_a_level_is_never_better_than_what_the_row_says(opened, markets):
    loop, board = opened
    before = await paged(board, AtRisk(), Sort.HEALTH, 1000)
    market = markets["other"]
    await asyncio.to_thread(market.scale_price, "WETH", 800_000)
    head = await asyncio.to_thread(market.chain.head)
    while (at := await loop.chain.wait_for_head(None, 1)).hash != head.hash:
        assert at.number <= head.number
    commits = board.store.commits
    turning = asyncio.create_task(loop.once())
    while not turning.done():
        for view in await paged(board, AtRisk(health_below_wad=WAD), Sort.HEALTH, 1000):
            assert view.level in ("LIQUIDATABLE", "CRITICAL", "UNKNOWN")
            if not view.row["blockers"] or view.row["blockers"] == "[]":
                assert view.level != "CRITICAL"
        await asyncio.sleep(0)
    await turning
    assert board.store.commits > commits
    assert len(await paged(board, AtRisk(), Sort.HEALTH, 1000)) >= len(before)


async def test_a_market_that_cannot_be_read_is_answered_as_unmeasurable(opened, markets):
    loop, board = opened
    known = await board.store.known(OTHER)
    pool = markets["other"].deployed.pool
    chain = markets["other"].chain
    code = chain.rpc.request("eth_getCode", pool, "latest")
    await asyncio.to_thread(chain.set_code, pool, "0xfe")
    await asyncio.to_thread(chain.mine)
    await loop.once()
    try:
        found = await paged(board, AtRisk(deployment=OTHER), Sort.HEALTH, 1000)
        assert {view.id for view in found} == set(known)
        assert {view.row["status"] for view in found} == {"unmeasurable"}
        assert all(
            view.row["status"] == "measured" for view in await paged(board, AtRisk(deployment=ONE), Sort.HEALTH, 1000)
        )
    finally:
        await asyncio.to_thread(chain.set_code, pool, code)
