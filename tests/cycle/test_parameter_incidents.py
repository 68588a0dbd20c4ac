"""Parameter changes that liquidated people, on a real pool: told in their block, with the contract's own healths."""

import json
from collections.abc import Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from monitor.domain.alerts import Alert, AlertKind
from monitor.domain.ids import PositionKey, address
from monitor.units import WAD, scaled_from_text
from tests.cycle.telling import Teller, key_of, telling
from tests.devnet import Market, aave_v36, running_chain
from tests.devnet.people.features import legs_of

pytestmark = pytest.mark.devnet

SET_CAP = "setCapParameters((uint104,uint48,uint16))"
SET_SOURCES = "setAssetSources(address[],address[])"
CONFIGURE = "configureReserveAsCollateral(address,uint256,uint256,uint256)"
DAY_S = 86_400
STAKED = "wstETH"


@asynccontextmanager
async def watched(folder: Path, symbol: str):
    """A pool in which everyone outside e-mode who owes and holds or owes a reserve is watched."""
    with running_chain() as chain:
        market = aave_v36(chain, 150)
        legs = {u: one for u, one in legs_of(market, market.accounts).items() if one.debts and one.e_mode == 0}
        mine = [PositionKey(address(u)) for u, one in legs.items() if symbol in (*one.collateral, *one.debts)]
        async with telling(market, folder) as teller:
            teller.concerned = [PositionKey(address(u)) for u in legs]
            yield market, teller, mine


def healths(market: Market, keys: list[PositionKey]) -> dict[PositionKey, int]:
    data = market.accounts_data(keys)
    return {key: one.health_factor_wad for key, one in zip(keys, data, strict=True)}


async def told(market: Market, teller: Teller, mine: list[PositionKey], act: Sequence[Any]) -> dict[PositionKey, Alert]:
    """Have somebody change a parameter and return what each is told of it, at the block that changed it."""
    await teller.turn()
    was = healths(market, mine)
    market.chain.send(*act)
    alerts = {key_of(a): a for a in await teller.turn() if a.kind is AlertKind.PARAMETER_CHANGED}
    now, block = healths(market, mine), market.chain.head().number
    assert sorted(alerts) == sorted(mine)
    for key, alert in alerts.items():
        assert alert.at_block == block
        assert scaled_from_text(alert.facts["health"], 18) == now[key]
        assert scaled_from_text(alert.facts["health_before"], 18) == was[key]
    assert await teller.turn() == []
    return alerts


def changes(alert: Alert) -> dict[str, tuple[str | None, str | None]]:
    return {one["field"]: (one.get("old"), one.get("new")) for one in json.loads(alert.facts["changes"])}


async def test_s01_a_cap_below_the_ratio_is_told_in_its_block_though_no_log_of_the_pool_tells_it(tmp_path: Path):
    async with watched(tmp_path, STAKED) as (market, teller, mine):
        source, now_s = market.reserve(STAKED).feed.source, market.chain.head().timestamp_s
        ratio = market.chain.view(source, "getRatio()(int256)")
        low = ratio * 11_919 // 12_282
        act = (source, SET_CAP, (low, now_s - 7 * DAY_S, 875))
        alerts = await told(market, teller, mine, act)
        assert market.chain.view(source, "isCapped()(bool)")
        assert alerts
        for alert in alerts.values():
            found = changes(alert)
            assert found["price cap snapshot"][1] is not None
            assert scaled_from_text(found["price cap snapshot"][1], 18) == low
            assert found["price cap snapshot time"][1] is not None
            assert "transaction" not in alert.facts
        assert any(
            scaled_from_text(a.facts["health"], 18) < scaled_from_text(a.facts["health_before"], 18)
            for a in alerts.values()
        )


async def test_a_price_source_that_loses_its_dollar_leg_is_told_in_its_block_with_the_health_it_makes(tmp_path: Path):
    async with watched(tmp_path, STAKED) as (market, teller, mine):
        feed, token = market.reserve("DAI").feed.source, market.reserve(STAKED).token
        alerts = await told(market, teller, mine, (market.deployed.oracle, SET_SOURCES, [token], [feed]))
        for alert in alerts.values():
            assert "price source" in changes(alert)
            assert "transaction" in alert.facts
        assert any(
            scaled_from_text(a.facts["health"], 18) < WAD < scaled_from_text(a.facts["health_before"], 18)
            for a in alerts.values()
        )


async def test_s14_a_threshold_put_to_60_percent_is_told_in_its_block_with_the_health_it_leaves(tmp_path: Path):
    async with watched(tmp_path, STAKED) as (market, teller, mine):
        token = market.reserve(STAKED).token
        act = (market.deployed.configurator, CONFIGURE, token, 5_000, 6_000, 10_700)
        legs = legs_of(market, [str(key) for key in mine])
        holders = [PositionKey(address(u)) for u, one in legs.items() if STAKED in one.collateral]
        alerts = await told(market, teller, holders, act)
        assert {changes(alert)["threshold"][1] for alert in alerts.values()} == {"60 %"}
        assert any(
            scaled_from_text(a.facts["health"], 18) < WAD < scaled_from_text(a.facts["health_before"], 18)
            for a in alerts.values()
        )
