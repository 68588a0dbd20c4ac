"""What a protocol tells the tests that every adapter passes: see `contract.py` and `following.py`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from monitor.adapter import Followed
from monitor.domain.deployment import Deployment
from monitor.domain.health import NoDebt
from monitor.domain.prices import Node
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.query import Ask, T
from tests.protocols.answering import Node as ChainNode

Random = np.random.Generator


class Reader(Protocol):
    """One moment that can be read; `tests.recordings.played.Played` is one, `ReaderAt` makes one of a node."""

    def read(self, read: Ask[T]) -> T: ...


@dataclass(frozen=True)
class ReaderAt:
    """A block of a real chain as a moment: `ReaderAt(Node(chain.rpc), "0x1a")`."""

    node: ChainNode
    block: str

    def read(self, read: Ask[T]) -> T:
        return self.node.read(read, self.block)


def reads_every_leg(adapter: Followed[Any], market: Any, account: Account, node: Node) -> bool:
    """Return whether a price is read for an account where the protocol reads the price of every leg of a debtor."""
    seen = adapter.assess(market, account)
    if isinstance(seen.health, NoDebt):
        return False
    return any(node in (leg.node, *market.graph.drivers[leg.node]) for leg in seen.legs)


def with_more_debt(adapter: Followed[Any], account: Account, more_raw: int) -> Account:
    """Return the account with a little more of each of its debts."""
    owed = adapter.cells.debt
    rows = (Balance(b.asset, b.kind, b.raw + more_raw if b.kind in owed else b.raw) for b in account.balances)
    return replace(account, balances=tuple(rows))


@dataclass(frozen=True)
class Family:
    """One protocol.

    `wild(random, count)` makes up a market and so many accounts of it, most near the line: every size of price, index
    and balance that the contract can hold. `reads_price` says whether an account's health depends on a price being
    known; `grown` adds to its debts. `may_rise_bps`: how far averaging can lift a health although a price fell (Aave
    before 3.5). `empty` is an account with nothing.

    `deployment` and `moments()` (readers in the order of time, of one chain) are the truth: all of a recording, or
    blocks of a real chain. `totals_within_raw` is how far the debts of N accounts may be from the market's total, per
    account; `most_calls` how many calls reading one account may take. `most_width` is the median width of the screen's
    intervals, as a part of the health.
    """

    adapter: Followed[Any]
    wild: Callable[[Random, int], tuple[Any, Accounts]]
    deployment: Deployment
    moments: Callable[[], Sequence[Reader]]
    empty: Account
    reads_price: Callable[[Any, Any, Account, Node], bool] = reads_every_leg
    grown: Callable[[Any, Account, int], Account] = with_more_debt
    may_rise_bps: int = 0
    totals_within_raw: int = 0
    most_calls: int = 4
    most_width: float = 1e-3
