"""Random acts on a devnet market, several to a block: every way in which an account of a pool can change."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.devnet import DEPLOYER, LIQUIDATOR, MAX, Chain, Market, Transaction
from tests.devnet.aave.deployed import Reserve
from tests.devnet.chain.codec import calldata
from tests.devnet.chain.rpc import strict
from tests.devnet.people.plan import APPROVE, BORROW, MINT, SUPPLY, USE

USED = ("WETH", "wstETH", "WBTC", "USDC", "DAI", "LINK", "EURS", "UNI")
PEOPLE = 40
PURSE_DOLLARS = 10**7
MOST_ACTS = 10
GAPS_S = (12, 12, 60, 3_600, 86_400)
GAS = 2_000_000
LOOK_EVERY = 25
STABLE_BORROWED = ("USDC", "DAI", "LINK")
WITHDRAW = "withdraw(address,uint256,address)"
REPAY = "repay(address,uint256,uint256,address)"
REPAY_WITH_A_TOKENS = "repayWithATokens(address,uint256,uint256)"
LIQUIDATE = "liquidationCall(address,address,address,uint256,bool)"


class Act(NamedTuple):
    """One transaction and what it is meant to do."""

    name: str
    sender: str
    to: str
    data: str


class Position(NamedTuple):
    """What someone has of one reserve, in raw token units."""

    user: str
    reserve: Reserve
    raw: int


@dataclass
class Acting:
    """Mines blocks in which people do things at random; `done` and `refused` count them by name."""

    market: Market
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.people = [f"0x{0xFEED_0000 + self.seed * 1000 + i:040x}" for i in range(PEOPLE)]
        self.reserves = [self.market.reserve(symbol) for symbol in USED]
        self.prices = self.market.oracle_prices()
        self.pool = self.market.deployed.pool
        self.underwater: list[str] = []
        self.blocks = 0

    @property
    def chain(self) -> Chain:
        return self.market.chain

    def begin(self) -> None:
        """Give everyone tokens, the pool's leave to take them, and leave to borrow on each other's account."""
        funds = []
        for user in (*self.people, LIQUIDATOR):
            for reserve in self.reserves:
                amount = self._raw(reserve, PURSE_DOLLARS)
                funds.append(Transaction(user, reserve.token, calldata(MINT, user, amount)))
                funds.append(Transaction(user, reserve.token, calldata(APPROVE, self.pool, MAX)))
        for user, friend in zip(self.people, [*self.people[1:], self.people[0]], strict=True):
            for reserve in self.reserves:
                data = calldata("approveDelegation(address,uint256)", friend, MAX)
                funds.append(Transaction(user, reserve.variable_debt_token, data))
        self.chain.bulk(funds)

    def block(self) -> None:
        """Mine one block with up to ten acts, a while after the one before."""
        if self.blocks % LOOK_EVERY == 0:
            everyone = (*self.people, *self.market.accounts[1:])
            data = self.market.accounts_data(everyone)
            self.underwater = [u for u, d in zip(everyone, data, strict=True) if d.health_factor_wad < 10**18]
        self.blocks += 1
        self.held, self.owed = (self._positions(kind) for kind in ("a_token", "variable_debt_token"))
        acts = [act for _ in range(self.random.randint(1, MOST_ACTS)) if (act := self._chosen()) is not None]
        self.chain.rpc.request("evm_setAutomine", False)
        try:
            self._send(acts)
            gap_s = self.random.choice(GAPS_S)
            self.chain.rpc.request("evm_setNextBlockTimestamp", hex(self.chain.head().timestamp_s + gap_s))
            self.chain.mine()
        finally:
            self.chain.rpc.request("evm_setAutomine", True)

    def _send(self, acts: Sequence[Act]) -> None:
        rpc, nonces = self.chain.rpc, dict[str, int]()
        hashes = []
        for act in acts:
            if act.sender not in nonces:
                nonces[act.sender] = int(rpc.request("eth_getTransactionCount", act.sender, "latest"), 16)
            request = {"from": act.sender, "to": act.to, "data": act.data, "gas": hex(GAS), "gasPrice": "0x0"}
            hashes.append(rpc.request("eth_sendTransaction", request | {"nonce": hex(nonces[act.sender])}))
            nonces[act.sender] += 1
        self._sent = list(zip(acts, hashes, strict=True))

    def count(self) -> None:
        """Count what went through in the newest block."""
        receipts = strict(self.chain.rpc.batch([("eth_getTransactionReceipt", (h,)) for _, h in self._sent]))
        for (act, _), receipt in zip(self._sent, receipts, strict=True):
            (self.done if receipt and receipt["status"] == "0x1" else self.refused)[act.name] += 1

    def _chosen(self) -> Act | None:
        acts: Sequence[tuple[Callable[[], Act | None], int]] = (
            (self._supply, 6), (self._borrow, 8), (self._repay, 6), (self._withdraw, 5), (self._transfer, 5),
            (self._delegated, 5), (self._mode, 3), (self._collateral, 4), (self._liquidate, 9),
            (self._repay_with_a_tokens, 3), (self._treasury, 1), (self._price, 2), (self._stable, 3), (self._swap, 1),
        )  # fmt: skip
        return self.random.choices([a for a, _ in acts], [w for _, w in acts])[0]()

    def _supply(self) -> Act:
        someone, reserve = self._someone(), self._reserve()
        on_behalf = self._someone() if self.random.random() < 0.2 else someone
        data = calldata(SUPPLY, reserve.token, self._amount(reserve, 2, 5), on_behalf, 0)
        return Act("supply", someone, self.pool, data)

    def _borrow(self) -> Act:
        someone, reserve = self._someone(), self._reserve()
        return Act("borrow", someone, self.pool, self._borrowing(reserve, someone))

    def _delegated(self) -> Act:
        """Borrow on the account of the one before."""
        place, reserve = self.random.randrange(PEOPLE), self._reserve()
        return Act("delegated", self.people[place], self.pool, self._borrowing(reserve, self.people[place - 1]))

    def _repay(self) -> Act | None:
        if (debt := self._any(self.owed)) is None:
            return None
        payer = self._someone() if self.random.random() < 0.2 else debt.user
        amount = MAX if payer == debt.user and self.random.random() < 0.4 else self._part(debt.raw)
        return Act("repay", payer, self.pool, calldata(REPAY, debt.reserve.token, amount, 2, debt.user))

    def _repay_with_a_tokens(self) -> Act | None:
        both = {(p.user, p.reserve.symbol) for p in self.held}
        debt = self._any([p for p in self.owed if (p.user, p.reserve.symbol) in both])
        if debt is None:
            return None
        amount = self.random.choice([MAX, self._part(debt.raw)])
        data = calldata(REPAY_WITH_A_TOKENS, debt.reserve.token, amount, 2)
        return Act("repay with aTokens", debt.user, self.pool, data)

    def _withdraw(self) -> Act | None:
        if (held := self._any(self.held)) is None:
            return None
        amount = MAX if self.random.random() < 0.4 else self._part(held.raw)
        return Act("withdraw", held.user, self.pool, calldata(WITHDRAW, held.reserve.token, amount, held.user))

    def _transfer(self) -> Act | None:
        if (held := self._any(self.held)) is None:
            return None
        amount = held.raw if self.random.random() < 0.3 else self._part(held.raw)
        other = held.user if self.random.random() < 0.05 else self._someone()
        data = calldata("transfer(address,uint256)", other, amount)
        return Act("transfer", held.user, held.reserve.a_token, data)

    def _mode(self) -> Act:
        data = calldata("setUserEMode(uint8)", self.random.choice([0, 1, 2]))
        return Act("e-mode", self._someone(), self.pool, data)

    def _collateral(self) -> Act | None:
        if (held := self._any(self.held)) is None:
            return None
        is_on = self.random.random() < 0.5
        return Act("collateral", held.user, self.pool, calldata(USE, held.reserve.token, is_on))

    def _liquidate(self) -> Act | None:
        """Try a pair of an account past the line: often refused, as the account may have neither of the two."""
        if not self.underwater:
            return None
        user, pool = self.random.choice(self.underwater), self.pool
        every = self.market.deployed.reserves
        words = [
            self.chain.words("balanceOf(address)", [(token, user) for token in tokens])
            for tokens in ([r.a_token for r in every], [r.variable_debt_token for r in every])
        ]
        held, owed = ([r for r, word in zip(every, column, strict=True) if word] for column in words)
        if not held or not owed:
            return None
        pair = self.random.choice(held).token, self.random.choice(owed).token
        data = calldata(LIQUIDATE, *pair, user, MAX, self.random.random() < 0.4)
        return Act("liquidate", self.random.choice([LIQUIDATOR, LIQUIDATOR, self._someone()]), pool, data)

    def _stable(self) -> Act | None:
        """Borrow or repay at the stable rate, where the version has it."""
        reserve, someone = self.market.reserve(self.random.choice(STABLE_BORROWED)), self._someone()
        if not reserve.stable_debt_token:
            return None
        if self.random.random() < 0.5:
            data = calldata(BORROW, reserve.token, self._amount(reserve, 0, 2), 1, 0, someone)
        else:
            data = calldata(REPAY, reserve.token, self.random.choice([MAX, reserve.unit]), 1, someone)
        return Act("stable", someone, self.pool, data)

    def _swap(self) -> Act | None:
        debt = self._any(self.owed)
        if debt is None or not debt.reserve.stable_debt_token:
            return None
        data = calldata("swapBorrowRateMode(address,uint256)", debt.reserve.token, 2)
        return Act("swap", debt.user, self.pool, data)

    def _treasury(self) -> Act:
        data = calldata("mintToTreasury(address[])", [r.token for r in self.reserves])
        return Act("treasury", DEPLOYER, self.pool, data)

    def _price(self) -> Act:
        reserve = self._reserve()
        answer = self.market.answer(reserve.symbol) * self.random.randint(900, 1040) // 1000
        return Act("price", DEPLOYER, reserve.feed.aggregator, calldata("set(int256)", answer))

    def _borrowing(self, reserve: Reserve, on_behalf: str) -> str:
        return calldata(BORROW, reserve.token, self._amount(reserve, 0, 4), 2, 0, on_behalf)

    def _positions(self, token: str) -> list[Position]:
        pairs = [(user, reserve) for user in self.people for reserve in self.reserves]
        raws = self.chain.words("balanceOf(address)", [(getattr(r, token), user) for user, r in pairs])
        return [Position(user, reserve, raw) for (user, reserve), raw in zip(pairs, raws, strict=True) if raw]

    def _any(self, positions: Sequence[Position]) -> Position | None:
        return self.random.choice(positions) if positions else None

    def _someone(self) -> str:
        return self.random.choice(self.people)

    def _reserve(self) -> Reserve:
        return self.random.choice(self.reserves)

    def _raw(self, reserve: Reserve, dollars: float) -> int:
        return max(1, int(dollars * 10**8 * reserve.unit / self.prices[reserve.symbol]))

    def _amount(self, reserve: Reserve, low: float, high: float) -> int:
        return self._raw(reserve, 10 ** self.random.uniform(low, high))

    def _part(self, whole: int) -> int:
        return max(1, whole // self.random.randint(2, 20))
