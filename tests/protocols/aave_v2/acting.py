"""Random acts on a devnet market, several to a block: every way in which an account of a pool can change."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from tests.devnet.aave_v2.deployed import Reserve
from tests.devnet.aave_v2.market import (
    BORROW,
    DEPOSIT,
    LIQUIDATE,
    LIQUIDATOR,
    MAX,
    REBALANCE,
    REPAY,
    STABLE,
    SWAP,
    TRANSFER,
    USE,
    VARIABLE,
    WITHDRAW,
)
from tests.devnet.aave_v2.opening import raw_of
from tests.devnet.chain.client import DEPLOYER, Transaction
from tests.devnet.chain.codec import calldata
from tests.devnet.chain.rpc import strict
from tests.protocols.aave_v2.watched import Watched

GAPS_S = (0, 1, 12, 12, 60, 3_600, 86_400, 400_000)
MOST_ACTS = 10
ACTIVE = 40
LOOK_EVERY = 8
GAS = 2_000_000
T = TypeVar("T")


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

    watched: Watched
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.devnet, self.random = self.watched.devnet, random.Random(self.seed)
        self.people, self.pool = self.devnet.people[:ACTIVE], self.devnet.deployed.pool
        self.reserves = self.devnet.deployed.reserves
        self.underwater: list[str] = []
        self.blocks = 0
        allow = [
            Transaction(user, token, calldata("approveDelegation(address,uint256)", friend, MAX))
            for user, friend in zip(self.people, self.people[1:], strict=False)
            for reserve in self.reserves
            for token in (reserve.variable_debt_token, reserve.stable_debt_token)
        ]
        self.devnet.chain.bulk(allow)

    def block(self) -> None:
        """Mine one block with up to ten acts, a while after the one before."""
        if self.blocks % LOOK_EVERY == 0:
            data = self.devnet.accounts_data(self.devnet.people)
            pairs = zip(self.devnet.people, data, strict=True)
            self.underwater = [user for user, d in pairs if d is not None and d.health_wad < 10**18]
        if self.random.random() < 0.25:
            symbol = self._any(self.reserves[1:]).symbol
            self.devnet.scale_price(symbol, self.random.choice((800_000, 950_000, 1_020_000, 1_100_000)))
        self.blocks += 1
        self.held, self.owed, self.stable = (
            self._positions(kind) for kind in ("a_token", "variable_debt_token", "stable_debt_token")
        )
        acts = [act for _ in range(self.random.randint(1, MOST_ACTS)) if (act := self._chosen()) is not None]
        chain = self.devnet.chain
        chain.rpc.request("evm_setAutomine", False)
        try:
            hashes = self._send(acts)
            gap_s = self.random.choice(GAPS_S)
            chain.rpc.request("evm_setNextBlockTimestamp", hex(chain.head().timestamp_s + gap_s))
            chain.mine()
        finally:
            chain.rpc.request("evm_setAutomine", True)
        receipts = strict(chain.rpc.batch([("eth_getTransactionReceipt", (h,)) for h in hashes]))
        for act, receipt in zip(acts, receipts, strict=True):
            (self.done if receipt and receipt["status"] == "0x1" else self.refused)[act.name] += 1

    def _send(self, acts: Sequence[Act]) -> list[str]:
        rpc, nonces, hashes = self.devnet.chain.rpc, dict[str, int](), list[str]()
        for act in acts:
            if act.sender not in nonces:
                nonces[act.sender] = int(rpc.request("eth_getTransactionCount", act.sender, "latest"), 16)
            request = {"from": act.sender, "to": act.to, "data": act.data, "gas": hex(GAS), "gasPrice": "0x0"}
            hashes.append(rpc.request("eth_sendTransaction", request | {"nonce": hex(nonces[act.sender])}))
            nonces[act.sender] += 1
        return hashes

    def _chosen(self) -> Act | None:
        acts: Sequence[tuple[Callable[[], Act | None], int]] = (
            (self._deposit, 6), (self._borrow, 7), (self._borrow_stable, 4), (self._repay, 6), (self._repay_stable, 3),
            (self._withdraw, 5), (self._transfer, 6), (self._delegated, 3), (self._collateral, 4), (self._swap, 3),
            (self._rebalance, 1), (self._liquidate, 9),
        )  # fmt: skip
        return self.random.choices([a for a, _ in acts], [w for _, w in acts])[0]()

    def _deposit(self) -> Act:
        someone, reserve = self._someone(), self._any(self.reserves)
        on_behalf = self._someone() if self.random.random() < 0.2 else someone
        return self._act("deposit", someone, DEPOSIT, reserve.token, self._amount(reserve, 1, 5), on_behalf, 0)

    def _borrow(self) -> Act:
        someone, reserve = self._someone(), self._any(self.reserves)
        return self._act("borrow", someone, BORROW, reserve.token, self._amount(reserve, 0, 3), VARIABLE, 0, someone)

    def _borrow_stable(self) -> Act:
        someone, reserve = self._someone(), self._any([r for r in self.reserves if r.shape.stable])
        words = (reserve.token, self._amount(reserve, 0, 3), STABLE, 0, someone)
        return self._act("borrow at a stable rate", someone, BORROW, *words)

    def _delegated(self) -> Act:
        """Borrow on the account of the one before."""
        place, reserve = self.random.randrange(1, ACTIVE), self._any(self.reserves)
        words = (reserve.token, self._amount(reserve, 0, 3), VARIABLE, 0, self.people[place - 1])
        return self._act("borrow for another", self.people[place], BORROW, *words)

    def _repay(self) -> Act | None:
        if not self.owed:
            return None
        debt = self._any(self.owed)
        payer = self._someone() if self.random.random() < 0.2 else debt.user
        amount = MAX if payer == debt.user and self.random.random() < 0.4 else self._part(debt.raw)
        return self._act("repay", payer, REPAY, debt.reserve.token, amount, VARIABLE, debt.user)

    def _repay_stable(self) -> Act | None:
        if not self.stable:
            return None
        debt = self._any(self.stable)
        amount = self.random.choice((MAX, self._part(debt.raw), 1))
        return self._act("repay at a stable rate", debt.user, REPAY, debt.reserve.token, amount, STABLE, debt.user)

    def _withdraw(self) -> Act | None:
        if not self.held:
            return None
        held = self._any(self.held)
        amount = MAX if self.random.random() < 0.4 else self._part(held.raw)
        return self._act("withdraw", held.user, WITHDRAW, held.reserve.token, amount, held.user)

    def _transfer(self) -> Act | None:
        if not self.held:
            return None
        held = self._any(self.held)
        amount = held.raw if self.random.random() < 0.3 else self._part(held.raw)
        other = held.user if self.random.random() < 0.1 else self._someone()
        return Act("transfer", held.user, held.reserve.a_token, calldata(TRANSFER, other, amount))

    def _collateral(self) -> Act | None:
        if not self.held:
            return None
        held = self._any(self.held)
        return self._act("collateral", held.user, USE, held.reserve.token, self.random.random() < 0.5)

    def _swap(self) -> Act | None:
        mine = self.owed + self.stable
        if not mine:
            return None
        debt = self._any(mine)
        return self._act("swap", debt.user, SWAP, debt.reserve.token, VARIABLE if debt in self.owed else STABLE)

    def _rebalance(self) -> Act | None:
        if not self.stable:
            return None
        debt = self._any(self.stable)
        return self._act("rebalance", DEPLOYER, REBALANCE, debt.reserve.token, debt.user)

    def _liquidate(self) -> Act | None:
        """Try a pair of an account past the line, for the token or for aTokens."""
        if not self.underwater:
            return None
        user = self._any(self.underwater)
        held, owed = ([p for p in self._of(user, kind) if p.raw] for kind in ("a_token", "variable_debt_token"))
        owed += [p for p in self._of(user, "stable_debt_token") if p.raw]
        if not held or not owed:
            return None
        debt = self._any(owed)
        amount = self.random.choice((MAX, self._part(debt.raw)))
        words = (self._any(held).reserve.token, debt.reserve.token, user, amount)
        by = self.random.choice((LIQUIDATOR, self._someone()))
        as_a_tokens = self.random.random() < 0.4
        name = "liquidate for aTokens" if as_a_tokens else "liquidate"
        return self._act(name, by, LIQUIDATE, *words, as_a_tokens)

    def _act(self, name: str, sender: str, signature: str, *words: object) -> Act:
        return Act(name, sender, self.pool, calldata(signature, *words))

    def _positions(self, token: str) -> list[Position]:
        return [p for p in self._all([(user, r) for user in self.people for r in self.reserves], token) if p.raw]

    def _of(self, user: str, token: str) -> list[Position]:
        return self._all([(user, reserve) for reserve in self.reserves], token)

    def _all(self, pairs: Sequence[tuple[str, Reserve]], token: str) -> list[Position]:
        raws = self.devnet.chain.words("balanceOf(address)", [(getattr(r, token), user) for user, r in pairs])
        return [Position(user, reserve, raw) for (user, reserve), raw in zip(pairs, raws, strict=True)]

    def _someone(self) -> str:
        return self._any(self.people)

    def _amount(self, reserve: Reserve, low: float, high: float) -> int:
        return raw_of(reserve, 10 ** self.random.uniform(low, high))

    def _part(self, whole: int) -> int:
        return max(1, whole // self.random.randint(2, 20))

    def _any(self, of: Sequence[T]) -> T:
        return self.random.choice(of)
