"""Random acts in all markets of the devnet, several to a block: every way in which a position can change."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from tests.devnet.chain.client import DEPLOYER
from tests.devnet.chain.codec import calldata
from tests.devnet.chain.rpc import strict
from tests.devnet.morpho.market import (
    ADD,
    BORROW,
    LIQUIDATE,
    LIQUIDATOR,
    PARAMETERS,
    REMOVE,
    REPAY,
    SUPPLY,
    WITHDRAW,
    One,
)
from tests.devnet.morpho.shape import WAD
from tests.protocols.morpho_blue.watched import Watched

GAPS_S = (0, 1, 12, 12, 60, 3_600, 86_400, 700_000)
MOST_ACTS = 10
GAS = 1_000_000
T = TypeVar("T")


class Act(NamedTuple):
    """One transaction to Morpho and what it is meant to do."""

    name: str
    sender: str
    data: str


@dataclass
class Acting:
    """Mines blocks in which people do things at random; `done` and `refused` count them by name."""

    watched: Watched
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.morpho, self.random = self.watched.morpho, random.Random(self.seed)
        self.people = list(self.morpho.people)
        for user, friend in zip(self.people[:20], self.people[20:40], strict=True):
            self.morpho.send("setAuthorization(address,bool)", friend, True, sender=user)

    def block(self) -> None:
        """Mine one block with up to ten acts in one or two markets, a while after the one before."""
        if self.random.random() < 0.3:
            self._move_a_price()
        ones = self.random.sample(self.morpho.markets, 2)
        acts = [act for _ in range(self.random.randint(1, MOST_ACTS)) if (act := self._chosen(self._any(ones)))]
        chain = self.morpho.chain
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
        rpc, nonces, hashes = self.morpho.chain.rpc, dict[str, int](), list[str]()
        for act in acts:
            if act.sender not in nonces:
                nonces[act.sender] = int(rpc.request("eth_getTransactionCount", act.sender, "latest"), 16)
            request = {"from": act.sender, "to": self.morpho.address, "data": act.data, "gas": hex(GAS)}
            request |= {"gasPrice": "0x0", "nonce": hex(nonces[act.sender])}
            hashes.append(rpc.request("eth_sendTransaction", request))
            nonces[act.sender] += 1
        return hashes

    def _move_a_price(self) -> None:
        one = self._any(self.morpho.markets)
        self.morpho.scale(one, self.random.choice((700_000, 900_000, 980_000, 1_010_000, 1_100_000, 1_400_000)))

    def _chosen(self, one: One) -> Act | None:
        acts: Sequence[tuple[Callable[[One], Act | None], int]] = (
            (self._add, 5), (self._remove, 4), (self._borrow, 6), (self._borrow_shares, 2), (self._repay, 5),
            (self._repay_all, 3), (self._for_another, 3), (self._liquidate, 9), (self._lend, 1), (self._withdraw, 1),
            (self._set_fee, 1),
        )  # fmt: skip
        return self.random.choices([a for a, _ in acts], [w for _, w in acts])[0](one)

    def _add(self, one: One) -> Act:
        user, on_behalf = self._someone(), self._someone()
        _, collateral = self.morpho.position(one, on_behalf)
        amount = max(collateral // self.random.randint(2, 50), 1)
        return Act("add", user, calldata(ADD, one.words, amount, on_behalf, b""))

    def _remove(self, one: One) -> Act | None:
        user = self._someone()
        shares, collateral = self.morpho.position(one, user)
        amount = collateral if not shares else collateral // self.random.randint(2, 30)
        return Act("remove", user, calldata(REMOVE, one.words, amount, user, user)) if amount else None

    def _borrow(self, one: One) -> Act | None:
        user = self._someone()
        return self._borrowing("borrow", one, user, user)

    def _for_another(self, one: One) -> Act | None:
        """Borrow on the account of somebody who allows it; the tokens go elsewhere."""
        place = self.random.randrange(20)
        return self._borrowing("borrow for another", one, self.people[20 + place], self.people[place])

    def _borrowing(self, name: str, one: One, user: str, on_behalf: str) -> Act | None:
        _, collateral = self.morpho.position(one, on_behalf)
        most = collateral * self.morpho.price(one) // 10**36 * one.shape.lltv // WAD
        amount = most // self.random.randint(3, 40)
        if not amount:
            return None
        return Act(name, user, calldata(BORROW, one.words, amount, 0, on_behalf, self._someone()))

    def _borrow_shares(self, one: One) -> Act | None:
        user = self._someone()
        shares, _ = self.morpho.position(one, user)
        amount = shares // self.random.randint(5, 50)
        return Act("borrow shares", user, calldata(BORROW, one.words, 0, amount, user, user)) if amount else None

    def _repay(self, one: One) -> Act | None:
        """Repay a part in assets, sometimes another's."""
        user, on_behalf = self._someone(), self._someone()
        (owed,) = self.morpho.owed(one, [on_behalf])
        amount = owed // self.random.randint(2, 20)
        return Act("repay", user, calldata(REPAY, one.words, amount, 0, on_behalf, b"")) if amount else None

    def _repay_all(self, one: One) -> Act | None:
        user = self._someone()
        shares, _ = self.morpho.position(one, user)
        return Act("repay all", user, calldata(REPAY, one.words, 0, shares, user, b"")) if shares else None

    def _liquidate(self, one: One) -> Act | None:
        """Take a part or all of somebody past the line, by collateral or by shares."""
        verdicts = self.morpho.verdicts(one, self.people)
        found = [user for user, says in zip(self.people, verdicts, strict=True) if says == "liquidated"]
        if not found:
            return None
        user = self._any(found)
        shares, collateral = self.morpho.position(one, user)
        part = self.random.choice((1, 1, 2, 7, 100))
        name, seized, repaid = self.random.choice(
            [("liquidate by collateral", collateral // part, 0), ("liquidate by shares", 0, shares // part)]
        )
        return Act(name, LIQUIDATOR, calldata(LIQUIDATE, one.words, user, seized, repaid, b""))

    def _lend(self, one: One) -> Act:
        amount = 10 ** one.decimals[1] * self.random.randint(1, 50)
        return Act("lend", DEPLOYER, calldata(SUPPLY, one.words, amount, 0, DEPLOYER, b""))

    def _withdraw(self, one: One) -> Act:
        amount = 10 ** one.decimals[1] * self.random.randint(1, 50)
        return Act("withdraw", DEPLOYER, calldata(WITHDRAW, one.words, amount, 0, DEPLOYER, DEPLOYER))

    def _set_fee(self, one: One) -> Act:
        fee = self.random.randint(0, 25) * WAD // 100
        return Act("set fee", DEPLOYER, calldata(f"setFee({PARAMETERS},uint256)", one.words, fee))

    def _someone(self) -> str:
        return self._any(self.people)

    def _any(self, of: Sequence[T]) -> T:
        return self.random.choice(of)
