"""A row's call is sent on real contracts of every protocol that the devnet has, and pays exactly what the row said."""

import asyncio
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from monitor.app.parts import followed as supported
from monitor.client import Keeper, QuoteAnswer
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, Slug
from tests.api.taking import Purse, followed, offered, step_back, taken, tokens_of
from tests.devnet import Chain, running_chain
from tests.devnet.aave_v2.market import LIQUIDATOR as AAVE_LIQUIDATOR
from tests.devnet.aave_v2.opening import aave_v2
from tests.devnet.aave_v2.shape import BASES
from tests.devnet.curie.house import LIQUIDATOR as TAKER
from tests.devnet.curie.house import House
from tests.devnet.curie.opening import HALF_HOUR_S, opened
from tests.devnet.venus.core import core_pool, liquidator_contract
from tests.devnet.venus.isolated import isolated_pool
from tests.devnet.venus.pool import LIQUIDATOR as VENUS_LIQUIDATOR
from tests.protocols.aave_v2.watched import Watched as AaveV2
from tests.protocols.compound_v2.venus.watched import Watched as Venus

pytestmark = pytest.mark.devnet


async def all_taken(chain: Chain, keeper: Keeper, liquidator: str, purse: Purse) -> Counter[str]:
    """Take up to fifteen of those who can be liquidated, each alone; return how often which call was made."""
    rows, calls = await offered(keeper), Counter[str]()
    step_back(chain)
    for row in rows[:: max(len(rows) // 15, 1)]:
        quote = row.quote
        assert quote is not None
        if quote.debt.address == quote.collateral.address:
            continue
        said = int(quote.debt_to_cover_raw), int(quote.collateral_to_liquidator_raw)
        assert await asyncio.to_thread(taken, chain, row, liquidator, purse) == said, row.id
        calls[f"{quote.function.partition('(')[0]} of {quote.debt.symbol} for {quote.collateral.symbol}"] += 1
    print(calls)
    return calls


@pytest.mark.parametrize("base", BASES)
async def test_a_keeper_of_aave_v2_is_paid_what_the_row_said(tmp_path: Path, base: str) -> None:
    with running_chain() as chain:
        watched = AaveV2(await asyncio.to_thread(aave_v2, chain, base))
        for symbol in ("DAI", "USDC", "WBTC"):
            watched.devnet.scale_price(symbol, 1_500_000)
        chain.advance_time(86_400)
        async with followed(chain, watched.deployment, watched.adapter, tmp_path) as keeper:
            calls = await all_taken(chain, keeper, AAVE_LIQUIDATOR, tokens_of(chain, AAVE_LIQUIDATOR))
        assert calls.total() >= 10


@pytest.mark.parametrize("time_based", [True, False], ids=["seconds", "blocks"])
async def test_a_keeper_of_an_isolated_pool_of_venus_is_paid_what_the_row_said(
    tmp_path: Path, *, time_based: bool
) -> None:
    with running_chain() as chain:
        pool = await asyncio.to_thread(lambda: isolated_pool(chain, time_based=time_based, people=60))
        for symbol in ("WETH", "WBTC", "USDC"):
            pool.scale(pool.of(symbol), 700_000)
        chain.advance_time(40 * 86_400)
        watched = Venus(pool)
        async with followed(chain, watched.deployment, supported(watched.deployment.protocol), tmp_path) as keeper:
            calls = await all_taken(chain, keeper, VENUS_LIQUIDATOR, tokens_of(chain, VENUS_LIQUIDATOR))
        assert calls.total() >= 5


@pytest.mark.parametrize("by_contract", [False, True], ids=["vTokens", "Liquidator"])
async def test_a_keeper_of_the_core_pool_of_venus_is_paid_what_the_row_said(
    tmp_path: Path, *, by_contract: bool
) -> None:
    with running_chain() as chain:
        pool = await asyncio.to_thread(core_pool, chain, 60)
        if by_contract:
            liquidator_contract(pool)
        for symbol in ("WETH", "WBTC", "USDC"):
            pool.scale(pool.of(symbol), 550_000)
        chain.mine(500)
        watched = Venus(pool)
        async with followed(chain, watched.deployment, supported(watched.deployment.protocol), tmp_path) as keeper:
            calls = await all_taken(chain, keeper, VENUS_LIQUIDATOR, tokens_of(chain, VENUS_LIQUIDATOR))
        assert calls.total() >= 8


@pytest.mark.parametrize(("percent", "traded"), [(90, -500_000), (110, 500_000)], ids=["longs", "shorts"])
async def test_a_keeper_of_a_clearing_house_takes_over_what_the_row_said_at_that_discount(
    tmp_path: Path, percent: int, traded: int
) -> None:
    with running_chain() as chain:
        house = await asyncio.to_thread(opened, chain, 60)
        chain.send(house.settlement.address, "mint(address,uint256)", TAKER, 10**15)
        for feed in (one.feed for one in house.markets):
            house.tell(feed, chain.view(feed, "price()(uint256)") * percent // 100)
        for _ in range(3):
            chain.bulk([house.trade(house.makers[0], one, traded * 10**18) for one in house.markets])
            house.wait(HALF_HOUR_S)
        roots, slug = {"clearing_house": Address(house.at["ClearingHouse"].lower())}, Slug("perp_v2")
        deployment = Deployment(DeploymentName("local-perp"), slug, ChainId("eip155:31337"), roots)
        async with followed(chain, deployment, supported(slug), tmp_path) as keeper:
            rows, calls = await offered(keeper), Counter[str]()
        step_back(chain)
        for row in rows:
            quote = row.quote
            assert quote is not None
            said = int(quote.debt_to_cover_raw), int(quote.collateral_to_liquidator_raw)
            if quote.function.startswith("liquidateCollateral"):
                assert await asyncio.to_thread(taken, chain, row, TAKER, tokens_of(chain, TAKER)) == said, row.id
                calls["collateral sold"] += 1
                continue
            paid, size = await asyncio.to_thread(taken, chain, row, TAKER, partial(taken_over, house))
            at_the_mark = abs(paid + int(quote.profit_base))
            assert (at_the_mark // 10**12, abs(size)) == said, row.id
            calls["long taken over" if size > 0 else "short taken over"] += 1
        print(calls)
        assert calls["long taken over" if percent < 100 else "short taken over"] >= 5
        assert calls["collateral sold"]


def taken_over(house: House, quote: QuoteAnswer) -> tuple[int, int]:
    """The liquidator's open notional, which a long has below zero, and its position, both ×1e18."""
    of, pair = house.at["AccountBalance"], (TAKER, quote.collateral.address)
    size = house.chain.view(of, "getTakerPositionSize(address,address)(int256)", *pair)
    return house.chain.view(of, "getTakerOpenNotional(address,address)(int256)", *pair), size
