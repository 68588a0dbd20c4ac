"""A keeper who sends what a row quotes, in a block of the row's own number and second, and counts what that changed."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from monitor import resources
from monitor.adapter import Followed
from monitor.api import Metrics, create_app, listening
from monitor.api.app import Inside
from monitor.client import AtRiskQuestion, Keeper, PositionAnswer, QuoteAnswer, calldata, connected
from monitor.clock import SystemClock
from monitor.cycle.board import Board
from monitor.cycle.head import HeadLoop
from monitor.cycle.outlook import Outlooks
from monitor.cycle.ruling import Ruling
from monitor.cycle.step import Target
from monitor.cycle.whole import Whole
from monitor.domain.deployment import Deployment
from monitor.pricing.haircuts import NONE
from monitor.rules.levels import Levels
from monitor.screen.kernel import numpy_kernel
from monitor.settings import table
from monitor.sources.opening import open_chain
from monitor.sources.rpc.spec import ChainSpec, EndpointSpec
from monitor.store import Store
from monitor.units import WAD
from tests.devnet import Chain
from tests.fakes.audience import audience

BALANCE = "balanceOf(address)(uint256)"
Purse = Callable[[QuoteAnswer], tuple[int, int]]
"""What the liquidator has of what a quote makes it pay, and of what it says it receives."""


@asynccontextmanager
async def served(wholes: Sequence[Whole], store: Store) -> AsyncIterator[Keeper]:
    """The API over books in memory, and a keeper who asks it."""
    clock = SystemClock()
    inside = Inside(Board(tuple(wholes), store, clock))
    app = create_app(store.views, clock, Metrics(), inside=inside)
    async with listening(app) as (host, port), connected(f"http://{host}:{port}") as keeper:
        yield keeper


@asynccontextmanager
async def followed(chain: Chain, deployment: Deployment, adapter: Followed[Any], folder: Path) -> AsyncIterator[Keeper]:
    """A keeper of one deployment that is followed as a whole, as of the chain's newest block."""
    clock, outlooks = SystemClock(), Outlooks({}, NONE)
    levels = Levels.parse(table(resources.config() / "levels.toml"))
    spec = ChainSpec(deployment.chain, "local", 1_000, (EndpointSpec(chain.node.http_url),), allow_private=True)
    async with Store.open(f"sqlite:///{folder / 'hfm.db'}", clock) as store, open_chain(spec, clock) as source:
        target = Target(deployment, adapter, ())
        whole = Whole(target, adapter, 0, source, store, outlooks, numpy_kernel(), levels, 3 * WAD // 2, lambda: 0.5, 7)
        ruling, wholes = Ruling(store, levels, audience(), clock), {deployment.name: whole}
        loop = HeadLoop(source, (target,), outlooks, ruling, wholes, clock, 3 * WAD // 2)
        await loop.once()
        async with served((whole,), store) as keeper:
            yield keeper


async def offered(keeper: Keeper) -> list[PositionAnswer]:
    """Return everyone who can be liquidated now, the most profitable first; each must have a quote."""
    wanted = AtRiskQuestion(liquidatable_now=True, sort="profit", limit=50)
    rows = [row async for row in keeper.at_risk(wanted)]
    assert all(row.quote is not None and row.is_liquidatable_now for row in rows)
    return rows


def step_back(chain: Chain) -> None:
    """Take the newest block, which must be empty, away for good: one that is mined now has its number, as rows do."""
    assert chain.rpc.request("eth_getBlockByNumber", "latest", False)["transactions"] == []
    chain.rpc.request("anvil_rollback", 1)


def taken(chain: Chain, row: PositionAnswer, liquidator: str, purse: Purse) -> tuple[int, int]:
    """Send the call in a block of the row's number and second; return what the liquidator paid and received."""
    quote = row.quote
    assert quote is not None
    with chain.undone():
        before = purse(quote)
        chain.rpc.request("evm_setNextBlockTimestamp", hex(row.at_time))
        receipt = chain.transact({"from": liquidator, "to": quote.target, "data": "0x" + calldata(quote).hex()})
        assert int(receipt["blockNumber"], 16) == row.at_block
        paid, received = purse(quote)
        return before[0] - paid, received - before[1]


def tokens_of(chain: Chain, liquidator: str) -> Purse:
    """The liquidator's balances of the two tokens."""

    def purse(quote: QuoteAnswer) -> tuple[int, int]:
        return chain.view(quote.debt.address, BALANCE, liquidator), chain.view(
            quote.collateral.address, BALANCE, liquidator
        )

    return purse
