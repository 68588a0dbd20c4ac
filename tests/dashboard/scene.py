"""The pages beside the real API, over a market on a local chain and a store with hostile names in it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from monitor.api import ApiKey, Metrics, create_app, listening
from monitor.api.app import ACCESS
from monitor.api.app import Inside as Answering
from monitor.app.entrance import Entrance
from monitor.clock import Clock, SystemClock
from monitor.cycle.board import Board
from monitor.cycle.head import HeadLoop
from monitor.cycle.whole import Whole
from monitor.dashboard import Inside, Site, Workings
from monitor.domain.ids import Address, ChainId, DeploymentName, Slug
from monitor.domain.row import Evaluation
from monitor.domain.token import Token
from monitor.export.csv import csv_text
from monitor.store import Commit, Cursor, Store
from tests.cycle.shocks.conftest import model_of
from tests.cycle.test_whole_market import all_followed
from tests.devnet import Market, aave_v30, running_chain
from tests.domain.hostile import PAYLOADS
from tests.fakes.evaluations import CHAIN, block, evaluation, position

HOSTILE = DeploymentName("hostile")


@dataclass
class Scene:
    """A running site, and what it shows."""

    url: str
    store: Store
    board: Board
    loop: HeadLoop | None = None
    market: Market | None = None


@asynccontextmanager
async def sited(
    store: Store,
    clock: Clock,
    wholes: Sequence[Whole] = (),
    keys: Sequence[ApiKey] = (),
    history: Path | None = None,
    workings: Workings | None = None,
) -> AsyncIterator[Scene]:
    """Serve pages and API over a store and books, as the service does."""
    board, works = Board(tuple(wholes), store, clock), workings or Workings()
    app = create_app(store.views, clock, Metrics(), keys, inside=Answering(board, store.keys))
    Site(Inside(board, clock, lambda: works, history, csv_text), Entrance(app[ACCESS])).add_to(app.router)
    async with listening(app) as (host, port):
        yield Scene(f"http://{host}:{port}", store, board)


@asynccontextmanager
async def staged(folder: Path, accounts: int) -> AsyncIterator[Scene]:
    """Serve a real market after a fall of its prices, beside positions whose tokens have hostile names."""
    with running_chain() as chain:
        market = await asyncio.to_thread(aave_v30, chain, accounts)
        async with all_followed({"local": market}, folder) as (loop, store):
            await asyncio.to_thread(market.scale_price, "WETH", 900_000)
            await loop.once()
            (whole,) = loop.wholes.values()
            whole.outlooks = replace(whole.outlooks, risk=model_of(market))
            await threaten(store)
            workings = Workings({"local": loop.chain.status()}, (), dict(loop.passes), {"outbox": 1})
            async with sited(store, SystemClock(), (whole,), workings=workings) as scene:
                scene.loop, scene.market = loop, market
                yield scene


async def threaten(store: Store) -> None:
    """Keep a position for each hostile text, as the symbol of its token, and as the reason why it is unknown."""
    await kept(store, [hostile(number, text) for number, text in enumerate(PAYLOADS, 1)])


def hostile(number: int, text: str) -> Evaluation:
    """Return an evaluation that says it."""
    of, weth = position(number, HOSTILE), Token(Address(f"0x{number:040x}"), text, 18)
    said = f"?{text}" if number % 4 == 0 else "0.9" if number % 2 else "1.08"
    return evaluation(said, of=of, weth=weth, blockers=(text,), distance_bps=None if number % 4 == 0 else 740)


async def kept(store: Store, evaluations: Sequence[Evaluation], deployment: str = HOSTILE, at: int = 1) -> None:
    """Commit evaluations as one step."""
    cursor = Cursor(DeploymentName(deployment), Slug("aave_v3"), ChainId(CHAIN), block(at))
    await store.commit(Commit(cursor, evaluations))
