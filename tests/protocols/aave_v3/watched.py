"""A devnet market as the adapter sees it, and what a real liquidation of it takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from eth_abi.abi import encode

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionKey, Slug, address
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols import ADAPTERS
from monitor.protocols.aave_v3.adapter import AaveV3
from monitor.protocols.aave_v3.liquidation import Offer
from monitor.protocols.aave_v3.market import Market
from tests.devnet import LIQUIDATOR, MAX, AccountData, RpcError
from tests.devnet import Market as Devnet
from tests.devnet.aave.market import DEFICIT_CREATED, LIQUIDATION_CALL, TRANSFER, TREASURY
from tests.devnet.chain.codec import address_of, parse, revert_reason
from tests.protocols.answering import Node

SLUG = Slug("aave_v3")
LIQUIDATION = "liquidationCall(address,address,address,uint256,bool)"
PLENTY = 10**15


class Taken(NamedTuple):
    """What a liquidation moved, raw; `deficits` by token."""

    debt: int
    to_liquidator: int
    fee: int
    deficits: Mapping[Address, int]


@dataclass
class Watched:
    """One devnet market; reads are answered at the newest block."""

    devnet: Devnet
    node: Node = field(init=False)
    deployment: Deployment = field(init=False)
    key: MarketKey = field(init=False)

    def __post_init__(self) -> None:
        self.node = Node(self.devnet.chain.rpc)
        roots = {"pool_addresses_provider": address(self.devnet.deployed.provider)}
        self.deployment = Deployment(DeploymentName("local-core"), SLUG, ChainId("eip155:31337"), roots)
        (self.key,) = self.node.read(self.adapter.markets(self.deployment))

    @property
    def adapter(self) -> AaveV3:
        adapter = ADAPTERS[SLUG]
        assert isinstance(adapter, AaveV3)
        return adapter

    @property
    def keys(self) -> tuple[PositionKey, ...]:
        return tuple(PositionKey(address(user)) for user in self.devnet.accounts)

    def market(self) -> Market:
        return self.node.read(self.adapter.market(self.deployment, self.key))

    def again(self, market: Market) -> Market:
        return self.node.read(self.adapter.again(market))

    def accounts(self, market: Market, keys: Sequence[PositionKey] | None = None) -> Accounts:
        return self.node.read(self.adapter.accounts(market, self.keys if keys is None else keys))

    def account(self, market: Market, key: PositionKey) -> Account:
        (account,) = self.accounts(market, [key])
        return account

    def truth(self, keys: Sequence[PositionKey]) -> list[AccountData | None]:
        """The contract's six values, None where it reverts."""
        signature = "getUserAccountData(address)"
        data = [parse(signature).selector + encode(["address"], [key]) for key in keys]
        calls = [("eth_call", ({"to": self.key, "data": "0x" + d.hex()}, "latest")) for d in data]
        answers = self.devnet.chain.rpc.batch(calls)
        return [None if isinstance(a, RpcError) else _account_data(a) for a in answers]

    def fund_liquidator(self) -> None:
        """Give the liquidator more of every token than any liquidation takes."""
        for reserve in self.devnet.deployed.reserves:
            self.devnet.fund(LIQUIDATOR, reserve.symbol, PLENTY * reserve.unit)

    def refusals(self, tries: Sequence[tuple[PositionKey, Address, Address, int]]) -> list[str | None]:
        """What each (user, collateral, debt, amount) is refused with at the newest block; None: it goes through."""
        calls = [
            (
                "eth_call",
                ({"from": LIQUIDATOR, "to": self.key, "data": _liquidation(user, collateral, debt, amount)}, "latest"),
            )
            for user, collateral, debt, amount in tries
        ]
        return [self._reason(answer) for answer in self.devnet.chain.rpc.batch(calls)]

    def liquidate(self, user: PositionKey, offer: Offer) -> Taken:
        """Take an offer for real, in a block of the same time as the newest one."""
        rpc = self.devnet.chain.rpc
        rpc.request("evm_setNextBlockTimestamp", hex(self.devnet.chain.head().timestamp_s))
        data = _liquidation(user, offer.collateral.token.address, offer.debt.token.address, offer.argument)
        receipt = self.devnet.chain.transact({"from": LIQUIDATOR, "to": self.key, "data": data})
        debt = seized = fee = 0
        deficits: dict[Address, int] = {}
        for log in receipt["logs"]:
            words = [int(log["data"][i : i + 64], 16) for i in range(2, len(log["data"]), 64)]
            if log["topics"][0] == LIQUIDATION_CALL:
                debt, seized = words[0], words[1]
            elif log["topics"][0] == DEFICIT_CREATED:
                deficits[Address(address_of(log["topics"][2]))] = words[0]
            elif log["address"].lower() == offer.collateral.a_token and _says(log, TRANSFER, user, TREASURY):
                fee += words[0]
        return Taken(debt, seized, fee, deficits)

    def _reason(self, answer: str | RpcError) -> str | None:
        if not isinstance(answer, RpcError):
            return None
        reason = revert_reason(answer.data if isinstance(answer.data, str) else "0x")
        return self.devnet.chain.error_names.get(reason, reason)


def _says(log: dict[str, Any], topic: str, *addresses: str) -> bool:
    return log["topics"][0] == topic and tuple(address_of(t) for t in log["topics"][1:]) == addresses


def _account_data(answer: str) -> AccountData:
    return AccountData(*(int(answer[i : i + 64], 16) for i in range(2, len(answer), 64)))


def _liquidation(user: str, collateral: str, debt: str, amount: int = MAX) -> str:
    types = ["address", "address", "address", "uint256", "bool"]
    return "0x" + (parse(LIQUIDATION).selector + encode(types, [collateral, debt, user, amount, False])).hex()
