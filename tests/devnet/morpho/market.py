"""A test's hand on Morpho Blue: its markets, what people do in them, prices, and what the contract says."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from tests.devnet.aave.deployed import PriceFeed
from tests.devnet.chain.client import DEPLOYER, Call, Chain
from tests.devnet.chain.codec import calldata, revert_reason
from tests.devnet.chain.rpc import RpcError
from tests.devnet.morpho.shape import MarketShape

PARAMETERS = "(address,address,address,address,uint256)"
SUPPLY = f"supply({PARAMETERS},uint256,uint256,address,bytes)"
WITHDRAW = f"withdraw({PARAMETERS},uint256,uint256,address,address)"
BORROW = f"borrow({PARAMETERS},uint256,uint256,address,address)"
REPAY = f"repay({PARAMETERS},uint256,uint256,address,bytes)"
ADD = f"supplyCollateral({PARAMETERS},uint256,address,bytes)"
REMOVE = f"withdrawCollateral({PARAMETERS},uint256,address,address)"
LIQUIDATE = f"liquidate({PARAMETERS},address,uint256,uint256,bytes)"
APPROVE, MINT = "approve(address,uint256)", "mint(address,uint256)"
MAX = 2**256 - 1
LIQUIDATOR = "0x11c0" + 36 * "0"


@dataclass(frozen=True)
class One:
    """One market: its id, the five words that make it, and how its price is moved."""

    shape: MarketShape
    words: tuple[str, str, str, str, int]
    feeds: tuple[PriceFeed, ...]
    vault: str
    decimals: tuple[int, int]

    @property
    def id(self) -> str:
        types = ["address"] * 4 + ["uint256"]
        return "0x" + keccak(encode(types, self.words)).hex()

    @property
    def key(self) -> bytes:
        return bytes.fromhex(self.id[2:])

    @property
    def loan(self) -> str:
        return self.words[0]

    @property
    def collateral(self) -> str:
        return self.words[1]

    @property
    def oracle(self) -> str:
        return self.words[2]


@dataclass
class Morpho:
    """The singleton with its markets; `people` have positions in all of them."""

    chain: Chain
    address: str
    markets: tuple[One, ...]
    told: str
    irms: dict[str, str]
    people: tuple[str, ...] = ()
    first_block: int = field(default=0)

    def of(self, name: str) -> One:
        return next(one for one in self.markets if one.shape.name == name)

    def send(self, signature: str, *arguments: Any, sender: str = DEPLOYER) -> dict[str, Any]:
        return self.chain.send(self.address, signature, *arguments, sender=sender)

    def price(self, one: One) -> int:
        return int(self.chain.view(one.oracle, "price()(uint256)"))

    def position(self, one: One, user: str) -> tuple[int, int]:
        """Borrow shares and collateral."""
        _, shares, collateral = self.chain.view(
            self.address, "position(bytes32,address)(uint256,uint128,uint128)", one.key, user
        )
        return shares, collateral

    def positions(self, one: One, users: Sequence[str]) -> list[tuple[int, int]]:
        signature = "position(bytes32,address)(uint256,uint128,uint128)"
        calls: list[Call] = [(self.address, signature, one.key, user) for user in users]
        return [(shares, collateral) for _, shares, collateral in self.chain.views(calls)]

    def owed(self, one: One, users: Sequence[str]) -> list[int]:
        """What each owes at the newest block, by the package's own MorphoBalancesLib."""
        signature = f"owed(address,{PARAMETERS},address)(uint256)"
        calls: list[Call] = [(self.told, signature, self.address, one.words, user) for user in users]
        return self.chain.views(calls)

    def balances(self, one: One) -> tuple[int, int, int, int]:
        """The market's totals with interest up to the newest block, by the package's own MorphoBalancesLib."""
        signature = f"balances(address,{PARAMETERS})(uint256,uint256,uint256,uint256)"
        found: tuple[int, int, int, int] = self.chain.view(self.told, signature, self.address, one.words)
        return found

    def verdicts(self, one: One, users: Sequence[str]) -> list[str]:
        """What a liquidation of one share of each ends in: "liquidated" or why it reverts."""
        data = [calldata(LIQUIDATE, one.words, user, 0, 1, b"") for user in users]
        calls = [("eth_call", ({"from": LIQUIDATOR, "to": self.address, "data": d}, "latest")) for d in data]
        return [self._verdict(answer) for answer in self.chain.rpc.batch(calls)]

    def _verdict(self, answer: str | RpcError) -> str:
        if not isinstance(answer, RpcError):
            return "liquidated"
        return revert_reason(answer.data if isinstance(answer.data, str) else "0x")

    def scale(self, one: One, ppm: int) -> None:
        """Multiply the market's price by moving what it is made of first, or the oracle that is told."""
        if one.shape.oracle == "told":
            self.chain.send(one.oracle, "tell(uint256,uint8)", self.price(one) * ppm // 10**6, 0)
        elif one.vault and not one.feeds:
            rate = self.chain.view(one.vault, "rate()(uint256)")
            self.chain.send(one.vault, "tell(uint256)", rate * ppm // 10**6)
        else:
            feed = one.feeds[0]
            answer = self.chain.view(feed.aggregator, "latestAnswer()(int256)")
            self.chain.send(feed.aggregator, "set(int256)", answer * ppm // 10**6)

    def tell(self, one: One, price: int, failure: int = 0) -> None:
        """Set the price of a told oracle; failure 1 reverts, 2 burns its gas, 3 answers too little."""
        self.chain.send(one.oracle, "tell(uint256,uint8)", price, failure)
