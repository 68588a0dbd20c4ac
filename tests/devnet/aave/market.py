"""One deployed market in a test's hand: what accounts do, what prices and time do, what a liquidator gets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.devnet.aave.deployed import Deployed, PriceFeed, Reserve
from tests.devnet.chain.client import DEPLOYER, Chain, Transaction
from tests.devnet.chain.codec import address_of, calldata, topic

MAX = 2**256 - 1
WAD = 10**18
LIQUIDATOR = "0x11d0000000000000000000000000000000000001"
TREASURY = "0x7ea5000000000000000000000000000000000001"
VARIABLE, STABLE = 2, 1
ACCOUNT_DATA = "getUserAccountData(address)(uint256,uint256,uint256,uint256,uint256,uint256)"
LATEST_ANSWER = "latestAnswer()(int256)"
ASSET_PRICE = "getAssetPrice(address)(uint256)"
BALANCE = "balanceOf(address)(uint256)"
ALLOWANCE = "allowance(address,address)(uint256)"
LIQUIDATION_CALL = topic("LiquidationCall(address,address,address,uint256,uint256,address,bool)")
DEFICIT_CREATED = topic("DeficitCreated(address,address,uint256)")
TRANSFER = topic("Transfer(address,address,uint256)")


class AccountData(NamedTuple):
    """The six values of `getUserAccountData`, in its order."""

    collateral_base: int
    debt_base: int
    available_borrows_base: int
    liquidation_threshold_bps: int
    ltv_bps: int
    health_factor_wad: int


class Liquidation(NamedTuple):
    """What one `liquidationCall` did, in raw token units. `deficits_raw`: debt written off, by debt symbol (v3.3+)."""

    user: str
    collateral: str
    debt: str
    debt_covered_raw: int
    collateral_seized_raw: int
    protocol_fee_raw: int
    deficits_raw: Mapping[str, int]
    block: int
    transaction: str


@dataclass
class Market:
    """`accounts` are all addresses that were given a position (or, on purpose, none). Amounts are raw token units."""

    chain: Chain
    deployed: Deployed
    accounts: tuple[str, ...] = ()

    def reserve(self, symbol: str) -> Reserve:
        return self.deployed.reserve(symbol)

    def account_data(self, user: str) -> AccountData:
        return AccountData(*self.chain.view(self.deployed.pool, ACCOUNT_DATA, user))

    def accounts_data(self, users: Sequence[str]) -> list[AccountData]:
        """Six values per user, in order, all at one block."""
        at = {"blockHash": self.chain.head().hash}
        return [
            AccountData(*row) for row in self.chain.views([(self.deployed.pool, ACCOUNT_DATA, u) for u in users], at)
        ]

    def fund(self, user: str, symbol: str, amount: int) -> None:
        """See to it that `user` has at least `amount` of the token and lets the pool take it."""
        token, pool = self.reserve(symbol).token, self.deployed.pool
        held, allowed = self.chain.views([(token, BALANCE, user), (token, ALLOWANCE, user, pool)])
        if held < amount:
            self.chain.send(token, "mint(address,uint256)", user, amount - held)
        if allowed < amount:
            self.chain.send(token, "approve(address,uint256)", pool, MAX, sender=user)

    def supply(self, user: str, symbol: str, amount: int) -> None:
        self.fund(user, symbol, amount)
        self._pool("supply(address,uint256,address,uint16)", self.reserve(symbol).token, amount, user, 0, sender=user)

    def withdraw(self, user: str, symbol: str, amount: int = MAX) -> None:
        self._pool("withdraw(address,uint256,address)", self.reserve(symbol).token, amount, user, sender=user)

    def borrow(self, user: str, symbol: str, amount: int, mode: int = VARIABLE) -> None:
        self._pool(
            "borrow(address,uint256,uint256,uint16,address)",
            self.reserve(symbol).token,
            amount,
            mode,
            0,
            user,
            sender=user,
        )

    def repay(self, user: str, symbol: str, amount: int, mode: int = VARIABLE) -> None:
        """Repays the user's own debt. `amount` = MAX repays all; the tokens needed are minted."""
        self.fund(user, symbol, 2 * self.owed(user, symbol) if amount == MAX else amount)
        token = self.reserve(symbol).token
        self._pool("repay(address,uint256,uint256,address)", token, amount, mode, user, sender=user)

    def owed(self, user: str, symbol: str) -> int:
        """All the user owes in that asset, at either rate, with interest up to the newest block."""
        reserve = self.reserve(symbol)
        tokens = [token for token in (reserve.variable_debt_token, reserve.stable_debt_token) if token]
        return sum(self.chain.views([(token, BALANCE, user) for token in tokens]))

    def use_as_collateral(self, user: str, symbol: str, enabled: bool = True) -> None:
        self._pool("setUserUseReserveAsCollateral(address,bool)", self.reserve(symbol).token, enabled, sender=user)

    def set_e_mode(self, user: str, category: int) -> None:
        self._pool("setUserEMode(uint8)", category, sender=user)

    def liquidate(
        self, user: str, collateral: str, debt: str, amount: int = MAX, receive_a_token: bool = False
    ) -> Liquidation:
        """A real `liquidationCall` by `LIQUIDATOR`. Raises `Reverted` with the contract's own error name."""
        seized, repaid = self.reserve(collateral), self.reserve(debt)
        self.fund(LIQUIDATOR, debt, amount if amount < MAX else 2 * self.owed(user, debt))
        arguments = (seized.token, repaid.token, user, amount, receive_a_token)
        receipt = self._pool("liquidationCall(address,address,address,uint256,bool)", *arguments, sender=LIQUIDATOR)
        return self._liquidation(receipt, user, seized, repaid)

    def set_price(self, symbol: str, answer: int) -> None:
        """A new answer of the reserve's aggregator, published now. WETH and wstETH share one; see `set_ratio`."""
        self.chain.send(self.reserve(symbol).feed.aggregator, "set(int256)", answer)

    def set_prices(self, answers: Mapping[str, int]) -> None:
        """New answers of several reserves' aggregators, all in one block."""
        self._publish({self.reserve(symbol).feed.aggregator: answer for symbol, answer in answers.items()})

    def scale_prices(self, moves_ppm: Mapping[str, int]) -> None:
        """Multiplies several answers by so many millionths, all in one block."""
        self.set_prices({symbol: self.answer(symbol) * ppm // 10**6 for symbol, ppm in moves_ppm.items()})

    def scale_price(self, symbol: str, ppm: int) -> int:
        """Multiplies the answer by `ppm` millionths; returns the new answer."""
        answer = self.answer(symbol) * ppm // 10**6
        self.set_price(symbol, answer)
        return answer

    def answer(self, symbol: str) -> int:
        """The aggregator's own answer, before any adapter."""
        return int(self.chain.view(self.reserve(symbol).feed.aggregator, LATEST_ANSWER))

    def oracle_price(self, symbol: str) -> int:
        """What the protocol's oracle says, in its base currency unit."""
        return int(self.chain.view(self.deployed.oracle, ASSET_PRICE, self.reserve(symbol).token))

    def oracle_prices(self) -> dict[str, int]:
        """`oracle_price` of every reserve, by symbol."""
        reserves = self.deployed.reserves
        prices = self.chain.views([(self.deployed.oracle, ASSET_PRICE, r.token) for r in reserves])
        return {r.symbol: price for r, price in zip(reserves, prices, strict=True)}

    def set_ratio(self, symbol: str, ratio_e18: int) -> None:
        self.chain.send(self.reserve(symbol).feed.ratio_source, "set(uint256)", ratio_e18)

    def set_price_age(self, symbol: str, age_s: int) -> None:
        """Republishes the present answer as if it had been published `age_s` before the newest block."""
        then = self.chain.head().timestamp_s - age_s
        self.chain.send(
            self.reserve(symbol).feed.aggregator, "setAt(int256,uint256,uint256)", self.answer(symbol), then, then
        )

    def set_feed_failing(self, symbol: str, failing: bool = True) -> None:
        self.chain.send(self.reserve(symbol).feed.aggregator, "setFailing(bool)", failing)

    def set_answer_bounds(self, symbol: str, least: int, most: int) -> None:
        """The aggregator's `minAnswer` and `maxAnswer`; only told, not enforced."""
        self.chain.send(self.reserve(symbol).feed.aggregator, "setBounds(int192,int192)", least, most)

    def beat(self, symbols: Iterable[str] | None = None) -> None:
        """The heartbeat: the named reserves' feeds, or all of the market, publish their present answers again."""
        feeds = self.feeds() if symbols is None else [self.reserve(s).feed for s in symbols]
        aggregators = list(dict.fromkeys(feed.aggregator for feed in feeds))
        answers = self.chain.views([(aggregator, LATEST_ANSWER) for aggregator in aggregators])
        self._publish(dict(zip(aggregators, answers, strict=True)))

    def feeds(self) -> list[PriceFeed]:
        """Every price feed of reserves and e-modes (the sequencer feed is not one)."""
        return [r.feed for r in self.deployed.reserves] + [m.feed for m in self.deployed.e_modes if m.feed]

    def set_sequencer(self, up: bool) -> None:
        """Reports the sequencer up or down since now; a grace period follows before all may be liquidated again."""
        self.chain.send(self.deployed.sequencer.aggregator, "set(int256)", 0 if up else 1)

    def set_paused(self, symbol: str, paused: bool) -> None:
        self.chain.send(self.deployed.configurator, "setReservePause(address,bool)", self.reserve(symbol).token, paused)

    def grant_grace(self, symbol: str, seconds: int) -> None:
        """Unpauses the reserve with a liquidation grace period of at most four hours (v3.1 and later)."""
        token = self.reserve(symbol).token
        self.chain.send(self.deployed.configurator, "setReservePause(address,bool,uint40)", token, False, seconds)

    def _publish(self, answers: Mapping[str, int]) -> None:
        """Answers by aggregator."""
        self.chain.bulk([Transaction(DEPLOYER, a, calldata("set(int256)", answer)) for a, answer in answers.items()])

    def _pool(self, signature: str, *arguments: Any, sender: str) -> dict[str, Any]:
        return self.chain.send(self.deployed.pool, signature, *arguments, sender=sender)

    def _liquidation(self, receipt: dict[str, Any], user: str, seized: Reserve, repaid: Reserve) -> Liquidation:
        covered = taken = fee = 0
        deficits: dict[str, int] = {}
        symbols = {r.token.lower(): r.symbol for r in self.deployed.reserves}
        for log in receipt["logs"]:
            words = [int(log["data"][i : i + 64], 16) for i in range(2, len(log["data"]), 64)]
            if log["topics"][0] == LIQUIDATION_CALL:
                covered, taken = words[0], words[1]
            elif log["topics"][0] == DEFICIT_CREATED:
                deficits[symbols[address_of(log["topics"][2])]] = words[0]
            elif (
                log["topics"][0] == TRANSFER
                and log["address"] == seized.a_token.lower()
                and address_of(log["topics"][2]) == TREASURY
            ):
                fee += words[0]
        block = int(receipt["blockNumber"], 16)
        return Liquidation(
            user, seized.symbol, repaid.symbol, covered, taken, fee, deficits, block, receipt["transactionHash"]
        )
