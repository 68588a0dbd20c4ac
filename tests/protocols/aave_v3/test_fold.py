"""Accounts folded from logs are, block after block, what the contracts store, and their debts add up."""

from collections import Counter
from collections.abc import Iterable

import pytest

from monitor.adapter import Fold
from monitor.domain.ids import PositionKey, address
from monitor.ledger.sums import sums
from monitor.protocols.aave_v3.market import Market
from monitor.query import Log, Logs, ask_raw
from tests.devnet import LIQUIDATOR
from tests.length import Bounded
from tests.protocols.aave_v3.acting import Acting
from tests.protocols.aave_v3.watched import Watched

pytestmark = pytest.mark.devnet

BLOCKS = 200
STRIDE = 20
EVERY_ACT = (
    *("supply", "borrow", "delegated", "repay", "repay with aTokens", "withdraw", "transfer", "collateral", "e-mode"),
    *("liquidate", "treasury", "price"),
)


class Following:
    """A dictionary for a ledger: what every block's logs make of it, held against what the contracts store."""

    def __init__(self, watched: Watched, keys: Iterable[PositionKey]) -> None:
        self.watched = watched
        self.market = watched.market()
        self.at = watched.devnet.chain.head().number
        self.accounts = {a.key: a for a in watched.accounts(self.market, list(keys))}
        self.counts: Counter[str] = Counter()
        self.mismatches: list[str] = []
        self.behind = (self.market, dict(self.accounts), list[Log]())

    def step(self) -> Fold:
        """Take the next block's logs and compare everything."""
        self.at += 1
        watched, block = self.watched, hex(self.at)
        before, market = self.market, watched.node.read(watched.adapter.again(self.market), block)
        logs = self._logs(market, self.at)
        fold = watched.adapter.fold(before, market, self.accounts.get, logs)
        self._agrees_with_touched(fold, market, logs)
        self.market = market
        self.accounts |= {account.key: account for account in fold.put}
        reread = watched.node.read(watched.adapter.accounts(market, fold.reread), block)
        self.accounts |= {account.key: account for account in reread}
        self._compare(block)
        self.counts.update(
            blocks=1, logs=len(logs), put=len(fold.put), reread=len(fold.reread), appeared=len(fold.appeared)
        )
        self.counts["liquidated"] += len(fold.liquidated)
        self.behind[2].extend(logs)
        if self.counts["blocks"] % STRIDE == 0:
            self._fold_many_at_once()
        return fold

    def _logs(self, market: Market, block: int) -> tuple[Log, ...]:
        read = ask_raw(Logs(self.watched.adapter.interests(market), block))
        (found,) = self.watched.node.read(read, hex(block))
        assert isinstance(found, tuple)
        return found

    def _agrees_with_touched(self, fold: Fold, market: Market, logs: tuple[Log, ...]) -> None:
        """Whatever folding changes, the other way to stay current would have read again."""
        touched = set(self.watched.adapter.touched(market, logs))
        for key in {*(account.key for account in fold.put), *fold.reread} - touched:
            self.mismatches.append(f"block {self.at}: {key} was folded and not touched")

    def _compare(self, block: str) -> None:
        watched, market = self.watched, self.market
        truth = watched.node.read(watched.adapter.accounts(market, list(self.accounts)), block)
        for account in truth:
            self.counts["compared"] += 1
            if account != self.accounts[account.key]:
                self.mismatches.append(f"block {self.at}: expected {account}, found {self.accounts[account.key]}")
        owed = watched.node.read(watched.adapter.totals(market), block)
        debts = {place: total for place, total in sums(truth).items() if place in owed}
        self.counts["totals"] += len(owed)
        if debts != owed:
            self.mismatches.append(f"block {self.at}: expected debts {owed}, found {debts}")

    def _fold_many_at_once(self) -> None:
        """The logs of many blocks in a row make of the accounts before them what those of each block made."""
        market, accounts, logs = self.behind
        fold = self.watched.adapter.fold(market, self.market, accounts.get, logs)
        unread = {key: account for key, account in self.accounts.items() if key not in fold.reread}
        at_once = accounts | {account.key: account for account in fold.put}
        self.mismatches += [
            f"to block {self.at} at once: expected {account}, found {at_once.get(key)}"
            for key, account in unread.items()
            if account != at_once.get(key)
        ]
        self.behind = (self.market, dict(self.accounts), [])


@pytest.fixture
def acting(watched: Watched) -> Acting:
    acting = Acting(watched.devnet, seed=11)
    acting.begin()
    return acting


def test_folded_accounts_are_what_the_contracts_store_at_every_block(
    watched: Watched, acting: Acting, bounded: Bounded
) -> None:
    following = Following(watched, {*watched.keys, PositionKey(address(LIQUIDATOR))})
    while acting.blocks < bounded(BLOCKS):
        acting.block()
        acting.count()
        following.step()
    assert following.mismatches == []
    counts = following.counts
    assert counts["blocks"] == bounded(BLOCKS)
    assert counts["compared"] >= bounded(BLOCKS) * len(watched.keys)
    assert counts["put"] >= bounded(150)
    assert counts["liquidated"] == acting.done["liquidate"] >= bounded(50)
    assert counts["reread"] - counts["appeared"] <= 100
    assert min(acting.done[name] for name in EVERY_ACT) >= bounded(5), acting.done
