"""What other monitors were seen to do wrong, with our own code in their place: none of it happens here."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from monitor.cycle.head import HeadLoop
from monitor.domain.alerts import AlertKind, Level
from monitor.domain.ids import PositionId
from monitor.store import AtRisk, Store
from tests.cycle.test_whole_market import followed
from tests.devnet import Market, aave_v36, running_chain

pytestmark = pytest.mark.devnet

OWNER = "0x" + "e1" * 20
LOOKBACK_BLOCKS = 10_000
POLLS = 25
FALL_PPM = 985_000
WAD = 10**18


@dataclass
class Watching:
    """A followed market and the list that keepers see."""

    market: Market
    loop: HeadLoop
    store: Store

    async def row(self, user: str = OWNER) -> Any:
        """Let the loop see the newest block; return the user's row, None where there is none."""
        head = await asyncio.to_thread(self.market.chain.head)
        while (await self.loop.chain.wait_for_head(None, 1)).hash != head.hash:
            await asyncio.sleep(0.01)
        await self.loop.once()
        page = await self.store.views.at_risk(AtRisk(), limit=1000)
        return next((view.row for view in page.items if view.row["key"] == user), None)

    async def health(self, user: str = OWNER) -> tuple[int, int]:
        """The health on the list, and the contract's own at the same block."""
        row = await self.row(user)
        says = await asyncio.to_thread(self.market.account_data, user)
        return int(row["native_health"]), says.health_factor_wad

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
    """euler liquidation-bot-v2: an exception becomes a balance of zero, a health of infinity, and no next update."""
    assert await watching.row() is not None
    token = watching.market.reserve("LINK").variable_debt_token
    code = watching.market.chain.rpc.request("eth_getCode", token, "latest")
    await watching.do("borrow", OWNER, "LINK", 10 * WAD)
    other = "0x" + "e2" * 20
    await watching.do("supply", other, "WETH", WAD)
    await watching.do("borrow", other, "LINK", 10 * WAD)
    watching.market.chain.set_code(token, "0xfe")
    watching.market.chain.mine()
    failed = await watching.row(other)
    assert failed is not None
    assert failed["status"] == "unmeasurable"
    watching.market.chain.set_code(token, code)
    watching.market.chain.mine()
    for user in (OWNER, other):
        listed, says = await watching.health(user)
        assert listed == says


async def test_the_second_event_of_an_account_counts_as_much_as_the_first(watching: Watching) -> None:
    """euler liquidation-bot-v2: a set that lives as long as the process skips every later event of an account."""
    before, _ = await watching.health()
    for _ in range(3):
        await watching.do("borrow", OWNER, "USDC", 300 * 10**6)
        await watching.do("borrow", OWNER, "USDC", 300 * 10**6)
        listed, says = await watching.health()
        assert listed == says < before
        before = listed


async def test_who_borrowed_longer_ago_than_any_lookback_is_found(watching: Watching) -> None:
    """Comet's liquidation bot: only borrowers of the last 10,000 blocks are ever looked at."""
    watching.market.chain.rpc.request("anvil_mine", hex(LOOKBACK_BLOCKS + 50))
    listed, says = await watching.health()
    assert listed == says


async def test_a_position_that_falls_at_every_poll_is_told_at_every_level_it_passes(watching: Watching) -> None:
    """Alpha-M2 liquidation-alerter: 25 polls at -1.5 % from 1.30 to 0.89, and no alert at all."""
    await watching.do("borrow", OWNER, "USDC", 300 * 10**6)
    told: list[tuple[int, Level]] = []
    position: PositionId | None = None
    for poll in range(POLLS):
        await watching.do("scale_price", "WETH", FALL_PPM)
        row = await watching.row()
        assert int(row["native_health"]) == watching.market.account_data(OWNER).health_factor_wad
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
    assert await watching.row() is not None
    for endpoint in watching.loop.chain._endpoints:  # type: ignore[attr-defined]  # the node goes away under it
        endpoint.quarantine(60_000)
    watching.market.chain.mine()
    with pytest.raises(Exception, match="expected"):
        await watching.loop.once()
    page = await watching.store.views.at_risk(AtRisk(), limit=10)
    assert [view.row["status"] for view in page.items if view.row["key"] == OWNER] == ["unmeasurable"]
