"""A chain whose blocks a test writes, and a protocol simple enough to read at a glance."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from monitor.cycle.head import HeadLoop
from monitor.cycle.outlook import Outlooks
from monitor.cycle.ruling import Ruling
from monitor.cycle.step import Target
from monitor.domain.alerts import Recipient, Route
from monitor.domain.assessment import Assessment, Kind
from monitor.domain.deployment import Deployment
from monitor.domain.health import Line, Measured
from monitor.domain.ids import ChainId, DeploymentName, MarketKey, PositionId, PositionKey, Slug, address
from monitor.domain.liveness import Halted, Live, Unreachable
from monitor.domain.moment import BlockRef
from monitor.errors import NoEndpoint, ReadError
from monitor.ledger.accounts import Account, Accounts
from monitor.pricing.graph import PriceGraph
from monitor.pricing.haircuts import NONE
from monitor.query import drive
from monitor.units import WAD
from tests.fakes.audience import audience

CHAIN = ChainId("eip155:31337")
POOL = MarketKey("0x" + "0a" * 20)
OWNER = address("0x" + "0b" * 20)
DEPLOYMENT = Deployment(DeploymentName("local-toy"), Slug("toy"), CHAIN, {})
SLUG = Slug("toy")
TOLD = Recipient("console", (Route("console", "console"),))


def block(number: int, fork: str = "a") -> BlockRef:
    return BlockRef(CHAIN, number, f"0x{fork}{number}", f"0x{fork}{number - 1}", 1_750_000_000 + 12 * number)


@dataclass
class Toy:
    """A protocol; the health of the one position in each of its markets is whatever `health_pct` says.

    `fails` keeps its markets from being listed or read, `broken` are single markets that cannot be read, and why.
    """

    health_pct: int = 200
    fails: str = ""
    keys: tuple[MarketKey, ...] = (POOL,)
    broken: dict[MarketKey, str] = field(default_factory=dict)
    account_fails: str = ""
    kind: Kind = Kind.LENDING
    slug: Slug = SLUG
    reads: int = 0
    at: BlockRef = field(default_factory=lambda: block(1))

    def markets(self, deployment):
        yield from ()
        if self.fails:
            raise ReadError(self.fails)
        return self.keys

    def market(self, deployment, key):
        yield from ()
        if self.fails or key in self.broken:
            raise ReadError(self.fails or self.broken[key])
        self.reads += 1
        graph = PriceGraph.of(())
        return SimpleNamespace(
            deployment=deployment, key=key, at=self.at, tokens=(), graph=graph, prices=(), base_is_usd=True
        )

    def again(self, market):
        yield from ()
        if self.fails or market.key in self.broken:
            raise ReadError(self.fails or self.broken[market.key])
        self.reads += 1
        return SimpleNamespace(**{**vars(market), "at": self.at})

    def later(self, market, seconds):
        return market

    def owned(self, market, owner):
        yield from ()
        return (PositionKey(owner),)

    def accounts(self, market, keys):
        yield from ()
        if self.account_fails:
            return Accounts.of((), failed=[(key, self.account_fails) for key in keys])
        return Accounts.of([Account(key, 0, ()) for key in keys])

    def health(self, market, account, repricing=None):
        return Measured(self.health_pct, 100, Line.BELOW, self.health_pct * WAD // 100)

    def assess(self, market, account, repricing=None):
        name = DEPLOYMENT.name
        return Assessment(
            id=PositionId(CHAIN, self.slug, name, market.key, account.key),
            owner=address(account.key),
            at=market.at,
            kind=Kind.LENDING,
            margin_mode="cross",
            health=self.health(market, account),
            legs=(),
            collateral_base=self.health_pct * 10**8,
            debt_base=100 * 10**8,
            base_unit=10**8,
            base_is_usd=True,
        )

    def quote(self, market, account, repricing=None):
        return None

    def adjusted(self, market, account, leg, change_raw):
        return account

    def compare(self, deployment, key, keys):
        yield from ()
        return ()

    def closed_ways(self, market, leg, change_raw=0):
        return None


@dataclass
class Scripted:
    """A chain that serves the heads a test puts in, or fails."""

    heads: list[BlockRef] = field(default_factory=list)
    down: bool = False
    id: ChainId = CHAIN
    name: str = "local"
    halted: Halted | None = None

    @property
    def liveness(self):
        if self.down:
            return Unreachable(None, 0, "every endpoint failed")
        return self.halted or Live(self.heads[-1])

    async def wait_for_head(self, after, timeout_s):
        if self.down:
            raise NoEndpoint("every endpoint failed")
        return self.heads[-1]

    async def read(self, ask, at):
        async def answer(questions):
            raise AssertionError("the toy asks nothing")

        return await drive(ask, answer)


def loop_of(store, clock, levels, toy: Toy, chain: Any, told=lambda: None, **changes) -> HeadLoop:
    """Return a loop over the one deployment with one watched owner."""
    loop = HeadLoop(
        chain=chain,
        targets=(Target(DEPLOYMENT, toy, (OWNER,)),),
        outlooks=Outlooks({}, NONE),
        ruling=Ruling(store, levels, audience({OWNER: (TOLD,)}, {OWNER: "treasury"}), clock, told),
        wholes={},
        clock=clock,
        target_wad=3 * WAD // 2,
    )
    return replace(loop, **changes) if changes else loop
