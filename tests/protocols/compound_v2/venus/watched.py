"""A pool of the devnet's Venus as the adapter sees it, and what holding it against the contracts found."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.domain.deployment import Deployment
from monitor.domain.ids import ChainId, DeploymentName, MarketKey, PositionKey, address
from monitor.domain.prices import Unknown
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols.compound_v2.health import Priced, Stake, sums_of
from monitor.protocols.compound_v2.market import Listed, Market
from monitor.query import Log, LogFilter, Logs, ask_raw
from tests.devnet.chain.client import Chain
from tests.devnet.venus.pool import Pool, VToken
from tests.protocols.answering import Node
from tests.protocols.compound_v2.recorded import ADAPTER, SLUG


@dataclass
class Found:
    """What a comparison found."""

    counts: Counter[str] = field(default_factory=Counter)
    mismatches: list[str] = field(default_factory=list)

    def same(self, what: str, expected: object, found: object, where: object = "") -> None:
        self.counts[what] += 1
        if expected != found:
            self.mismatches.append(f"{what} of {where}: expected {expected}, found {found}")


@dataclass
class Watched:
    """Reads are answered at the newest block."""

    pool: Pool
    node: Node = field(init=False)
    deployment: Deployment = field(init=False)

    def __post_init__(self) -> None:
        self.node = Node(self.pool.chain.rpc)
        registry, comptroller = self.pool.registry, self.pool.comptroller
        roots = {"pool_registry": address(registry)} if registry else {"comptroller": address(comptroller)}
        self.deployment = Deployment(DeploymentName("local-venus"), SLUG, ChainId("eip155:31337"), roots)

    @property
    def chain(self) -> Chain:
        return self.pool.chain

    @property
    def key(self) -> MarketKey:
        return MarketKey(self.pool.comptroller.lower())

    @property
    def keys(self) -> tuple[PositionKey, ...]:
        return tuple(PositionKey(user) for user in self.pool.people)

    def market(self) -> Market:
        return self.node.read(ADAPTER.market(self.deployment, self.key))

    def again(self, market: Market) -> Market:
        return self.node.read(ADAPTER.again(market))

    def accounts(self, market: Market, keys: Sequence[PositionKey] | None = None) -> Accounts:
        return self.node.read(ADAPTER.accounts(market, self.keys if keys is None else keys))

    def account(self, market: Market, key: PositionKey) -> Account:
        (account,) = self.accounts(market, [key])
        return account

    def logs(self, wanted: LogFilter, from_block: int = 0) -> tuple[Log, ...]:
        (found,) = self.node.read(ask_raw(Logs(wanted, from_block)))
        assert isinstance(found, tuple)
        return found

    def vtoken(self, listed: Listed) -> VToken:
        return next(one for one in self.pool.vtokens if one.address.lower() == listed.asset.ctoken.address)


def liquidity(view: Priced, account: Account) -> tuple[int, int, int] | None:
    """What getAccountLiquidity would return by our own sums; None where a price that it reads is not known."""
    sums = sums_of(view, account)
    if isinstance(sums, Unknown):
        return None
    return 0, max(sums.collateral - sums.debt, 0), max(sums.debt - sums.collateral, 0)


def no_stake(place: int) -> Stake:
    return Stake(place, None, 0, 0, 0)
