"""A test's hand on an Aave v2 market: what accounts do, what prices do, and what the contracts say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tests.devnet.aave_v2.deployed import PACKAGE, Deployed, Reserve
from tests.devnet.chain.client import DEPLOYER, Call, Chain
from tests.devnet.chain.codec import calldata, revert_reason
from tests.devnet.chain.compiler import Contract, artifact, compiled
from tests.devnet.chain.rpc import RpcError
from tests.devnet.chain.toolchain import HOME

DEPOSIT = "deposit(address,uint256,address,uint16)"
WITHDRAW = "withdraw(address,uint256,address)"
BORROW = "borrow(address,uint256,uint256,uint16,address)"
REPAY = "repay(address,uint256,uint256,address)"
SWAP = "swapBorrowRateMode(address,uint256)"
REBALANCE = "rebalanceStableBorrowRate(address,address)"
USE = "setUserUseReserveAsCollateral(address,bool)"
LIQUIDATE = "liquidationCall(address,address,address,uint256,bool)"
APPROVE, MINT, TRANSFER = "approve(address,uint256)", "mint(address,uint256)", "transfer(address,uint256)"
ACCOUNT_DATA = "getUserAccountData(address)"
VARIABLE, STABLE = 2, 1
MAX = 2**256 - 1
LIQUIDATOR = "0x11d0000000000000000000000000000000000002"
HALF, WHOLE = "611388", "612710"
"""The instruction that pushes the manager's close factor, 5,000 or 10,000 basis points."""


class AccountData(NamedTuple):
    """The six values of `getUserAccountData`, in its order."""

    collateral_base: int
    debt_base: int
    available_borrows_base: int
    threshold_bps: int
    ltv_bps: int
    health_wad: int


class Attempt(NamedTuple):
    """One liquidation to be tried: tokens, whom, how much, and whether for aTokens."""

    collateral: str
    debt: str
    user: str
    amount: int = MAX
    as_a_tokens: bool = False


@dataclass
class Market:
    """`people` have positions, some of them none."""

    chain: Chain
    deployed: Deployed
    people: tuple[str, ...] = ()

    def reserve(self, symbol: str) -> Reserve:
        return self.deployed.reserve(symbol)

    def accounts_data(self, users: Sequence[str]) -> list[AccountData | None]:
        """Six values per user at the newest block, None where the contract reverts."""
        data = [calldata(ACCOUNT_DATA, user) for user in users]
        calls = [("eth_call", ({"to": self.deployed.pool, "data": d}, "latest")) for d in data]
        return [None if isinstance(a, RpcError) else AccountData(*_words(a)) for a in self.chain.rpc.batch(calls)]

    def refusals(self, attempts: Sequence[Attempt]) -> list[str | None]:
        """What each liquidation is refused with at the newest block; None: it goes through."""
        data = [calldata(LIQUIDATE, *attempt) for attempt in attempts]
        calls = [("eth_call", ({"from": LIQUIDATOR, "to": self.deployed.pool, "data": d}, "latest")) for d in data]
        return [self._reason(answer) for answer in self.chain.rpc.batch(calls)]

    def _reason(self, answer: str | RpcError) -> str | None:
        if not isinstance(answer, RpcError):
            return None
        reason = revert_reason(answer.data if isinstance(answer.data, str) else "0x")
        return self.chain.error_names.get(reason, reason)

    def answers(self, symbols: Sequence[str]) -> list[int]:
        calls: list[Call] = [(self.reserve(s).feed.aggregator, "latestAnswer()(int256)") for s in symbols]
        return self.chain.views(calls)

    def set_price(self, symbol: str, answer: int) -> None:
        self.chain.send(self.reserve(symbol).feed.aggregator, "set(int256)", answer)

    def scale_price(self, symbol: str, ppm: int) -> None:
        (answer,) = self.answers([symbol])
        self.set_price(symbol, answer * ppm // 10**6)

    def set_feed_failing(self, symbol: str, failing: bool = True) -> None:
        self.chain.send(self.reserve(symbol).feed.aggregator, "setFailing(bool)", failing)

    def set_paused(self, paused: bool) -> None:
        self.chain.send(self.deployed.configurator, "setPoolPause(bool)", paused)

    def set_frozen(self, symbol: str, frozen: bool) -> None:
        act = "freezeReserve(address)" if frozen else "unfreezeReserve(address)"
        self.chain.send(self.deployed.configurator, act, self.reserve(symbol).token)

    def use_manager(self, manager: str) -> None:
        self.chain.send(self.deployed.provider, "setLendingPoolCollateralManager(address)", manager)

    def allow_whole_debts(self, at: str) -> None:
        """Put the package's manager with its close factor made 100 % at an address, and use it."""
        code = artifact(PACKAGE, "LendingPoolCollateralManager").runtime
        self.chain.set_code(at, code.replace(HALF, WHOLE, 1))
        self.use_manager(at)

    def grant_graces(self) -> str:
        """Use a manager that asks a sentinel for grace periods; return the sentinel."""
        made = graces()
        sentinel = self.chain.deploy(made["GraceSentinel"].bytecode)
        types, words = ["address", "address"], [sentinel, self.deployed.manager]
        self.use_manager(self.chain.deploy(made["GracefulManager"].bytecode, types, words))
        return sentinel

    def send(self, signature: str, *arguments: object, sender: str = DEPLOYER) -> dict[str, object]:
        return self.chain.send(self.deployed.pool, signature, *arguments, sender=sender)


def graces() -> Mapping[str, Contract]:
    """The sentinel and the manager that asks it, our own."""
    sources = {"Grace.sol": (HOME / "aave_v2" / "contracts" / "Grace.sol").read_text()}
    return compiled("aave_v2", sources, "paris", 200)


def _words(answer: str) -> list[int]:
    return [int(answer[i : i + 64], 16) for i in range(2, len(answer), 64)]
