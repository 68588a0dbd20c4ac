"""Random acts in a pool of the devnet, several to a block: every way in which a position can change."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from tests.devnet.chain.client import DEPLOYER
from tests.devnet.chain.codec import calldata
from tests.devnet.chain.rpc import strict
from tests.devnet.venus.pool import BORROW, LIQUIDATE, LIQUIDATOR, MAX, MINT, REDEEM, REPAY, VToken
from tests.protocols.compound_v2.venus.watched import Watched

GAPS_S = (1, 12, 12, 60, 3_600, 86_400, 700_000)
MOST_ACTS = 10
GAS = 8_000_000
T = TypeVar("T")


class Act(NamedTuple):
    """One transaction and what it is meant to do."""

    name: str
    sender: str
    to: str
    data: str


@dataclass
class Acting:
    """Mines blocks in which people do things at random; `done` and `refused` count them by name."""

    watched: Watched
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.pool, self.random = self.watched.pool, random.Random(self.seed)

    def block(self) -> None:
        """Mine one block with up to ten acts, a while after the one before."""
        if self.random.random() < 0.4:
            self._move_a_price()
        acts = [act for _ in range(self.random.randint(1, MOST_ACTS)) if (act := self._chosen())]
        chain = self.pool.chain
        chain.rpc.request("evm_setAutomine", False)
        try:
            hashes = self._send(acts)
            if self.random.random() < 0.2:
                chain.rpc.request("anvil_mine", hex(self.random.randint(1, 40)))
            chain.rpc.request("evm_setNextBlockTimestamp", hex(chain.head().timestamp_s + self.random.choice(GAPS_S)))
            chain.mine()
        finally:
            chain.rpc.request("evm_setAutomine", True)
        receipts = strict(chain.rpc.batch([("eth_getTransactionReceipt", (h,)) for h in hashes]))
        for act, receipt in zip(acts, receipts, strict=True):
            (self.done if receipt and receipt["status"] == "0x1" else self.refused)[act.name] += 1

    def _send(self, acts: Sequence[Act]) -> list[str]:
        rpc, nonces, hashes = self.pool.chain.rpc, dict[str, int](), list[str]()
        for act in acts:
            if act.sender not in nonces:
                nonces[act.sender] = int(rpc.request("eth_getTransactionCount", act.sender, "latest"), 16)
            request = {"from": act.sender, "to": act.to, "data": act.data, "gas": hex(GAS)}
            request |= {"gasPrice": "0x0", "nonce": hex(nonces[act.sender])}
            hashes.append(rpc.request("eth_sendTransaction", request))
            nonces[act.sender] += 1
        return hashes

    def _move_a_price(self) -> None:
        one = self._any(self.pool.vtokens)
        price = self.pool.price(one)
        if price:
            far = price > 20 * one.price or price < one.price // 20
            ppm = self.random.choice((700_000, 900_000, 980_000, 1_010_000, 1_100_000, 1_400_000))
            self.pool.tell(one, one.price if far else price * ppm // 10**6)

    def _chosen(self) -> Act | None:
        acts: Sequence[tuple[Callable[[], Act | None], int]] = (
            (self._mint, 5), (self._redeem, 4), (self._borrow, 6), (self._repay, 5), (self._repay_all, 3),
            (self._for_another, 2), (self._transfer, 3), (self._enter, 3), (self._exit, 3), (self._accrue, 1),
            (self._liquidate, 9), (self._heal, 2), (self._mint_vai, 4), (self._repay_vai, 3), (self._choose, 3),
            (self._liquidate_vai, 5),
        )  # fmt: skip
        return self.random.choices([a for a, _ in acts], [w for _, w in acts])[0]()

    def _mint(self) -> Act:
        one = self._any(self.pool.vtokens)
        dollars = self.random.lognormvariate(5, 2)
        return Act("mint", self._someone(), one.address, calldata(MINT, max(self._raw(one, dollars), 1)))

    def _redeem(self) -> Act | None:
        user, one = self._someone(), self._any(self.pool.vtokens)
        held = self._snapshot(one, user)[1]
        part = held // self.random.choice((1, 3, 20))
        return Act("redeem", user, one.address, calldata(REDEEM, part)) if part else None

    def _borrow(self) -> Act | None:
        user, one = self._someone(), self._any(self.pool.vtokens)
        says = self.pool.liquidities([user])[0]
        room = says[1] if not isinstance(says, str) else 0
        amount = room * 10**18 // max(self.pool.price(one), 1) * self.random.randint(5, 90) // 100
        return Act("borrow", user, one.address, calldata(BORROW, amount)) if amount else None

    def _repay(self) -> Act | None:
        user, one = self._someone(), self._any(self.pool.vtokens)
        owed = self._snapshot(one, user)[2]
        amount = owed // self.random.randint(2, 20)
        return Act("repay", user, one.address, calldata(REPAY, amount)) if amount else None

    def _repay_all(self) -> Act | None:
        user, one = self._someone(), self._any(self.pool.vtokens)
        return Act("repay all", user, one.address, calldata(REPAY, MAX)) if self._snapshot(one, user)[2] else None

    def _for_another(self) -> Act | None:
        user, one = self._someone(), self._any(self.pool.vtokens)
        owed = self._snapshot(one, user)[2]
        data = calldata("repayBorrowBehalf(address,uint256)", user, owed // 3)
        return Act("repay for another", self._someone(), one.address, data) if owed // 3 else None

    def _transfer(self) -> Act | None:
        user, one = self._someone(), self._any(self.pool.vtokens)
        held = self._snapshot(one, user)[1]
        data = calldata("transfer(address,uint256)", self._someone(), held // self.random.choice((1, 5)))
        return Act("transfer", user, one.address, data) if held // 5 else None

    def _enter(self) -> Act:
        one = self._any(self.pool.vtokens)
        return Act("enter", self._someone(), self.pool.comptroller, calldata("enterMarkets(address[])", [one.address]))

    def _exit(self) -> Act:
        one = self._any(self.pool.vtokens)
        return Act("exit", self._someone(), self.pool.comptroller, calldata("exitMarket(address)", one.address))

    def _accrue(self) -> Act:
        return Act("accrue", DEPLOYER, self._any(self.pool.vtokens).address, calldata("accrueInterest()"))

    def _liquidate(self) -> Act | None:
        """Take a part of one debt of somebody past the line."""
        user = self._past_the_line()
        if user is None:
            return None
        debts = [one for one in self.pool.vtokens if self._snapshot(one, user)[2]]
        held = [one for one in self.pool.vtokens if self._snapshot(one, user)[1]]
        if not debts or not held:
            return None
        debt, collateral = self._any(debts), self._any(held)
        amount = self._snapshot(debt, user)[2] // self.random.choice((2, 3, 20))
        return Act("liquidate", LIQUIDATOR, debt.address, calldata(LIQUIDATE, user, amount, collateral.address))

    def _heal(self) -> Act | None:
        user = self._past_the_line()
        if user is None or not self.pool.registry:
            return None
        return Act("heal", LIQUIDATOR, self.pool.comptroller, calldata("healAccount(address)", user))

    def _mint_vai(self) -> Act | None:
        user = self._someone()
        says = self.pool.liquidities([user])[0]
        amount = 0 if isinstance(says, str) else says[1] // self.random.choice((2, 10))
        return self._at_controller("mint VAI", user, "mintVAI(uint256)", amount) if amount else None

    def _repay_vai(self) -> Act | None:
        user = self._someone()
        owed = self._owed_vai(user)
        amount = owed * 2 if self.random.random() < 0.3 else owed // self.random.randint(2, 9)
        return self._at_controller("repay VAI", user, "repayVAI(uint256)", amount) if amount else None

    def _liquidate_vai(self) -> Act | None:
        user = self._past_the_line()
        owed = self._owed_vai(user) if user else 0
        held = [one for one in self.pool.vtokens if user and self._snapshot(one, user)[1]]
        if not owed or not held:
            return None
        arguments = (user, owed // self.random.choice((2, 7)), self._any(held).address)
        return self._at_controller("liquidate VAI", LIQUIDATOR, "liquidateVAI(address,uint256,address)", *arguments)

    def _choose(self) -> Act | None:
        if "controller" not in self.pool.extras:
            return None
        data = calldata("enterPool(uint96)", self.random.choice((0, 1, 2)))
        return Act("choose a pool", self._someone(), self.pool.comptroller, data)

    def _at_controller(self, name: str, user: str, signature: str, *arguments: object) -> Act | None:
        controller = self.pool.extras.get("controller")
        return Act(name, user, controller, calldata(signature, *arguments)) if controller else None

    def _owed_vai(self, user: str) -> int:
        controller = self.pool.extras.get("controller")
        if controller is None:
            return 0
        return int(self.pool.chain.view(controller, "getVAIRepayAmount(address)(uint256)", user))

    def _past_the_line(self) -> str | None:
        says = self.pool.liquidities(self.pool.people)
        found = [u for u, one in zip(self.pool.people, says, strict=True) if not isinstance(one, str) and one[2]]
        return self._any(found) if found else None

    def _snapshot(self, one: VToken, user: str) -> tuple[int, int, int, int]:
        return self.pool.snapshots(one, [user])[0]

    def _raw(self, one: VToken, dollars: float) -> int:
        return int(dollars * 10**one.decimals / one.dollars)

    def _someone(self) -> str:
        return self._any(self.pool.people)

    def _any(self, of: Sequence[T]) -> T:
        return self.random.choice(of)
