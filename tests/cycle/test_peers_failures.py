"""What other monitors were seen to do wrong, with our own code in their place: none of it happens here."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from monitor.cycle.board import Board
from monitor.cycle.head import HeadLoop
from monitor.domain.alerts import AlertKind, Level
from monitor.domain.ids import Subject
from monitor.errors import NoEndpoint
from monitor.store import AtRisk, Store
from tests.cycle.test_whole_market import followed
from tests.devnet import Market, aave_v36, running_chain

pytestmark = pytest.mark.devnet

OWNER = "0x" + "e1" * 20
POLLS = 25
FALL_PPM = 985_000
WAD = 10**18

EVERYONE_WAD = 2**200


@dataclass
class Watching:
    """A followed market and the list that keepers see."""

    market: Market
    loop: HeadLoop
    store: Store

    async def rows(self) -> dict[str, Any]:
        """Let the loop see the newest block, which must be a new one; return what keepers see, by key."""
        head = await asyncio.to_thread(self.market.chain.head)
        while (at := await self.loop.chain.wait_for_head(None, 1)).hash != head.hash:
            assert at.number <= head.number
        await self.loop.once()
        return await self.listed()

    async def listed(self) -> dict[str, Any]:
        board = Board(tuple(self.loop.wholes.values()), self.store, self.loop.clock)
        page = await board.at_risk(AtRisk(health_below_wad=EVERYONE_WAD), limit=1000)
        return {str(view.row["key"]): view.row for view in page.items}

    async def healths(self, *users: str) -> list[tuple[int, int]]:
        """The health of each user on the list, and the contract's own at the same block."""
        rows = await self.rows()
        says = await asyncio.to_thread(self.market.accounts_data, users)
        return [(int(rows[u]["native_health"]), data.health_factor_wad) for u, data in zip(users, says, strict=True)]

    async def do(self, act: str, *arguments: Any) -> None:
        await asyncio.to_thread(getattr(self.market, act), *arguments)


@pytest.fixture
async def watching(tmp_path: Path) -> AsyncIterator[Watching]:
    with running_chain() as chain:
        market = aave_v36(chain)
        market.supply("0x" + "aa" * 20, "USDC", 10**13)
        market.supply("0x" + "aa" * 20, "LINK", 10**24)
        market.supply(OWNER, "WETH", 10 * WAD)
        market.borrow(OWNER, "USDC", 16_000 * 10**6)
        async with followed(market, tmp_path) as (loop, store):
            yield Watching(market, loop, store)


async def test_an_account_is_not_lost_by_a_read_that_failed(watching: Watching) -> None:
    """Euler liquidation-bot-v2: an exception becomes a balance of zero, a health of infinity, and no next update."""
    assert OWNER in await watching.rows()
    token = watching.market.reserve("LINK").variable_debt_token
    code = watching.market.chain.rpc.request("eth_getCode", token, "latest")
    await watching.do("borrow", OWNER, "LINK", 10 * WAD)
    other = "0x" + "e2" * 20
    await watching.do("supply", other, "WETH", WAD)
    await watching.do("borrow", other, "LINK", 10 * WAD)
    watching.market.chain.set_code(token, "0xfe")
    watching.market.chain.mine()
    assert (await watching.rows())[other]["status"] == "unmeasurable"
    watching.market.chain.set_code(token, code)
    watching.market.chain.mine()
    assert all(listed == says for listed, says in await watching.healths(OWNER, other))


async def test_the_second_event_of_an_account_counts_as_much_as_the_first(watching: Watching) -> None:
    """Euler liquidation-bot-v2: a set that lives as long as the process skips every later event of an account."""
    ((before, _),) = await watching.healths(OWNER)
    for _ in range(3):
        await watching.do("borrow", OWNER, "USDC", 300 * 10**6)
        await watching.do("borrow", OWNER, "USDC", 300 * 10**6)
        ((listed, says),) = await watching.healths(OWNER)
        assert listed == says < before
        before = listed


async def test_a_position_that_falls_at_every_poll_is_told_at_every_level_it_passes(watching: Watching) -> None:
    """Alpha-M2 liquidation-alerter: 25 polls at -1.5 % from 1.30 to 0.89, and no alert at all."""
    await watching.do("borrow", OWNER, "USDC", 300 * 10**6)
    told: list[tuple[int, Level]] = []
    position: Subject | None = None
    for poll in range(POLLS):
        await watching.do("scale_price", "WETH", FALL_PPM)
        ((listed, says),) = await watching.healths(OWNER)
        assert listed == says
        alerts = await watching.store.views.alerts()
        told = [(poll, view.alert.level) for view in alerts if view.alert.kind is AlertKind.WORSENED]
        position = alerts[0].alert.position if alerts else position
    levels = [level for _, level in told]
    assert position is not None
    assert position.key == OWNER
    assert levels[-1] is Level.LIQUIDATABLE
    assert {Level.WARN, Level.DANGER, Level.CRITICAL} <= set(levels)
    assert levels == sorted(levels)


async def test_an_endpoint_that_fails_empties_no_list(watching: Watching) -> None:
    """Morpho's bot and others: any error of the data source is an empty set of positions."""
    assert OWNER in await watching.rows()
    for endpoint in watching.loop.chain._endpoints:  # type: ignore[attr-defined]  # the node goes away under it
        endpoint.quarantine(60_000)
    watching.market.chain.mine()
    with pytest.raises(NoEndpoint):
        await watching.loop.once()
    assert (await watching.listed())[OWNER]["status"] == "unmeasurable"
