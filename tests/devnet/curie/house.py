"""A test's hand on a clearing house: its contracts, its markets and collaterals, what people do, what it says."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isqrt
from typing import Any

from tests.devnet.chain.client import DEPLOYER, Chain, Transaction
from tests.devnet.chain.codec import calldata, revert_reason
from tests.devnet.chain.rpc import RpcError

MAX = 2**256 - 1
OPEN = "openPosition((address,bool,bool,uint256,uint256,uint256,uint160,bytes32))"
ADD = "addLiquidity((address,uint256,uint256,int24,int24,uint256,uint256,bool,uint256))"
REMOVE = "removeLiquidity((address,int24,int24,uint128,uint256,uint256,uint256))"
LIQUIDATE = "liquidate(address,address)"
DEPOSIT = "deposit(address,uint256)"
LIQUIDATOR, PROBE = "0x11c1" + 36 * "0", "0x11c2" + 36 * "0"
"""Who takes positions over, and who only asks whether that would go through, with a margin that nothing touches."""
NO_CODE = bytes(32)


@dataclass(frozen=True)
class Traded:
    """One market: its base token, pool and feed; `dollars` is what one base token was worth at the start."""

    symbol: str
    base: str
    pool: str
    feed: str
    dollars: int


@dataclass(frozen=True)
class Coin:
    """One collateral; the settlement token has no feed."""

    symbol: str
    address: str
    decimals: int
    dollars: int
    feed: str = ""


@dataclass
class House:
    """One deployment; `at` names its contracts, `people` have positions."""

    chain: Chain
    at: dict[str, str]
    first_block: int
    settlement: Coin
    markets: tuple[Traded, ...] = ()
    coins: tuple[Coin, ...] = ()
    people: tuple[str, ...] = ()
    makers: tuple[str, ...] = field(default=())

    def send(self, contract: str, signature: str, *arguments: Any, sender: str = DEPLOYER) -> dict[str, Any]:
        return self.chain.send(self.at[contract], signature, *arguments, sender=sender)

    def tell(self, feed: str, dollars_e8: int) -> None:
        self.chain.send(feed, "tell(uint256)", dollars_e8)

    def fund(self, who: Sequence[str], coin: Coin, amounts: Sequence[int]) -> None:
        """Give everyone an amount of a token and put it into the vault."""
        vault = self.at["Vault"]
        acts: list[Transaction] = []
        for one, amount in zip(who, amounts, strict=True):
            if amount:
                acts.append(Transaction(one, coin.address, calldata("mint(address,uint256)", one, amount)))
                acts.append(Transaction(one, coin.address, calldata("approve(address,uint256)", vault, MAX)))
                acts.append(Transaction(one, vault, calldata(DEPOSIT, coin.address, amount)))
        self.chain.bulk(acts)

    def trade(self, who: str, market: Traded, quote_wad: int) -> Transaction:
        """Return the opening of a long (above zero) or a short of so many dollars."""
        is_short = quote_wad < 0
        order = (market.base, is_short, not is_short, abs(quote_wad), 0, MAX, 0, NO_CODE)
        return Transaction(who, self.at["ClearingHouse"], calldata(OPEN, order))

    def follow(self, market: Traded, dollars_e8: int) -> None:
        """Have the index say a price below the present one, and somebody rich sell the pool down to it."""
        self.tell(market.feed, dollars_e8)
        order = (market.base, True, True, 10**30, 0, MAX, isqrt((dollars_e8 << 192) // 10**8), NO_CODE)
        self.chain.bulk([Transaction(LIQUIDATOR, self.at["ClearingHouse"], calldata(OPEN, order))])

    def provide(self, who: str, market: Traded, base_wad: int, quote_wad: int, ticks: tuple[int, int]) -> Transaction:
        order = (market.base, base_wad, quote_wad, *ticks, 0, 0, False, MAX)
        return Transaction(who, self.at["ClearingHouse"], calldata(ADD, order))

    def ends(self, who: Sequence[str], market: Traded, block: str = "latest") -> list[str]:
        """What a liquidation of each in a market ends in: `ok`, or why it reverts."""
        asked = [
            ("eth_call", ({"from": PROBE, "to": self.at["ClearingHouse"], "data": data}, block))
            for data in (calldata(LIQUIDATE, one, market.base) for one in who)
        ]
        return [_told(answer) for answer in self.chain.rpc.batch(asked)]

    def views(self, contract: str, signature: str, who: Sequence[str], block: str = "latest") -> list[Any]:
        return self.chain.views([(self.at[contract], signature, one) for one in who], block)

    def wait(self, seconds: int) -> None:
        self.chain.advance_time(seconds)


def _told(answer: str | RpcError) -> str:
    if not isinstance(answer, RpcError):
        return "ok"
    return revert_reason(answer.data if isinstance(answer.data, str) else "0x")
