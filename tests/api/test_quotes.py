"""From the list to the chain: a keeper sends the call that a row quotes, and is paid exactly what the row said."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from monitor.client import AtRiskQuestion, Keeper, PositionAnswer, WhatIfQuestion, calldata
from monitor.units import WAD
from tests.api.taking import BALANCE, served
from tests.cycle.shocks.conftest import model_of
from tests.cycle.test_whole_market import all_followed
from tests.devnet import LIQUIDATOR, Chain, aave_v30, aave_v36, running_chain
from tests.devnet.morpho.opening import morpho_blue
from tests.protocols.morpho_blue.test_following import followed as followed_morpho
from tests.protocols.morpho_blue.watched import Watched

pytestmark = pytest.mark.devnet
ENOUGH = 10**40


def taken(chain: Chain, row: PositionAnswer) -> tuple[int, int]:
    """Send the call in the second of the row's block; return what the liquidator paid and received."""
    quote = row.quote
    assert quote is not None
    tokens = quote.debt.address, quote.collateral.address
    with chain.undone():
        chain.send(tokens[0], "mint(address,uint256)", LIQUIDATOR, ENOUGH)
        chain.send(tokens[0], "approve(address,uint256)", quote.target, 2**256 - 1, sender=LIQUIDATOR)
        before = [chain.view(token, BALANCE, LIQUIDATOR) for token in tokens]
        chain.rpc.request("evm_setNextBlockTimestamp", hex(row.at_time))
        chain.transact({"from": LIQUIDATOR, "to": quote.target, "data": "0x" + calldata(quote).hex()})
        paid, received = (chain.view(token, BALANCE, LIQUIDATOR) for token in tokens)
        return before[0] - paid, received - before[1]


async def all_taken(chain: Chain, keeper: Keeper, most: int) -> Counter[str]:
    """Take the most profitable, each alone, and hold what is paid against what was said."""
    wanted, pairs = AtRiskQuestion(liquidatable_now=True, sort="profit", limit=50), Counter[str]()
    rows = [row async for row in keeper.at_risk(wanted)]
    profits = [int(row.quote.profit_base) for row in rows if row.quote]
    assert len(profits) == len(rows)
    assert [row.is_liquidatable_now for row in rows] == [True] * len(rows)
    for row in rows[:: max(len(rows) // most, 1)]:
        quote = row.quote
        assert quote is not None
        if quote.debt.address == quote.collateral.address:
            continue
        said = int(quote.debt_to_cover_raw), int(quote.collateral_to_liquidator_raw)
        assert await asyncio.to_thread(taken, chain, row) == said, row.id
        pairs[f"{quote.debt.symbol} for {quote.collateral.symbol}"] += 1
    return pairs


@pytest.mark.parametrize("opened", [aave_v30, aave_v36], ids=["v3.0", "v3.6"])
async def test_a_keeper_of_aave_is_paid_what_the_row_said(tmp_path, opened):
    with running_chain() as chain:
        market = await asyncio.to_thread(opened, chain, 60)
        async with all_followed({"local": market}, tmp_path) as (loop, store):
            await asyncio.to_thread(market.scale_price, "WETH", 700_000)
            # The pool books interest with every call; the liquidation is sent within the second of its block.
            chain.rpc.request("anvil_setBlockTimestampInterval", 0)
            await loop.once()
            async with served(tuple(loop.wholes.values()), store) as keeper:
                pairs = await all_taken(chain, keeper, 12)
        print(pairs)
        assert pairs.total() >= 8


async def test_a_keeper_of_morpho_is_paid_what_the_row_said(tmp_path):
    with running_chain() as chain:
        watched = Watched(await asyncio.to_thread(morpho_blue, chain, 30))
        for one in watched.morpho.markets[:4]:
            await asyncio.to_thread(watched.morpho.scale, one, 850_000)
        async with followed_morpho(watched, tmp_path) as (loop, whole, board):
            chain.rpc.request("anvil_setBlockTimestampInterval", 0)
            await loop.once()
            async with served((whole,), board.store) as keeper:
                pairs = await all_taken(chain, keeper, 12)
        print(pairs)
        assert pairs.total() >= 5


async def test_what_is_said_of_other_prices_is_what_the_contract_says_when_they_come(tmp_path):
    with running_chain() as chain:
        market = await asyncio.to_thread(aave_v30, chain, 60)
        async with all_followed({"local": market}, tmp_path) as (loop, store):
            await asyncio.to_thread(chain.mine)
            await loop.once()
            (whole,) = loop.wholes.values()
            whole.outlooks = replace(whole.outlooks, risk=model_of(market))
            async with served((whole,), store) as keeper:
                found = await keeper.what_if(WhatIfQuestion(shocks=("ETH:-30%",), limit=100))
                curves = await keeper.levels("ETH")
                markets = await keeper.markets()
                near = [row async for row in keeper.at_risk(AtRiskQuestion(health_below="1.6", limit=1000))]
                one = await keeper.position(near[-1].id, history=3, price="ETH:-30%")
                owned = await keeper.owner(near[-1].key)
            with chain.undone():
                chain.rpc.request("anvil_setBlockTimestampInterval", 0)
                now = {u: market.account_data(u).health_factor_wad for u in market.accounts}
                market.scale_prices(dict.fromkeys(("WETH",), 700000))
                then = {u: market.account_data(u).health_factor_wad for u in market.accounts}
        (it,) = found.items
        assert (it.now.least_accounts, it.now.most_accounts) == (sum(h < WAD for h in now.values()),) * 2
        assert it.then.least_accounts == it.then.most_accounts == sum(h < WAD for h in then.values())
        entered = {u.lower() for u in then if then[u] < WAD <= now[u]}
        assert {each.id.rsplit("/", 1)[1] for each in it.first} == entered
        assert it.entered.most_accounts == len(entered) > 0
        assert [each.id for each in owned] == [near[-1].id]
        assert one.repriced is not None
        assert one.repriced.health_factor_then is not None
        shown = int(one.repriced.health_factor_then.replace(".", ""))
        assert shown == next(h for u, h in then.items() if u.lower() == near[-1].key)
        (told,) = markets.items
        owing = sum(h < 2**255 for h in now.values())
        assert told.borrowers <= owing <= told.borrowers + told.unknown <= told.accounts
        weth = next(asset for asset in told.assets if asset.token.symbol == "WETH")
        assert weth.is_debt
        assert weth.most_weight_bps
        assert all(price.age_s is not None for price in told.prices if price.price and price.method == "market")
        assert told.least_past_line <= sum(h < WAD for h in now.values()) <= told.most_past_line
        (curve,) = [c for c in curves.items if c.asset == weth.token.address or len(curves.items) == 1]
        past = {level.ratio_ppm: level.past for level in curve.levels}
        assert past[1_000_000].least_accounts <= it.now.most_accounts
        assert past[700_000].least_accounts <= past[700_000].most_accounts
