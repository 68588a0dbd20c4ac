"""Everyone who owes is found from the logs, whatever fails on the way, and the market's own totals prove it."""

import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from monitor.abi import interface
from monitor.clock import SystemClock
from monitor.cycle.backfill import Backfill, Cursor, Found, first_block
from monitor.cycle.markets.naming import Named
from monitor.domain.deployment import Deployment
from monitor.domain.ids import ChainId, DeploymentName, MarketKey, PositionKey, Slug, address
from monitor.domain.moment import BlockRef
from monitor.errors import BlockMoved, NoEndpoint, ReadError
from monitor.protocols.aave_v3.adapter import AaveV3
from monitor.protocols.aave_v3.versions.totals import SCALED_DEBT
from monitor.query import LogFilter
from monitor.sources.logs.scan import Scan
from monitor.sources.opening import open_chain
from monitor.sources.rpc.chain import Chain
from monitor.sources.rpc.spec import ChainSpec, EndpointSpec
from tests.devnet import Market, features
from tests.faults.proxy import Faults, running
from tests.sources.logs.provider import Provider, Reading, block_of, entry

pytestmark = pytest.mark.devnet
CHAIN = ChainId("eip155:31337")
ADAPTER = AaveV3()
Change = Callable[[str, list[Any], Any], Any]


@asynccontextmanager
async def chain_of(*urls: str) -> AsyncIterator[Chain]:
    spec = ChainSpec(CHAIN, "local", 1_000, tuple(map(EndpointSpec, urls)), allow_private=True)
    async with open_chain(spec, SystemClock()) as chain:
        yield chain


def market_key(market: Market) -> MarketKey:
    return MarketKey(address(market.deployed.pool))


def backfill_of(chain: Chain, market: Market, start_block: int = 0, **changes: Any) -> Backfill:
    roots = {"pool_addresses_provider": address(market.deployed.provider)}
    deployment = Deployment(DeploymentName("local"), Slug("aave_v3"), CHAIN, roots)
    return Backfill(chain, ADAPTER, deployment, {market_key(market): start_block}, **changes)


async def run(search: Backfill, cursor: Cursor) -> Found:
    """Run a search for one market."""
    (key,) = search.starts
    return only(await search.run({key: cursor}))


async def searched(search: Backfill, cursor: Cursor) -> tuple[BlockRef, Cursor]:
    (key,) = search.starts
    at, cursors = await search.search({key: cursor})
    return at, cursors[key]


async def read(search: Backfill, cursor: Cursor, at: BlockRef) -> Found:
    (key,) = search.starts
    return only(await search.read({key: cursor}, at))


def only(found: Mapping[MarketKey, Found | ReadError]) -> Found:
    (one,) = found.values()
    assert isinstance(one, Found), one
    return one


def debtors(market: Market) -> set[str]:
    found = features(market, market.accounts)
    return {user.lower() for user, names in found.items() if "debt" in names or "liquidatable" in names}


def keys_of(found: Found) -> set[str]:
    return {account.key for part in found.accounts for account in part}


async def test_everyone_who_owes_is_found_and_the_totals_add_up(market: Market) -> None:
    async with chain_of(market.chain.node.http_url) as chain:
        found = await run(backfill_of(chain, market), Cursor(0))
    owing = {a.key for part in found.accounts for a in part if any(b.kind >= SCALED_DEBT and b.raw for b in a.balances)}
    assert found.shortfalls == ()
    assert found.failed == ()
    assert owing >= debtors(market)
    assert len(owing) >= 300
    assert found.cursor.next_block == found.at.number + 1
    assert set(found.cursor.keys) == keys_of(found)


async def test_a_broken_search_goes_on_from_its_cursor_and_ends_with_the_same(market_v36: Market) -> None:
    async with running(market_v36.chain.node.http_url) as proxy, chain_of(proxy.url) as chain:
        whole = await run(backfill_of(chain, market_v36), Cursor(0))
        kept: list[tuple[int, tuple[PositionKey, ...]]] = []

        async def keep(next_block: int, found: Named) -> None:
            kept.append((next_block, tuple(found.get(market_key(market_v36), ()))))
            if len(kept) == 3:
                raise NoEndpoint("the network is gone")

        for endpoint in chain._endpoints:
            endpoint.log_limits.refused_blocks, endpoint.log_limits.blocks = 41, 40
        with pytest.raises(NoEndpoint):
            await searched(backfill_of(chain, market_v36, keep=keep), Cursor(0))
        so_far = Cursor(kept[-1][0], tuple(key for _, keys in kept for key in keys))
        assert 0 < so_far.next_block < whole.at.number
        proxy.forget()
        again = await run(backfill_of(chain, market_v36), so_far)
        assert set(again.cursor.keys) == set(whole.cursor.keys)
        asked = [m["params"][0]["fromBlock"] for r in proxy.requests for m in r if m["method"] == "eth_getLogs"]
        assert min(int(block, 16) for block in asked) == so_far.next_block


def losing(share: float, *, always_the_same: bool) -> Change:
    """Lose some of the logs of every answer; others each time, or always the same."""
    dice = random.Random(5)

    def change(method: str, params: list[Any], result: Any) -> Any:
        if method != "eth_getLogs":
            return result
        if always_the_same:
            return [e for e in result if random.Random(e["transactionHash"] + e["logIndex"]).random() >= share]
        return [e for e in result if dice.random() >= share]

    return change


async def test_lost_logs_are_noticed_by_the_totals_and_searched_for_again(market_v36: Market) -> None:
    async with running(market_v36.chain.node.http_url) as proxy, chain_of(proxy.url) as chain:
        proxy.faults = Faults(changes=losing(0.05, always_the_same=False))
        found = await run(backfill_of(chain, market_v36), Cursor(0))
    assert found.shortfalls == ()
    assert keys_of(found) >= debtors(market_v36)


async def test_who_cannot_be_found_is_told_as_a_shortfall_of_the_totals(market_v36: Market) -> None:
    async with running(market_v36.chain.node.http_url) as proxy, chain_of(proxy.url) as chain:
        proxy.faults = Faults(changes=losing(0.2, always_the_same=True))
        found = await run(backfill_of(chain, market_v36), Cursor(0))
    assert found.shortfalls
    assert all(short.found_raw < short.expected_raw for short in found.shortfalls)


async def test_a_second_endpoint_finds_what_the_first_has_lost(market_v36: Market) -> None:
    url = market_v36.chain.node.http_url
    async with running(url) as lossy, chain_of(lossy.url, url) as chain:
        lossy.faults = Faults(changes=losing(0.01, always_the_same=True))
        found = await run(backfill_of(chain, market_v36), Cursor(0))
        assert found.shortfalls == ()
        assert keys_of(found) >= debtors(market_v36)
        assert chain.status()[0].disagreements > 0


async def test_seeds_are_read_without_a_search_and_the_totals_say_how_much_they_miss(market_v36: Market) -> None:
    async with chain_of(market_v36.chain.node.http_url) as chain:
        backfill = backfill_of(chain, market_v36)
        whole = await run(backfill, Cursor(0))
        seeds = Cursor(whole.at.number + 1, whole.cursor.keys)
        again = await read(backfill, seeds, whole.at)
        assert keys_of(again) == keys_of(whole)
        assert again.shortfalls == ()
        few = await read(backfill, Cursor(0, whole.cursor.keys[:100]), whole.at)
        assert few.shortfalls


async def test_an_account_that_cannot_be_read_is_kept_as_failed_and_starts_no_second_search(
    market_v36: Market,
) -> None:
    async with running(market_v36.chain.node.http_url) as proxy, chain_of(proxy.url) as chain:
        backfill = backfill_of(chain, market_v36)
        _, cursor = await searched(backfill, Cursor(0))
        token = market_v36.reserve("LINK").variable_debt_token
        market_v36.chain.set_code(token, "0xfe")
        market_v36.chain.mine()
        proxy.forget()
        found = await run(backfill, cursor)
        assert len(found.failed) > 10
        assert len(keys_of(found)) + len(found.failed) == len(cursor.keys)
        asked = [m["params"][0]["fromBlock"] for r in proxy.requests for m in r if m["method"] == "eth_getLogs"]
        assert [int(block, 16) for block in asked] == [cursor.next_block]


async def test_a_plan_tells_requests_and_time_before_anything_is_searched(market_v36: Market) -> None:
    async with running(market_v36.chain.node.http_url) as proxy, chain_of(proxy.url) as chain:
        for endpoint in chain._endpoints:
            endpoint.log_limits.refused_blocks, endpoint.log_limits.blocks = 11, 10
            endpoint.log_limits.fitted_blocks = 10
        plan = await backfill_of(chain, market_v36).plan({market_key(market_v36): Cursor(0)})
        head = await chain.head()
        assert (plan.first, plan.last) == (0, head.number)
        proxy.forget()
        await searched(backfill_of(chain, market_v36), Cursor(0))
        taken = proxy.methods.count("eth_getLogs")
        assert taken / 2 <= plan.requests <= taken * 2
        nothing = await backfill_of(chain, market_v36).plan({market_key(market_v36): Cursor(head.number + 1)})
        assert (nothing.requests, nothing.seconds) == (0, 0)


async def test_the_first_block_of_a_deployment_is_found_by_halving(market_v36: Market) -> None:
    chain_of_market, provider = market_v36.chain, address(market_v36.deployed.provider)
    async with running(chain_of_market.node.http_url) as proxy, chain_of(proxy.url) as chain:
        head = await chain.head()
        first = await first_block(chain, provider, head)
        code = [chain_of_market.rpc.request("eth_getCode", provider, hex(n)) for n in (first - 1, first)]
        assert (code[0], len(code[1]) > 2) == ("0x", True)
        with pytest.raises(ReadError, match="found none"):
            await first_block(chain, address("0x" + "12" * 20), head)


class Long:
    """A chain of 25,000 blocks whose one borrower borrowed in block 3."""

    def __init__(self, market: Market) -> None:
        pool, borrower = address(market.deployed.pool), f"0x{7:064x}"
        borrow = interface("aave_v3", "pool").topics["Borrow"]
        log = entry(3, 0, pool, borrow)
        log["topics"] = [borrow, f"0x{1:064x}", borrower]
        self.reading = Reading([Provider([log], 25_000)])

    async def head(self) -> BlockRef:
        return block_of(25_000)

    def logs(self, wanted: LogFilter, first: int, last: int, at: BlockRef, progress: Any) -> Any:
        scan = Scan(self.reading.clock, self.reading.fit, at, self.reading.doubt)
        return scan.ranges(wanted, first, last, progress)


async def test_who_borrowed_longer_ago_than_any_lookback_is_found(market_v36: Market) -> None:
    """Comet's own bot looks at the borrowers of the last 10,000 blocks only."""
    backfill = backfill_of(Long(market_v36), market_v36)  # type: ignore[arg-type]  # it has what a search needs
    _, cursor = await searched(backfill, Cursor(0))
    assert cursor == Cursor(25_001, (PositionKey(f"0x{7:040x}"),))


class Forgetful:
    """A chain whose endpoints keep the state of the head only."""

    async def block(self, which: int | str) -> BlockRef:
        return BlockRef(CHAIN, int(which), f"0xa{which}", "0x", 0)

    async def has_code(self, contract: str, at: BlockRef) -> bool:
        if at.number < 1_000:
            raise NoEndpoint("missing trie node")
        return True


async def test_without_an_archive_the_first_block_is_asked_for() -> None:
    head = BlockRef(CHAIN, 1_000, "0xa1000", "0x", 0)
    with pytest.raises(ReadError, match="state start_block of the deployment"):
        await first_block(Forgetful(), address("0x" + "12" * 20), head)  # type: ignore[arg-type]  # all that is asked


class Forking:
    """A chain of which a test decides when its head is replaced, and what its logs say then."""

    def __init__(self) -> None:
        self.forked = False
        self.asked: list[int] = []

    def _block(self, number: int) -> BlockRef:
        fork = "b" if self.forked else "a"
        return BlockRef(CHAIN, number, f"0x{fork}{number}", f"0x{fork}{number - 1}", number)

    async def head(self) -> BlockRef:
        return self._block(1_000)

    async def logs(self, wanted: LogFilter, first: int, last: int, at: BlockRef, progress: Any) -> Any:
        self.asked.append(first)
        for start in range(first, last + 1, 500):
            if start > 0 and not self.forked:
                self.forked = True
                raise BlockMoved("the head is gone")
            yield range(start, min(start + 500, last + 1)), ()


async def test_when_the_head_is_replaced_the_blocks_that_went_with_it_are_searched_again(market_v36: Market) -> None:
    chain = Forking()
    backfill = backfill_of(chain, market_v36)  # type: ignore[arg-type]  # it has what a search needs
    at, cursor = await searched(backfill, Cursor(0))
    assert at.hash.startswith("0xb")
    assert cursor.next_block == 1_001
    assert chain.asked == [0, 500 - 128]
