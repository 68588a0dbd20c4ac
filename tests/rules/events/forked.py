"""A chain that forks at random with liquidations in its blocks, and what a follower of it must have said."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.domain.alerts import AlertKind
from monitor.domain.ids import Address
from monitor.domain.moment import BlockRef
from monitor.rules.events.liquidations import Liquidation, Sighting
from tests.fakes.evaluations import CHAIN, USDC, WETH, position

MINED_AGAIN_WITHIN = 500
BLOCK_S = 12


def ref(number: int, branch: int, parent_hash: str) -> BlockRef:
    return BlockRef(CHAIN, number, f"0x{branch:032x}{number:032x}", parent_hash, 1_750_000_000 + BLOCK_S * number)


def liquidation(transaction: int, block: int, amount: int, number: int = 0) -> Liquidation:
    """The liquidation of a transaction, wherever it is mined."""
    of = position(1 + transaction % 50)
    by = Address(f"0x{transaction + 2**100:040x}")
    written_off = ((USDC, amount),) if amount % 3 == 0 else ()
    transaction_hash = f"0x{transaction:064x}"
    return Liquidation(
        of, Address(of.key), WETH, USDC, amount, amount + 1, by, transaction_hash, number, block, written_off
    )


@dataclass
class Forked:
    """The chain as it stands: `blocks[n]` is block n; no block up to `settled` is ever taken back."""

    seed: int
    blocks: list[BlockRef] = field(default_factory=lambda: [ref(0, 0, "")])
    found: dict[str, tuple[Liquidation, ...]] = field(default_factory=dict)
    settled: int = 0
    _branch: int = 0
    _transactions: int = 0
    _waiting: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    @property
    def head(self) -> BlockRef:
        return self.blocks[-1]

    def of(self, block: BlockRef) -> tuple[Liquidation, ...]:
        return self.found.get(block.hash, ())

    def fork(self, deep: int) -> int:
        """Take back up to `deep` blocks and mine as many and a few more; returns how many were taken back."""
        depth = min(deep, self.head.number - self.settled)
        for block in self.blocks[len(self.blocks) - depth :]:
            self._waiting += {(int(one.transaction, 16), block.number) for one in self.of(block)}
        del self.blocks[len(self.blocks) - depth :]
        self._branch += 1
        for _ in range(depth + self.chance.randrange(3)):
            self._mine()
        settled = self.head.number - self.chance.choice((2, 5, 64, 200))
        self.settled = max(self.settled, settled)
        return depth

    def _mine(self) -> None:
        at = ref(self.head.number + 1, self._branch, self.head.hash)
        lot, mined = self.chance.random(), list[int]()
        self._waiting = [w for w in self._waiting if at.number - w[1] < MINED_AGAIN_WITHIN]
        if self._waiting and lot < 0.4:
            again, _ = self._waiting.pop(self.chance.randrange(len(self._waiting)))
            mined.append(again)
        if lot > 0.6:
            self._transactions += 1
            mined.append(self._transactions)
        if mined:
            twice = self.chance.random() < 0.1
            self.found[at.hash] = tuple(
                liquidation(t, at.number, self.chance.randrange(1, 10**30), n) for t in mined for n in range(1 + twice)
            )
        self.blocks.append(at)


@dataclass
class Heard:
    """Everything that was said, held against the chain."""

    seen: Counter[str] = field(default_factory=Counter)
    announced: dict[str, Liquidation] = field(default_factory=dict)
    checked: int = 0
    standing: int = 0

    def hear(self, said: Sequence[tuple[Sighting, AlertKind]], settled: int) -> None:
        for sighting, kind in said:
            if kind is AlertKind.LIQUIDATED:
                assert sighting.id not in self.announced, "announced twice"
                assert sighting.liquidation.block <= settled, "announced before it was settled"
                self.announced[sighting.id] = sighting.liquidation
            else:
                assert kind is AlertKind.LIQUIDATION_SEEN
                assert sighting.id not in self.announced, "seen after it was announced"
                self.seen[sighting.id] += 1
                assert self.seen[sighting.id] == 1, "seen twice"

    def check(self, chain: Forked, at: BlockRef, settled: int) -> None:
        """What is settled and followed was announced with its own amounts; what is not was told as seen, once."""
        last = min(settled, at.number)
        for block in chain.blocks[self.checked + 1 : last + 1]:
            for one in chain.of(block):
                assert self.announced[one.id] == one
                self.standing += 1
        self.checked = max(self.checked, last)
        assert self.standing == len(self.announced), "announced what does not stand"
        for block in chain.blocks[last + 1 : at.number + 1]:
            for one in chain.of(block):
                assert self.seen[one.id] == 1
