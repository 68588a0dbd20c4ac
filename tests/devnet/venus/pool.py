"""A test's hand on a pool of Venus, isolated or core: its vTokens, what people do in it, prices, what it says."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.devnet.chain.client import DEPLOYER, Chain, Transaction
from tests.devnet.chain.codec import calldata, results, revert_reason
from tests.devnet.chain.rpc import RpcError

WAD = 10**18
MAX = 2**256 - 1
LIQUIDATOR = "0x11c0" + 36 * "0"
LIQUIDATE = "liquidateBorrow(address,uint256,address)"
MINT, BORROW, REPAY, REDEEM = "mint(uint256)", "borrow(uint256)", "repayBorrow(uint256)", "redeem(uint256)"


@dataclass(frozen=True)
class VToken:
    """One market: the vToken, its token, and what one token was worth in dollars at the start."""

    symbol: str
    address: str
    token: str
    decimals: int
    dollars: int

    @property
    def price(self) -> int:
        """The oracle's answer for so many dollars."""
        return int(self.dollars * 10 ** (36 - self.decimals))


@dataclass
class Pool:
    """One comptroller with its vTokens; `people` have positions in it."""

    chain: Chain
    comptroller: str
    oracle: str
    vtokens: tuple[VToken, ...]
    registry: str = ""
    first_block: int = 0
    people: tuple[str, ...] = ()
    extras: dict[str, str] = field(default_factory=dict)

    def of(self, symbol: str) -> VToken:
        return next(one for one in self.vtokens if one.symbol == symbol)

    def send(self, signature: str, *arguments: Any, sender: str = DEPLOYER) -> dict[str, Any]:
        return self.chain.send(self.comptroller, signature, *arguments, sender=sender)

    def price(self, one: VToken) -> int:
        return int(self.chain.view(self.oracle, "told(address)(uint256)", one.address))

    def tell(self, one: VToken, price: int) -> None:
        self.chain.send(self.oracle, "tell(address,uint256)", one.address, price)

    def scale(self, one: VToken, ppm: int) -> None:
        self.tell(one, max(self.price(one) * ppm // 10**6, 1))

    def break_down(self, one: VToken, *, is_broken: bool) -> None:
        """Have the oracle revert for the vToken, or answer again."""
        self.chain.send(self.oracle, "breakDown(address,bool)", one.address, is_broken)

    def liquidities(self, users: Sequence[str]) -> list[tuple[int, int, int] | str]:
        """What getAccountLiquidity says of each: error, liquidity, shortfall, or why it reverts."""
        signature = "getAccountLiquidity(address)(uint256,uint256,uint256)"
        found = self.ended([(self.comptroller, calldata(signature, user)) for user in users])
        return [results(signature, one) if one.startswith("0x") else one for one in found]

    def snapshots(self, one: VToken, users: Sequence[str]) -> list[tuple[int, int, int, int]]:
        """Error, vTokens, debt and exchange rate of each, by stored interest."""
        signature = "getAccountSnapshot(address)(uint256,uint256,uint256,uint256)"
        return self.chain.views([(one.address, signature, user) for user in users])

    def ended(self, calls: Sequence[tuple[str, str]], sender: str = LIQUIDATOR) -> list[str]:
        """What each call (target, calldata) ends in at the newest block: the data it returns, or why it reverts."""
        asked = [("eth_call", ({"from": sender, "to": to, "data": data}, "latest")) for to, data in calls]
        return [self._told(answer) for answer in self.chain.rpc.batch(asked)]

    def accrue_all(self) -> None:
        """Book the interest of every vToken, each in a block of the same time as the newest."""
        for one in self.vtokens:
            self.chain.send(one.address, "accrueInterest()")

    def fund(self, users: Sequence[str], dollars: int) -> None:
        """Give everyone tokens of that worth in every market, and let the vTokens take them."""
        acts = []
        for one in self.vtokens:
            amount = dollars * 10**one.decimals // one.dollars
            acts += [Transaction(user, one.token, calldata("mint(address,uint256)", user, amount)) for user in users]
            acts += [
                Transaction(user, one.token, calldata("approve(address,uint256)", one.address, MAX)) for user in users
            ]
        self.chain.bulk(acts)

    def _told(self, answer: str | RpcError) -> str:
        if not isinstance(answer, RpcError):
            return answer
        reason = revert_reason(answer.data if isinstance(answer.data, str) else "0x")
        return self.chain.error_names.get(reason, reason)
