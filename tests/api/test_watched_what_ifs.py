"""What-ifs where only watched positions are known: told as such, the contract's own answers, never silently in part."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from monitor import resources
from monitor.api import Metrics, create_app, listening
from monitor.api.app import Inside
from monitor.client import Keeper, Refused, WhatIfQuestion, connected
from monitor.clock import SystemClock
from monitor.cycle.answers.watched import Watched
from monitor.cycle.board import Board
from monitor.cycle.head import HeadLoop
from monitor.cycle.outlook import Outlooks
from monitor.cycle.ruling import Ruling
from monitor.cycle.step import Target
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionId, PositionKey, Slug, address
from monitor.pricing.haircuts import NONE
from monitor.protocols import ADAPTERS
from monitor.rules.levels import Levels
from monitor.screen.kernel import numpy_kernel
from monitor.settings import table
from monitor.sources.opening import open_chain
from monitor.sources.rpc.spec import ChainSpec, EndpointSpec
from monitor.store import Store
from monitor.units import WAD
from tests.cycle.shocks.conftest import model_of
from tests.devnet import Market, aave_v30, running_chain
from tests.fakes.audience import audience

pytestmark = pytest.mark.devnet
CHAIN, SLUG, ELSEWHERE = ChainId("eip155:31337"), Slug("aave_v3"), "elsewhere"


@asynccontextmanager
async def watching(market: Market, owners: Sequence[str], folder: Path) -> AsyncIterator[tuple[HeadLoop, Keeper]]:
    """A service that watches some owners in the market, and is to read another one that it has not come to yet."""
    clock, outlooks = SystemClock(), replace(Outlooks({}, NONE), risk=model_of(market))
    levels = Levels.parse(table(resources.config() / "levels.toml"))
    spec = ChainSpec(CHAIN, "local", 1_000, (EndpointSpec(market.chain.node.http_url),), allow_private=True)
    async with Store.open(f"sqlite:///{folder / 'hfm.db'}", clock) as store, open_chain(spec, clock) as chain:
        roots = {"pool_addresses_provider": address(market.deployed.provider)}
        deployment = Deployment(DeploymentName("local"), SLUG, CHAIN, roots)
        target = Target(deployment, ADAPTERS[SLUG], tuple(Address(one.lower()) for one in owners))
        beside = Target(replace(deployment, name=DeploymentName(ELSEWHERE)), ADAPTERS[SLUG], ())
        ruling = Ruling(store, levels, audience(), clock)
        loop = HeadLoop(chain, (target,), outlooks, ruling, {}, clock, 3 * WAD // 2)
        later = HeadLoop(chain, (beside,), outlooks, ruling, {}, clock, 3 * WAD // 2)
        board = Board((), store, clock, Watched((loop, later), outlooks, numpy_kernel(), ADAPTERS))
        app = create_app(store.views, clock, Metrics(), inside=Inside(board))
        async with listening(app) as (host, port), connected(f"http://{host}:{port}") as keeper:
            yield loop, keeper


def position(market: Market, owner: str) -> str:
    pool = MarketKey(market.deployed.pool.lower())
    return str(PositionId(CHAIN, SLUG, DeploymentName("local"), pool, PositionKey(owner.lower())))


async def test_what_is_said_of_the_watched_is_what_the_contract_says_when_prices_come(tmp_path: Path) -> None:
    with running_chain() as chain:
        market = await asyncio.to_thread(aave_v30, chain, 40)
        owing = [u for u in market.accounts if market.account_data(u).health_factor_wad < 2**255]
        owners = owing[::2]
        async with watching(market, owners, tmp_path) as (loop, keeper):
            await asyncio.to_thread(chain.mine)
            await loop.once()
            found = await keeper.what_if(WhatIfQuestion(shocks=("ETH:-30%",), limit=100))
            curves = await keeper.levels("ETH")
            alone = [await keeper.position(position(market, one), price="ETH:-30%") for one in owners[:10]]
            with pytest.raises(Refused) as stranger:
                await keeper.position(position(market, owing[1]), price="ETH:-30%")
        with chain.undone():
            chain.rpc.request("anvil_setBlockTimestampInterval", 0)
            now = {u.lower(): market.account_data(u).health_factor_wad for u in owners}
            market.scale_prices({"WETH": 700_000})
            then = {u.lower(): market.account_data(u).health_factor_wad for u in owners}
    (it,) = found.items
    assert (it.covers, found.unanswered) == ("watched", (ELSEWHERE,))
    assert it.now.least_accounts == it.now.most_accounts == sum(h < WAD for h in now.values())
    assert it.then.least_accounts == it.then.most_accounts == sum(h < WAD for h in then.values())
    entered = {u for u in then if then[u] < WAD <= now[u]}
    assert {each.id.rsplit("/", 1)[1] for each in it.first} == entered
    assert entered
    assert {curve.covers for curve in curves.items} == {"watched"}
    assert curves.unanswered == (ELSEWHERE,)
    weth = market.deployed.reserve("WETH").token.lower()
    (curve,) = [one for one in curves.items if one.asset == weth or len(curves.items) == 1]
    past = {level.ratio_ppm: level.past for level in curve.levels}
    assert len(entered) <= past[700_000].least_accounts == past[700_000].most_accounts <= it.then.least_accounts
    for each in alone:
        assert each.repriced is not None
        assert each.repriced.health_factor_then is not None
        shown = int(each.repriced.health_factor_then.replace(".", ""))
        assert then[each.key] - shown in (0, 1), "the contract rounds half up, the row down"
    assert stranger.value.status == 404


async def test_what_could_not_be_read_last_is_named_and_not_left_out_in_silence(tmp_path: Path) -> None:
    with running_chain() as chain:
        market = await asyncio.to_thread(aave_v30, chain, 10)
        owners = market.accounts[:4]
        async with watching(market, owners, tmp_path) as (loop, keeper):
            asked = WhatIfQuestion(shocks=("ETH:-30%",))
            before = await keeper.what_if(asked)
            assert (before.items, set(before.unanswered)) == ((), {"local", ELSEWHERE})
            await loop.once()
            assert (await keeper.what_if(asked)).unanswered == (ELSEWHERE,)
            await asyncio.to_thread(market.chain.set_code, market.deployed.pool, "0x")
            await asyncio.to_thread(chain.mine)
            await loop.once()
            after = await keeper.what_if(asked)
            assert after.items == ()
            assert set(after.unanswered) - {ELSEWHERE} <= {"local", f"local/{market.deployed.pool.lower()}"}
            assert len(after.unanswered) == 2
            assert (await keeper.levels("ETH")).unanswered == after.unanswered
            with pytest.raises(Refused) as refused:
                await keeper.position(position(market, owners[0]), price="ETH:-30%")
            assert refused.value.status in (404, 409)
            assert (await keeper.what_if(asked.model_copy(update={"deployment": ELSEWHERE}))).unanswered == (ELSEWHERE,)
