"""An Aave pool without a chain, followed by a real loop over a real store: a test writes its prices block by block."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from monitor import resources
from monitor.adapter import Market
from monitor.cycle.head import HeadLoop
from monitor.cycle.outlook import Outlooks
from monitor.cycle.ruling import Ruling
from monitor.cycle.step import Target
from monitor.domain.alerts import Alert, AlertKind, Recipient, Route
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, DeploymentName, PositionKey, Slug, address
from monitor.domain.moment import BlockRef
from monitor.domain.prices import PriceUsed
from monitor.errors import ReadError
from monitor.ledger.accounts import Account, Accounts
from monitor.pricing.graph import PriceGraph
from monitor.pricing.haircuts import Haircut, Haircuts
from monitor.pricing.repricing import cautious
from monitor.pricing.sanity import Bounds, doubts
from monitor.protocols.aave_v3.adapter import AaveV3
from monitor.rules.levels import Levels
from monitor.settings import table
from monitor.store import Store
from monitor.units import WAD
from tests.cycle.parts import CHAIN, Scripted
from tests.fakes.audience import audience
from tests.fakes.clock import FakeClock
from tests.health.pool import NOW_S, Listing, account, asset, feed, pool

E8, E18 = 10**8, 10**18
HEARTBEAT_S = 3_600
OWNERS = tuple(address("0x" + f"{n:02x}" * 20) for n in (0x0B, 0x0C, 0x0D))
BLOCK_S = 12


def recipient(owner: Address) -> Recipient:
    return Recipient(f"telegram:{owner[-2:]}", (Route("telegram", owner[-2:]),))


@dataclass
class Priced(AaveV3):
    """One pool of HELD and OWED, judged by the real adapter; `accounts_of` are the owners' balances.

    `prices` and `ages_s` are those of the feeds by symbol, `market_prices` what an independent source says.
    """

    name: str = "local-core"
    prices: dict[str, int] = field(default_factory=lambda: {"HELD": 2_000 * E8, "OWED": E8})
    ages_s: dict[str, int] = field(default_factory=dict)
    market_prices: dict[str, int] = field(default_factory=dict)
    accounts_of: dict[Address, Account] = field(default_factory=dict)
    at: BlockRef | None = None
    fails: str = ""

    def markets(self, deployment: Any) -> Any:
        yield from ()
        return (pool([Listing("HELD", E8), Listing("OWED", E8)]).key,)

    def market(self, deployment: Deployment, key: Any) -> Any:
        yield from ()
        if self.fails:
            raise ReadError(self.fails)
        assert self.at is not None
        made = pool([Listing(symbol, self.prices[symbol]) for symbol in ("HELD", "OWED")])
        inputs = [self._input(price) for price in made.graph.inputs]
        return replace(made, deployment=deployment, at=self.at, graph=PriceGraph.of(inputs, made.graph.derived))

    def again(self, market: Any) -> Any:
        return self.market(market.deployment, market.key)

    def owned(self, market: Any, owner: Address) -> Any:
        yield from ()
        return (PositionKey(owner),) if owner in self.accounts_of else ()

    def accounts(self, market: Any, keys: Sequence[PositionKey]) -> Any:
        yield from ()
        return Accounts.of([self.accounts_of[Address(key)] for key in keys])

    def _input(self, price: PriceUsed) -> PriceUsed:
        assert self.at is not None
        symbol = next(s for s in self.prices if feed(s) == price.node)
        updated_s, now_s = self.at.timestamp_s - self.ages_s.get(symbol, 60), self.at.timestamp_s
        labels = doubts(price.value, updated_s, Bounds(), HEARTBEAT_S, now_s)
        return replace(price, labels=labels, updated_at_s=updated_s)


@dataclass(frozen=True)
class Said(Outlooks):
    """Independent prices that the pools themselves were given."""

    pools: tuple[Priced, ...] = ()

    async def each(self, source: Any, markets: Sequence[Market], at: Any) -> Any:
        return [self._of(market) for market in markets]

    def _of(self, market: Market) -> Any:
        of = next(one for one in self.pools if one.name == market.deployment.name)
        found = {asset(s): PriceUsed(asset(s), price, 8, "venue", "market") for s, price in of.market_prices.items()}
        return cautious(market.tokens, market.graph, found, self.haircuts, market.deployment.chain)


@dataclass
class Scene:
    """A loop over pools of one chain; `block` lets one come."""

    loop: HeadLoop
    store: Store
    clock: FakeClock
    chain: Scripted
    pools: tuple[Priced, ...]
    number: int = 0
    seen: int = 0

    async def block(self, *, after_s: int = BLOCK_S) -> list[Alert]:
        """Let a block come and return what is said at it."""
        await self.clock.advance(after_s)
        self.number += 1
        n = self.number
        head = BlockRef(CHAIN, n, f"0xa{n}", f"0xa{n - 1}", self.clock.wall_s())
        for one in self.pools:
            one.at = head
        self.chain.heads.append(head)
        await self.loop.once()
        return await self.news()

    async def news(self) -> list[Alert]:
        views = await self.store.views.alerts(after=self.seen, limit=1000)
        self.seen = max((view.id for view in views), default=self.seen)
        return [view.alert for view in views]

    async def owed(self) -> dict[str, list[AlertKind]]:
        """Return what is owed to whom."""
        found: dict[str, list[AlertKind]] = {}
        for one in (await self.store.queue.look("telegram", 100, 2_000_000_000)).due:
            found.setdefault(one.route.address, []).append(one.alert.kind)
        return found

    def begin_anew(self) -> None:
        """Do as after a restart: the loop remembers nothing, the store everything."""
        self.loop = replace(self.loop)


def levels() -> Levels:
    return Levels.parse(table(resources.config() / "levels.toml"))


def held(health_bps: int, *, price: int = 2_000 * E8, owner: Address = OWNERS[0]) -> Account:
    """Return an account of that health while HELD is at that price and OWED at a dollar."""
    one = account({0: 1_000 * E18}, {1: 1_000 * E18 * price // E8 * 8_000 // health_bps})
    return replace(one, key=PositionKey(owner))


@asynccontextmanager
async def scene(
    folder: Path,
    *pools: Priced,
    owners: Sequence[Address] = OWNERS,
    limit_bps: int = 200,
    chain: Scripted | None = None,
) -> AsyncIterator[Scene]:
    clock, chain = FakeClock(NOW_S), chain or Scripted()
    async with Store.open(f"sqlite:///{folder / 'hfm.db'}", clock) as store:
        told = {owner: (recipient(owner),) for owner in owners}
        haircuts = Haircuts(Haircut("none", 0, 0, limit_bps, "test", "2026-11-21"), {})
        targets = (Target(Deployment(DeploymentName(p.name), Slug("aave_v3"), CHAIN, {}), p, OWNERS) for p in pools)
        ways: Any = chain
        loop = HeadLoop(
            chain=ways,
            targets=tuple(targets),
            outlooks=Said({}, haircuts, pools=pools),
            ruling=Ruling(store, levels(), audience(told), clock),
            wholes={},
            clock=clock,
            target_wad=3 * WAD // 2,
        )
        yield Scene(loop, store, clock, chain, pools)
