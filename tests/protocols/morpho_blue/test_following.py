"""A singleton followed as a whole: one search for all its markets, a new one as soon as somebody borrows there."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from monitor import resources
from monitor.clock import SystemClock
from monitor.cycle.backfill import Backfill, Cursor, Found
from monitor.cycle.board import Board
from monitor.cycle.head import HeadLoop
from monitor.cycle.outlook import Outlooks
from monitor.cycle.ruling import Ruling
from monitor.cycle.step import Target
from monitor.cycle.whole import Whole
from monitor.domain.ids import MarketKey, PositionKey
from monitor.domain.moment import BlockRef
from monitor.errors import ReadError
from monitor.pricing.haircuts import NONE
from monitor.protocols import ADAPTERS
from monitor.rules.levels import Levels
from monitor.screen.kernel import numpy_kernel
from monitor.settings import table
from monitor.sources.logs.gaps import Gaps
from monitor.sources.opening import open_chain
from monitor.sources.rpc.chain import Chain
from monitor.sources.rpc.spec import ChainSpec, EndpointSpec
from monitor.store import AtRisk, Store
from monitor.units import WAD
from tests.devnet.chain.client import DEPLOYER
from tests.devnet.morpho.market import ADD, BORROW, PARAMETERS, SUPPLY, One
from tests.fakes.audience import audience
from tests.faults.proxy import Faults, Proxy, running
from tests.protocols.morpho_blue.acting import Acting
from tests.protocols.morpho_blue.watched import SLUG, Watched

pytestmark = pytest.mark.devnet
ANY_WAD = 10**9 * WAD


@asynccontextmanager
async def chain_of(watched: Watched, *urls: str) -> AsyncIterator[Chain]:
    endpoints = tuple(map(EndpointSpec, urls or (watched.morpho.chain.node.http_url,)))
    spec = ChainSpec(watched.deployment.chain, "local", 1_000, endpoints, allow_private=True)
    async with open_chain(spec, SystemClock()) as chain:
        yield chain


@asynccontextmanager
async def followed(watched: Watched, folder: Path, *urls: str) -> AsyncIterator[tuple[HeadLoop, Whole, Board]]:
    levels, clock, outlooks = Levels.parse(table(resources.config() / "levels.toml")), SystemClock(), Outlooks({}, NONE)
    url = f"sqlite:///{folder / 'hfm.db'}"
    async with Store.open(url, clock) as store, chain_of(watched, *urls) as chain:
        target, adapter = Target(watched.deployment, watched.adapter, ()), ADAPTERS[SLUG]
        whole = Whole(target, adapter, 0, chain, store, outlooks, numpy_kernel(), levels, 3 * WAD // 2, lambda: 0.5, 7)
        wholes = {watched.deployment.name: whole}
        loop = HeadLoop(
            chain, (target,), outlooks, Ruling(store, levels, audience(), clock), wholes, clock, 3 * WAD // 2
        )
        yield loop, whole, Board([whole], store, clock)


async def turn(watched: Watched, loop: HeadLoop) -> BlockRef:
    """Let the loop see the newest block."""
    head = await asyncio.to_thread(watched.morpho.chain.head)
    while (at := await loop.chain.wait_for_head(None, 1)).hash != head.hash:
        assert at.number <= head.number
    await loop.once()
    return at


async def mined(watched: Watched, loop: HeadLoop) -> None:
    await asyncio.to_thread(watched.morpho.chain.mine)
    await turn(watched, loop)


async def debtors(board: Board, block: int) -> set[tuple[str, str]]:
    """Return market and account of everyone with debt; every row must be measured at the block."""
    found, cursor = set[tuple[str, str]](), None
    while True:
        page = await board.at_risk(AtRisk(health_below_wad=ANY_WAD), cursor=cursor, limit=1_000)
        for view in page.items:
            assert (view.row["status"], view.row["at_block"]) == ("measured", block), view.row["reason"]
            found.add((view.id.market, view.id.key))
        cursor = page.next
        if cursor is None:
            return found


def owing(watched: Watched, *more: One) -> set[tuple[str, str]]:
    morpho = watched.morpho
    return {
        (one.id, user.lower())
        for one in (*morpho.markets, *more)
        for user, (shares, _) in zip(morpho.people, morpho.positions(one, morpho.people), strict=True)
        if shares
    }


def asked(proxy: Proxy, method: str, wanted: Callable[[Any], bool] = lambda _: True) -> int:
    return sum(one["method"] == method and wanted(one["params"]) for request in proxy.requests for one in request)


def created(watched: Watched) -> One:
    """Create a market like another but for its line, in which nobody is yet."""
    morpho = watched.morpho
    like, lltv = morpho.of("weth-usdc"), morpho.of("wbtc-weth").shape.lltv
    one = replace(like, words=(*like.words[:4], lltv))
    morpho.send(f"createMarket({PARAMETERS})", one.words)
    return one


def borrowed(watched: Watched, one: One, user: str) -> None:
    morpho = watched.morpho
    morpho.send(SUPPLY, one.words, 10**6 * 10 ** one.decimals[1], 0, DEPLOYER, b"")
    morpho.send(ADD, one.words, 10 ** one.decimals[0], user, b"", sender=user)
    morpho.send(BORROW, one.words, 100 * 10 ** one.decimals[1], 0, user, user, sender=user)


async def test_a_search_for_nine_markets_takes_about_as_many_requests_as_one_for_one(watched: Watched) -> None:
    keys, found = [MarketKey(one.id) for one in watched.morpho.markets], dict[MarketKey, Found | ReadError]()
    posts, logs = dict[int, int](), dict[int, int]()
    async with running(watched.morpho.chain.node.http_url) as proxy, chain_of(watched, proxy.url) as chain:
        for endpoint in chain._endpoints:
            endpoint.log_limits.refused_blocks, endpoint.log_limits.blocks = 11, 10
        for some in (keys[:1], keys):
            proxy.forget()
            search = Backfill(chain, watched.adapter, watched.deployment, dict.fromkeys(some, 0))
            found = {**await search.run(dict.fromkeys(some, Cursor(0)))}
            posts[len(some)], logs[len(some)] = proxy.posts, asked(proxy, "eth_getLogs")
            for one in found.values():
                assert isinstance(one, Found)
                assert (one.shortfalls, one.failed) == ((), ())
    accounts = {(key, a.key) for key, one in found.items() if isinstance(one, Found) for p in one.accounts for a in p}
    assert accounts >= owing(watched)
    print(f"{posts[1]} requests for one market, {posts[9]} for nine; for logs {logs[1]} and {logs[9]}")
    assert logs[9] == logs[1] > 3
    assert posts[9] <= posts[1] + 3


async def test_all_markets_are_opened_by_one_search_and_stay_exact_through_random_acts(
    watched: Watched, tmp_path: Path
) -> None:
    acting = Acting(watched, 11)
    async with (
        running(watched.morpho.chain.node.http_url) as proxy,
        followed(watched, tmp_path, proxy.url) as (loop, whole, board),
    ):
        await turn(watched, loop)
        logs = asked(proxy, "eth_getLogs", lambda params: "fromBlock" in params[0])
        assert len(whole.books) == 9
        for _ in range(12):
            await asyncio.to_thread(acting.block)
            at = await turn(watched, loop)
            assert await debtors(board, at.number) == await asyncio.to_thread(owing, watched)
        (passed,) = loop.passes.values()
        assert (passed.problem, passed.failures) == ("", 0)
        assert not any(finding.apart or finding.differing for finding in whole.audits.values())
        assert len(whole.audits) == 9
        proxy.forget()
        for _ in range(5):
            await mined(watched, loop)
        print(f"{logs} requests for ranges of logs to open nine markets, {proxy.posts} requests in 5 quiet blocks")
        assert logs <= 4
        assert proxy.posts <= 5 * 5


async def test_a_market_is_opened_with_the_block_after_somebody_first_borrows_there(
    watched: Watched, tmp_path: Path
) -> None:
    user = watched.morpho.people[3]
    async with (
        running(watched.morpho.chain.node.http_url) as proxy,
        followed(watched, tmp_path, proxy.url) as (loop, whole, board),
    ):
        await turn(watched, loop)
        one = await asyncio.to_thread(created, watched)
        birth = await turn(watched, loop)
        assert MarketKey(one.id) not in whole.books
        await asyncio.to_thread(borrowed, watched, one, user)
        await turn(watched, loop)
        proxy.forget()
        await asyncio.to_thread(watched.morpho.chain.mine)
        at = await turn(watched, loop)
        assert MarketKey(one.id) in whole.books
        assert (one.id, user.lower()) in await debtors(board, at.number)
        first = [
            int(request["params"][0]["fromBlock"], 16)
            for batch in proxy.requests
            for request in batch
            if request["method"] == "eth_getLogs" and "fromBlock" in request["params"][0]
        ]
        created_at = whole.listing.created[MarketKey(one.id)]
        assert created_at == birth.number
        assert created_at in first


async def test_a_market_that_cannot_be_opened_leaves_the_others_followed_and_is_tried_less_and_less_often(
    watched: Watched, tmp_path: Path
) -> None:
    chain, one = watched.morpho.chain, watched.morpho.of("gusd-wbtc")
    code = chain.rpc.request("eth_getCode", one.collateral, "latest")
    chain.set_code(one.collateral, "0xfe")
    chain.mine()
    async with followed(watched, tmp_path) as (loop, whole, board):
        tries = list[int]()
        opened = whole.opening.opened

        async def counted(keys: Any, kept: Any) -> Any:
            tries.append(at.number)
            return await opened(keys, kept)

        object.__setattr__(whole, "opening", _Counted(whole.opening, counted))
        at = await asyncio.to_thread(chain.head)
        await turn(watched, loop)
        for _ in range(20):
            await asyncio.to_thread(chain.mine)
            at = await asyncio.to_thread(chain.head)
            await turn(watched, loop)
        assert list(whole.unopened) == [MarketKey(one.id)]
        assert isinstance(whole.unopened[MarketKey(one.id)], ReadError)
        (passed,) = loop.passes.values()
        assert (passed.passes, passed.failures) == (21, 0)
        gaps = [later - earlier for earlier, later in pairwise(tries)]
        assert gaps == [1, 2, 4, 8]
        assert {market for market, _ in await debtors(board, at.number)} == {
            other.id for other in watched.morpho.markets if other is not one
        }
        chain.set_code(one.collateral, code)
        for _ in range(16):
            await mined(watched, loop)
        assert whole.unopened == {}
        assert len(whole.books) == 9


class _Counted:
    """An opening that is counted."""

    def __init__(self, opening: Any, opened: Any) -> None:
        self._opening, self.opened = opening, opened

    def __getattr__(self, name: str) -> Any:
        return getattr(self._opening, name)


async def test_started_again_all_books_come_from_the_store_and_nothing_is_searched(
    watched: Watched, tmp_path: Path
) -> None:
    async with followed(watched, tmp_path) as (loop, _, _):
        await turn(watched, loop)
    await asyncio.to_thread(watched.morpho.chain.mine)
    async with (
        running(watched.morpho.chain.node.http_url) as proxy,
        followed(watched, tmp_path, proxy.url) as (loop, whole, board),
    ):
        at = await turn(watched, loop)
        assert len(whole.books) == 9
        assert await debtors(board, at.number) == await asyncio.to_thread(owing, watched)
        print(f"{proxy.posts} requests to go on with nine books")
        assert proxy.posts <= 26


async def test_logs_are_looked_for_again_once_for_all_markets_and_a_lost_one_is_made_good(
    watched: Watched, tmp_path: Path
) -> None:
    one, user = watched.morpho.of("weth-usdc"), watched.morpho.people[5]
    async with (
        running(watched.morpho.chain.node.http_url) as proxy,
        followed(watched, tmp_path, proxy.url) as (loop, whole, _),
    ):
        whole.gaps = defaultdict(lambda: Gaps(every_blocks=6))
        await turn(watched, loop)
        await mined(watched, loop)
        proxy.faults = Faults(changes=lambda method, _, result: [] if method == "eth_getLogs" else result)
        await asyncio.to_thread(borrowed, watched, one, user)
        await turn(watched, loop)
        proxy.faults = Faults()
        book = whole.books[MarketKey(one.id)]
        key = PositionKey(user.lower())
        (lost,) = book.journal.ledger.accounts(book.rows_of([key]))
        proxy.forget()
        for _ in range(4):
            await mined(watched, loop)
        (found,) = book.journal.ledger.accounts(book.rows_of([key]))
        assert found == await asyncio.to_thread(watched.account, watched.market(one), key)
        assert found != lost
        again = asked(proxy, "eth_getLogs", lambda params: "fromBlock" in params[0])
        assert again == 1
