"""A while in the life of a real market on a local chain, forks included, kept so that it can be lived again."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from monitor.clock import SystemClock
from monitor.domain.deployment import Deployment
from monitor.domain.ids import ChainId, DeploymentName, MarketKey, PositionKey, Slug, address
from monitor.domain.moment import BlockRef
from monitor.protocols import ADAPTERS
from monitor.query import Answer, Ask, EthCall, Failed, LensAnswer, LensCall, Log, Logs, Question, ask_raw, drive
from monitor.sources.opening import open_chain
from monitor.sources.rpc.chain import Chain
from monitor.sources.rpc.spec import ChainSpec, EndpointSpec
from tests.devnet import LIQUIDATOR, Market, Transaction
from tests.devnet.aave.market import ACCOUNT_DATA
from tests.devnet.chain.codec import calldata
from tests.devnet.people.plan import BORROW, SUPPLY
from tests.protocols.aave_v3.acting import Acting

CHAIN = ChainId("eip155:31337")
NAME = DeploymentName("local")
SLUG = Slug("aave_v3")
ADAPTER = ADAPTERS[SLUG]
WORD = 32
REORG_EVERY, DEPTHS = 4, (1, 2, 5)
LIQUIDITY_DOLLARS, SUPPLIED_DOLLARS = 10**6, 10**4
BORROWED_PPM = (150_000, 300_000, 450_000, 620_000, 700_000)


@dataclass(frozen=True)
class Seen:
    """One block: what every call says, the lens's words of each account, the logs, and the contract's own healths."""

    block: BlockRef
    calls: dict[EthCall, Answer]
    words: Mapping[bytes, bytes]
    logs: tuple[Log, ...]
    healths_wad: dict[str, int]

    def logs_of(self) -> Iterator[Log]:
        """Yield the logs."""
        return iter(self.logs)


@dataclass
class Recording:
    """Blocks by hash, the logs of those before the first of them, and the heads in the order in which they were it."""

    deployment: Deployment
    market: MarketKey
    blocks: dict[str, Seen] = field(default_factory=dict)
    earlier: tuple[Log, ...] = ()
    heads: list[str] = field(default_factory=list)

    def line(self, head: str) -> dict[int, Seen]:
        """Return the blocks of the chain that ends in a head, by number, newest first."""
        found, seen = dict[int, Seen](), self.blocks.get(head)
        while seen is not None:
            found[seen.block.number] = seen
            seen = self.blocks.get(seen.block.parent_hash)
        return found


async def record(market: Market, seed: int, blocks: int) -> Recording:
    """Let people act on the market for so many heads, a fork among them now and then, and keep all of it."""
    roots = {"pool_addresses_provider": address(market.deployed.provider)}
    deployment = Deployment(NAME, SLUG, CHAIN, roots)
    recording = Recording(deployment, MarketKey(address(market.deployed.pool)))
    acting = Acting(market, seed)
    await asyncio.to_thread(_begin, market, acting)
    people = [user.lower() for user in (*acting.people, LIQUIDATOR)]
    spec = ChainSpec(CHAIN, "local", 1_000, (EndpointSpec(market.chain.node.http_url),), allow_private=True)
    async with open_chain(spec, SystemClock()) as chain:
        while len(recording.heads) < blocks:
            if len(recording.heads) % REORG_EVERY == REORG_EVERY - 1:
                depth = min(acting.random.choice(DEPTHS), len(recording.line(recording.heads[-1])) - 1)
                await asyncio.to_thread(market.chain.reorg, depth)
            else:
                await asyncio.to_thread(acting.block)
            await _keep(recording, market, chain, people)
    return recording


def _begin(market: Market, acting: Acting) -> None:
    """Give everyone something to lose: collateral, and debt of up to a good half of it."""
    acting.begin()
    pool, reserves, random = market.deployed.pool, acting.reserves, acting.random
    supplied = {r.symbol: acting._raw(r, LIQUIDITY_DOLLARS) for r in reserves}
    acts = [
        Transaction(LIQUIDATOR, pool, calldata(SUPPLY, r.token, supplied[r.symbol], LIQUIDATOR, 0)) for r in reserves
    ]
    for number, user in enumerate(acting.people):
        collateral, debt = market.reserve(("WETH", "WBTC", "DAI")[number % 3]), random.choice(reserves)
        amount = acting._raw(collateral, SUPPLIED_DOLLARS)
        borrowed = acting._raw(debt, SUPPLIED_DOLLARS) * random.choice(BORROWED_PPM) // 10**6
        acts.append(Transaction(user, pool, calldata(SUPPLY, collateral.token, amount, user, 0)))
        acts.append(Transaction(user, pool, calldata(BORROW, debt.token, borrowed, 2, 0, user)))
    market.chain.bulk(acts)
    market.chain.mine()


async def _keep(recording: Recording, market: Market, chain: Chain, people: Sequence[str]) -> None:
    """Keep the head, and below it whatever a fork has put there."""
    head = await asyncio.to_thread(market.chain.head)
    at = await chain.block(head.hash)
    recording.heads.append(at.hash)
    lowest = min((s.block.number for s in recording.blocks.values()), default=at.number)
    if not recording.blocks:
        ranges = chain.logs(ADAPTER.discovery(recording.deployment, recording.market), 0, at.number - 1, at)
        recording.earlier = tuple([log async for _, logs in ranges for log in logs])
    while at.hash not in recording.blocks and at.number >= lowest:
        recording.blocks[at.hash] = await _seen(recording, market, chain, at, people)
        at = await chain.block(at.parent_hash)


async def _seen(recording: Recording, market: Market, chain: Chain, at: BlockRef, people: Sequence[str]) -> Seen:
    calls, words = dict[EthCall, Answer](), dict[bytes, bytes]()

    async def answer(questions: tuple[Question, ...]) -> tuple[Answer, ...]:
        answers = await chain.read(ask_raw(*questions), at)
        for question, said in zip(questions, answers, strict=True):
            match question, said:
                case LensCall(), LensAnswer():
                    words.update(_runs(question, said))
                case EthCall(), _:
                    calls[question] = said
        return answers

    async def read(ask: Ask[Any]) -> Any:
        return await drive(ask, answer)

    await read(ADAPTER.markets(recording.deployment))
    pool = await read(ADAPTER.market(recording.deployment, recording.market))
    await read(ADAPTER.totals(pool))
    await read(ADAPTER.accounts(pool, [PositionKey(user) for user in people]))
    (logs,) = await chain.read(ask_raw(Logs(ADAPTER.interests(pool), at.number)), at)
    assert isinstance(logs, tuple)
    views = [(market.deployed.pool, ACCOUNT_DATA, user) for user in people]
    data = await asyncio.to_thread(market.chain.views, views, {"blockHash": at.hash})
    return Seen(at, calls, words, logs, {user: int(row[5]) for user, row in zip(people, data, strict=True)})


def _runs(asked: LensCall, said: LensAnswer) -> Iterable[tuple[bytes, bytes]]:
    """Yield each account with its own words (lens.vy: the first of an account is marked, the last word counts them)."""
    for part in said.parts:
        assert not isinstance(part.output, Failed)
        words = [part.output[i : i + WORD] for i in range(0, len(part.output) - WORD, WORD)]
        starts = [i for i, word in enumerate(words) if word[12]]
        assert len(starts) == part.stop - part.start
        for item, first, stop in zip(
            asked.items[part.start : part.stop], starts, [*starts[1:], len(words)], strict=True
        ):
            yield item, b"".join(words[first:stop])
