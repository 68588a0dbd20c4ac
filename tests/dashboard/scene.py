"""The pages beside the real API, over a market on a local chain and a store with hostile names in it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from monitor.api import ApiKey, Metrics, create_app, listening
from monitor.api.app import ACCESS
from monitor.api.app import Inside as Answering
from monitor.clock import Clock, SystemClock
from monitor.cycle.board import Board
from monitor.cycle.head import HeadLoop
from monitor.cycle.whole import Whole
from monitor.dashboard import Inside, Site, Workings
from monitor.domain.ids import Address, ChainId, DeploymentName, Slug
from monitor.domain.row import Evaluation, Row, row
from monitor.domain.token import Token
from monitor.export.csv import csv_text
from monitor.history.keeping import kept as kept_history
from monitor.sources.rpc.chain import Chain
from monitor.store import Commit, Cursor, Store
from tests.cycle.shocks.conftest import model_of
from tests.cycle.test_whole_market import all_followed
from tests.devnet import Market, aave_v30, running_chain
from tests.domain.hostile import PAYLOADS
from tests.fakes.evaluations import CHAIN, block, evaluation, position

HOSTILE = DeploymentName("hostile")
LADEN = position(999, HOSTILE)
_HOUR_S = 3600


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
    watch: Clock | None = None,
) -> AsyncIterator[Scene]:
    """Serve pages and API over a store and books, as the service does; the pages may go by a clock of their own."""
    board, works = Board(tuple(wholes), store, clock), workings or Workings()
    app = create_app(store.views, clock, Metrics(), keys, inside=Answering(board, store.keys))
    Site(Inside(board, watch or clock, lambda: works, history, csv_text), app[ACCESS]).add_to(app)
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
            workings = Workings(
                {"local": cast("Chain", loop.chain).status()},
                (),
                {str(name): seen for name, seen in loop.passes.items()},
                {"outbox": 1},
            )
            remember(folder / "history")
            await remember_everyone(folder / "history")
            async with sited(store, SystemClock(), (whole,), history=folder / "history", workings=workings) as scene:
                scene.loop, scene.market = loop, market
                yield scene


async def threaten(store: Store) -> None:
    """Keep a position for each hostile text, as the symbol of its token, and as the reason why it is unknown."""
    await kept(store, [laden(), *(hostile(number, text) for number, text in enumerate(PAYLOADS, 1))])


def laden() -> Evaluation:
    """Return an evaluation of a position that holds a token of every hostile name."""
    seen = evaluation("1.02", of=LADEN)
    tokens = [Token(Address(f"0x{number:040x}"), text, 18) for number, text in enumerate(PAYLOADS, 1)]
    legs = tuple(replace(seen.protocol.legs[0], token=token, label=token.symbol) for token in tokens)
    (line,) = seen.liquidation_prices
    lines = tuple(replace(line, token=token) for token in tokens)
    return replace(seen, protocol=replace(seen.protocol, legs=legs, blockers=PAYLOADS), liquidation_prices=lines)


def hostile(number: int, text: str) -> Evaluation:
    """Return an evaluation that says it."""
    of, weth = position(number, HOSTILE), Token(Address(f"0x{number:040x}"), text, 18)
    said = f"?{text}" if number % 4 == 0 else "0.9" if number % 2 else "1.08"
    return evaluation(said, of=of, weth=weth, blockers=(text,), distance_bps=None if number % 4 == 0 else 740)


def remember(folder: Path) -> None:
    """Keep two days of the laden position: it sinks, is unknown for an hour, and recovers a little."""
    clock = SystemClock()
    now_s = clock.wall_s()
    with kept_history(folder, clock, 400) as history:
        for hour in range(48, 0, -1):
            said = "?no price" if hour == 20 else f"{(102 + abs(hour - 12)) / 100:.2f}"
            wary = said if said[0] == "?" else f"{float(said) - 0.04:.2f}"
            block_number = (now_s - hour * _HOUR_S - 1_750_000_000) // 12
            history.offer([evaluation(said, wary, of=LADEN, at=block_number)])


async def remember_everyone(folder: Path) -> None:
    """Keep four snapshots of a market of ten borrowers, of whom one more each day is past the line."""
    clock = SystemClock()
    now_s = clock.wall_s()
    with kept_history(folder, clock, 400) as history:
        for day in range(4, 0, -1):
            at = block(1, now_s - day * 24 * _HOUR_S)
            healths = ["0.95"] * (5 - day) + ["1.05"] * 2 + ["1.2"] * (3 + day)
            seen = [(number, evaluation(said, of=position(number, HOSTILE))) for number, said in enumerate(healths, 1)]
            moved = [replace(one, protocol=replace(one.protocol, at=at)) for _, one in seen]
            await history.market(_each([row(one) for one in moved]))


async def _each(rows: Sequence[Row]) -> AsyncIterator[Row]:
    for one in rows:
        yield one


async def kept(store: Store, evaluations: Sequence[Evaluation], deployment: str = HOSTILE, at: int = 1) -> None:
    """Commit evaluations as one step."""
    cursor = Cursor(DeploymentName(deployment), Slug("aave_v3"), ChainId(CHAIN), block(at))
    await store.commit(Commit(cursor, evaluations))
