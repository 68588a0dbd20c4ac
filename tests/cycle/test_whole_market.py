"""At each of many blocks of random acts, the at-risk list is the contract's own answer for every account there is."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from monitor import resources
from monitor.clock import SystemClock
from monitor.cycle.board import Board
from monitor.cycle.head import HeadLoop
from monitor.cycle.outlook import Outlooks
from monitor.cycle.ruling import Ruling
from monitor.cycle.step import Target
from monitor.cycle.whole import Whole
from monitor.domain.deployment import Deployment
from monitor.domain.ids import ChainId, DeploymentName, Slug, address
from monitor.pricing.haircuts import NONE
from monitor.protocols import ADAPTERS
from monitor.rules.levels import Levels
from monitor.screen.kernel import numpy_kernel
from monitor.settings import table
from monitor.sources.opening import open_chain
from monitor.sources.rpc.spec import ChainSpec, EndpointSpec
from monitor.store import AtRisk, Store
from monitor.units import WAD
from tests.devnet import Market, aave_v30, aave_v36, running_chain
from tests.fakes.audience import audience
from tests.protocols.aave_v3.acting import Acting

pytestmark = pytest.mark.devnet
CHAIN = ChainId("eip155:31337")
BELOW_WAD = 3 * WAD // 2
REORG_EVERY, REORG_DEPTH = 5, 3


@asynccontextmanager
async def followed(market: Market, folder: Path, *urls: str) -> AsyncIterator[tuple[HeadLoop, Store]]:
    """Follow a devnet market as the service does, through its own node unless told otherwise."""
    async with all_followed({"local": market}, folder, *urls) as opened:
        yield opened


@asynccontextmanager
async def all_followed(
    markets: Mapping[str, Market], folder: Path, *urls: str
) -> AsyncIterator[tuple[HeadLoop, Store]]:
    """Follow devnet markets of one chain, each as a deployment of that name."""
    clock, slug, outlooks = SystemClock(), Slug("aave_v3"), Outlooks({}, NONE)
    levels, kernel = Levels.parse(table(resources.config() / "levels.toml")), numpy_kernel()
    node = next(iter(markets.values())).chain.node
    spec = ChainSpec(CHAIN, "local", 1_000, tuple(map(EndpointSpec, urls or (node.http_url,))), allow_private=True)
    async with Store.open(f"sqlite:///{folder / 'hfm.db'}", clock) as store, open_chain(spec, clock) as chain:

        def whole(name: str, market: Market) -> Whole:
            roots = {"pool_addresses_provider": address(market.deployed.provider)}
            target = Target(Deployment(DeploymentName(name), slug, CHAIN, roots), ADAPTERS[slug], ())
            return Whole(
                target, ADAPTERS[slug], 0, chain, store, outlooks, kernel, levels, 3 * WAD // 2, lambda: 0.5, 7
            )

        wholes = {DeploymentName(name): whole(name, market) for name, market in markets.items()}
        targets, ruling = tuple(one.target for one in wholes.values()), Ruling(store, levels, audience(), clock)
        yield HeadLoop(chain, targets, outlooks, ruling, wholes, clock, 3 * WAD // 2), store


async def listed(board: Board, block: int) -> dict[str, int]:
    """Return the native health of everyone on the at-risk list; every row must be of the block."""
    found: dict[str, int] = {}
    cursor = None
    while True:
        page = await board.at_risk(AtRisk(health_below_wad=BELOW_WAD), cursor=cursor, limit=1000)
        for view in page.items:
            assert view.row["status"] == "measured", view.row["reason"]
            assert view.row["at_block"] == block
            found[str(view.row["key"])] = int(str(view.row["native_health"]))
            assert (view.time_to_liquidation_s == 0) == (found[str(view.row["key"])] < WAD)
        cursor = page.next
        if cursor is None:
            return {key: health for key, health in found.items() if health < BELOW_WAD}


def truth(market: Market, users: list[str]) -> dict[str, int]:
    data = market.accounts_data(users)
    return {user: d.health_factor_wad for user, d in zip(users, data, strict=True) if d.health_factor_wad < BELOW_WAD}


async def hold_against_the_contract(market: Market, folder: Path, seed: int, blocks: int) -> int:
    """Return how many listed healths were equal to the contract's; raises on the first block that differs."""
    acting, equal = Acting(market, seed), 0
    await asyncio.to_thread(acting.begin)
    users = [user.lower() for user in (*acting.people, *market.accounts)]
    async with followed(market, folder) as (loop, store):
        board = Board(tuple(loop.wholes.values()), store, SystemClock())
        for number in range(blocks):
            if number % REORG_EVERY == REORG_EVERY - 1:
                await asyncio.to_thread(market.chain.reorg, REORG_DEPTH)
            await asyncio.to_thread(acting.block)
            head = await asyncio.to_thread(market.chain.head)
            while (at := await loop.chain.wait_for_head(None, 1)).hash != head.hash:
                assert at.number <= head.number
            await loop.once()
            (passed,) = loop.passes.values()
            assert passed.problem == ""
            expected, found = await asyncio.to_thread(truth, market, users), await listed(board, head.number)
            assert found.keys() == expected.keys(), (number, found.keys() ^ expected.keys())
            assert found == expected
            equal += len(found)
        (whole,) = loop.wholes.values()
        for finding in whole.audits.values():
            assert (finding.differing, finding.apart) == ((), {})
    return equal


@pytest.mark.parametrize(("opened", "seed"), [(aave_v30, 1), (aave_v36, 2)], ids=["v3.0.2", "v3.6"])
async def test_the_at_risk_list_is_the_contracts_answer_at_every_block(opened, seed, tmp_path):
    with running_chain() as chain:
        market = opened(chain, 100)
        assert await hold_against_the_contract(market, tmp_path, seed, 6) > 250


@pytest.mark.long
@pytest.mark.parametrize(("opened", "seed"), [(aave_v30, 3), (aave_v36, 4)], ids=["v3.0.2", "v3.6"])
async def test_the_at_risk_list_of_three_thousand_accounts_is_the_contracts_answer_at_two_hundred_blocks(
    opened, seed, tmp_path
):
    with running_chain() as chain:
        market = opened(chain, 3_000)
        assert await hold_against_the_contract(market, tmp_path, seed, 200) > 100_000
