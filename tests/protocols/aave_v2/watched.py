"""A devnet market as the adapter sees it, and what a real liquidation of it takes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.domain.deployment import Deployment
from monitor.domain.ids import ChainId, DeploymentName, MarketKey, PositionKey, Slug, address
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols import ADAPTERS
from monitor.protocols.aave_v2.adapter import AaveV2
from monitor.protocols.aave_v2.liquidation import Offer
from monitor.protocols.aave_v2.market import Market
from monitor.query import Log, LogFilter, Logs, ask_raw
from tests.devnet.aave_v2.market import LIQUIDATE, LIQUIDATOR, AccountData, Attempt
from tests.devnet.aave_v2.market import Market as Devnet
from tests.devnet.chain.codec import topic
from tests.protocols.answering import Node

SLUG = Slug("aave_v2")
LIQUIDATED = topic("LiquidationCall(address,address,address,uint256,uint256,address,bool)")


@dataclass
class Watched:
    """Reads are answered at the newest block."""

    devnet: Devnet
    node: Node = field(init=False)
    deployment: Deployment = field(init=False)
    key: MarketKey = field(init=False)

    def __post_init__(self) -> None:
        self.node = Node(self.devnet.chain.rpc)
        roots = {"lending_pool": address(self.devnet.deployed.pool)}
        self.deployment = Deployment(DeploymentName("local-v2"), SLUG, ChainId("eip155:31337"), roots)
        (self.key,) = self.node.read(self.adapter.markets(self.deployment))

    @property
    def adapter(self) -> AaveV2:
        adapter = ADAPTERS[SLUG]
        assert isinstance(adapter, AaveV2)
        return adapter

    @property
    def keys(self) -> tuple[PositionKey, ...]:
        return tuple(PositionKey(address(user)) for user in self.devnet.people)

    def market(self) -> Market:
        return self.node.read(self.adapter.market(self.deployment, self.key))

    def again(self, market: Market) -> Market:
        return self.node.read(self.adapter.again(market))

    def accounts(self, market: Market, keys: Sequence[PositionKey] | None = None) -> Accounts:
        return self.node.read(self.adapter.accounts(market, self.keys if keys is None else keys))

    def account(self, market: Market, key: PositionKey) -> Account:
        (account,) = self.accounts(market, [key])
        return account

    def truth(self, keys: Sequence[PositionKey] | None = None) -> list[AccountData | None]:
        return self.devnet.accounts_data(self.keys if keys is None else keys)

    def logs(self, wanted: LogFilter, from_block: int = 0) -> tuple[Log, ...]:
        (found,) = self.node.read(ask_raw(Logs(wanted, from_block)))
        assert isinstance(found, tuple)
        return found

    def attempt(self, user: PositionKey, offer: Offer) -> Attempt:
        tokens = offer.collateral.token.address, offer.debt.token.address
        return Attempt(*tokens, user, offer.argument, offer.as_a_tokens)

    def liquidate(self, user: PositionKey, offer: Offer) -> tuple[int, int]:
        """Take an offer for real in a block of the same time as the newest; debt repaid and collateral seized."""
        self.same_second()
        receipt = self.devnet.chain.send(
            self.devnet.deployed.pool, LIQUIDATE, *self.attempt(user, offer), sender=LIQUIDATOR
        )
        (data,) = (log["data"] for log in receipt["logs"] if log["topics"][0] == LIQUIDATED)
        return int(data[2:66], 16), int(data[66:130], 16)

    def same_second(self) -> None:
        """Have the next block carry the newest one's time, so that no interest accrues between."""
        chain = self.devnet.chain
        chain.rpc.request("evm_setNextBlockTimestamp", hex(chain.head().timestamp_s))
