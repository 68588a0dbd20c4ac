"""The devnet's Morpho Blue as the adapter sees it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.domain.deployment import Deployment
from monitor.domain.ids import ChainId, DeploymentName, MarketKey, PositionKey, Slug, address
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols import ADAPTERS
from monitor.protocols.morpho_blue.adapter import MorphoBlue
from monitor.protocols.morpho_blue.liquidation import Offer
from monitor.protocols.morpho_blue.market import Market
from monitor.query import Log, LogFilter, Logs, ask_raw
from tests.devnet.morpho.market import LIQUIDATE, LIQUIDATOR, Morpho, One
from tests.protocols.answering import Node

SLUG = Slug("morpho_blue")


@dataclass
class Watched:
    """Reads are answered at the newest block."""

    morpho: Morpho
    node: Node = field(init=False)
    deployment: Deployment = field(init=False)

    def __post_init__(self) -> None:
        self.node = Node(self.morpho.chain.rpc)
        roots = {"morpho": address(self.morpho.address)}
        self.deployment = Deployment(DeploymentName("local-morpho"), SLUG, ChainId("eip155:31337"), roots)

    @property
    def adapter(self) -> MorphoBlue:
        adapter = ADAPTERS[SLUG]
        assert isinstance(adapter, MorphoBlue)
        return adapter

    @property
    def keys(self) -> tuple[PositionKey, ...]:
        return tuple(PositionKey(address(user)) for user in self.morpho.people)

    def market(self, one: One) -> Market:
        return self.node.read(self.adapter.market(self.deployment, MarketKey(one.id)))

    def again(self, market: Market) -> Market:
        return self.node.read(self.adapter.again(market))

    def accounts(self, market: Market, keys: Sequence[PositionKey] | None = None) -> Accounts:
        return self.node.read(self.adapter.accounts(market, self.keys if keys is None else keys))

    def account(self, market: Market, key: PositionKey) -> Account:
        (account,) = self.accounts(market, [key])
        return account

    def logs(self, wanted: LogFilter) -> tuple[Log, ...]:
        (found,) = self.node.read(ask_raw(Logs(wanted, 0)))
        assert isinstance(found, tuple)
        return found

    def one(self, market: Market) -> One:
        return next(one for one in self.morpho.markets if one.id == market.key)

    def liquidate(self, market: Market, borrower: PositionKey, offer: Offer) -> list[int]:
        """Take an offer for real in a block of the same time as the newest; the words of its Liquidate log."""
        self.same_second()
        arguments = (self.one(market).words, borrower, offer.seized_argument_raw, offer.shares_argument, b"")
        receipt = self.morpho.send(LIQUIDATE, *arguments, sender=LIQUIDATOR)
        (data,) = (log["data"] for log in receipt["logs"] if len(log["data"]) == 2 + 5 * 64)
        return [int(data[i : i + 64], 16) for i in range(2, len(data), 64)]

    def same_second(self) -> None:
        """Have the next block carry the newest one's time, so that no interest accrues between."""
        chain = self.morpho.chain
        chain.rpc.request("evm_setNextBlockTimestamp", hex(chain.head().timestamp_s))
