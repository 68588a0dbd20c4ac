"""A chain whose blocks a script writes, and a ledger in plain dictionaries that only ever goes forward."""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from monitor.domain.ids import Address, ChainId, PositionKey
from monitor.domain.moment import BlockRef
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.ledger.changes import Changes
from monitor.ledger.ledger import Ledger

CHAIN = ChainId("eip155:31337")
SIZES = (0, 1, 5, 2**32, 2**64 - 1, 2**64, 2**100, 2**128 - 1)


def key(number: int, key_bytes: int = 20) -> PositionKey:
    return PositionKey("0x" + number.to_bytes(key_bytes, "big").hex())


def owner(number: int) -> Address:
    return Address(f"0x{number + 2**150:040x}")


def ref(number: int, branch: int = 0, parent: BlockRef | None = None) -> BlockRef:
    above = parent.hash if parent else f"0x{number - 1:032x}{branch:032x}"
    return BlockRef(CHAIN, number, f"0x{number:032x}{branch:032x}", above, 1_750_000_000 + 12 * number)


def account(number: int, chance: random.Random, key_bytes: int = 20, owners: int = 0) -> Account:
    places = chance.sample(range(40), chance.randrange(6))
    balances = tuple(Balance(place // 4, place % 4, chance.choice(SIZES)) for place in places)
    name = owner(chance.randrange(owners)) if owners else None
    return Account(key(number, key_bytes), chance.randrange(3), balances, name)


@dataclass(frozen=True)
class Known:
    """What a dictionary knows of one account."""

    account: Account
    is_stale: bool = False


State = Mapping[PositionKey, Known]


def after(state: State, changes: Changes, *, has_owners: bool = False) -> dict[PositionKey, Known]:
    """Return the state after the changes, as their docstring says and without any of the ledger's code."""
    nobody = Address("0x" + "00" * 20) if has_owners else None
    now = {k: known for k, known in state.items() if k not in changes.gone}
    now |= {account.key: Known(account) for account in changes.put}
    for failed, _ in changes.put.failed:
        stood = state[failed].account if failed in state else Account(failed, 0, (), nobody)
        now[failed] = Known(stood, is_stale=True)
    return now


def fresh(state: State, key_bytes: int = 20, *, has_owners: bool = False) -> Ledger:
    """Return a ledger that knows this state and no history."""
    ledger = Ledger(key_bytes, salt=7, has_owners=has_owners)
    stale = np.array([known.is_stale for known in state.values()], np.bool_)
    ledger.load(Accounts.of((known.account for known in state.values()), key_bytes), stale)
    return ledger


def held(ledger: Ledger) -> dict[PositionKey, Known]:
    """Return what a ledger holds."""
    rows = ledger.live()
    return {a.key: Known(a, bool(s)) for a, s in zip(ledger.accounts(rows), ledger.is_stale(rows), strict=True)}


def changes(
    at: BlockRef, chance: random.Random, people: int, key_bytes: int = 20, owners: int = 0, most: int = 5
) -> Changes:
    """Return changes of a few accounts: put, failed and gone."""
    touched = chance.sample(range(people), chance.randrange(most + 1))
    put, failed, gone = [], [], []
    for number in touched:
        lot = chance.random()
        if lot < 0.7:
            put.append(account(number, chance, key_bytes, owners))
        elif lot < 0.8:
            failed.append((key(number, key_bytes), "the node refused"))
        else:
            gone.append(key(number, key_bytes))
    return Changes(at, Accounts.of(put, key_bytes, failed), tuple(gone))


@dataclass
class Scripted:
    """Blocks as a tree: each with its changes and, kept from the way forward, the state after it."""

    people: int = 40
    seed: int = 1
    states: dict[str, State] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.genesis = ref(0)
        self.states[self.genesis.hash] = {}
        self._branches = 0

    def branch(self, parent: BlockRef, length: int) -> Iterator[Changes]:
        """Yield the changes of a new branch of blocks after `parent`."""
        self._branches += 1
        for number in range(parent.number + 1, parent.number + 1 + length):
            at = ref(number, self._branches, parent)
            step = changes(at, self.chance, self.people)
            self.states[at.hash] = after(self.states[parent.hash], step)
            yield step
            parent = at

    def keep(self, blocks: Iterable[BlockRef]) -> None:
        """Forget the states of all other blocks."""
        self.states = {block.hash: self.states[block.hash] for block in blocks}
