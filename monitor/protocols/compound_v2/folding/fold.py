"""What the logs between two moments of a comptroller did to its accounts.

`Borrow` and `RepayBorrow` tell the debt as it is written, `AccrueInterest` before them the index it is written at, and
`Transfer` every movement of cTokens, so that accounts are known from logs to the last unit. Who enters or leaves a
market, or begins to owe, is read again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from monitor.adapter import Fold, Known, Liquidated
from monitor.domain.ids import Address, PositionKey
from monitor.errors import DecodeError
from monitor.ledger.accounts import Account, Balance
from monitor.protocols.compound_v2.events import (
    BORROW,
    ENTERED,
    EXITED,
    INDEX_WORD,
    LIQUIDATE,
    LIQUIDATED_VAI,
    READ_AGAIN,
    REPAY,
    TRANSFER,
    UNLISTED,
    address_at,
    number_at,
    touched,
)
from monitor.protocols.compound_v2.folding.changes import changes
from monitor.protocols.compound_v2.health import stakes_of
from monitor.protocols.compound_v2.market import HELD, IDLE, MINTED, Asset, Market
from monitor.protocols.compound_v2.rows import Debt, minted_rows, rows
from monitor.query import Log

_WORDS = {TRANSFER: 3, BORROW: 4, REPAY: 5, LIQUIDATE: 5, LIQUIDATED_VAI: 5, ENTERED: 2, EXITED: 2} | {
    topic: word + 2 for topic, word in INDEX_WORD.items()
}


def fold(before: Market, market: Market, known: Known, logs: Sequence[Log]) -> Fold:
    """Return what the logs between two moments of a comptroller, in their order, did to it and to its accounts.

    `everyone` where a market was listed or is no longer, since what accounts hold in it no log before tells. Raises
    DecodeError for a log of the wrong form.
    """
    replay = _Replay(market, known)
    for log in logs:
        replay.take(log)
    return Fold(
        put=tuple(replay.folded()),
        reread=tuple(replay.reread),
        appeared=tuple(key for key in replay.reread if known(key) is None),
        liquidated=tuple(_liquidated(market, logs)),
        changed=changes(before, market, logs),
        everyone=before.layout.assets != market.layout.assets or any(log.topics[0] == UNLISTED for log in logs),
    )


@dataclass(slots=True)
class _Stored:
    """One account while the logs are applied: cTokens in entered markets, in others, and debts, by place."""

    account: Account
    held: dict[int, int] = field(default_factory=dict)
    idle: dict[int, int] = field(default_factory=dict)
    debts: dict[int, Debt] = field(default_factory=dict)
    minted: tuple[Balance, ...] = ()

    @classmethod
    def of(cls, account: Account) -> "_Stored":
        made = cls(account)
        for stake in stakes_of(account):
            if stake.held is not None:
                made.held[stake.place] = stake.held
            if stake.idle:
                made.idle[stake.place] = stake.idle
            if stake.place == MINTED:
                made.minted = minted_rows(stake.principal_raw, stake.at_index, stake.bearing_raw)
            elif stake.principal_raw:
                made.debts[stake.place] = Debt(stake.principal_raw, stake.at_index)
        return made

    @property
    def now(self) -> Account:
        """The account as it is read: what lies idle matters only beside a debt."""
        places = sorted(self.held.keys() | self.idle.keys() | self.debts.keys())
        found: list[Balance] = list(self.minted)
        for place in places:
            found += rows(place, HELD, self.held.get(place), self.debts.get(place))
            if self.debts and self.idle.get(place):
                found += rows(place, IDLE, self.idle[place], None)
        return replace(self.account, balances=tuple(found))


@dataclass(slots=True)
class _Replay:
    """Accounts as the logs make them. `reread` are those whose state the logs do not tell."""

    market: Market
    known: Known
    reread: dict[PositionKey, None] = field(default_factory=dict)
    _stored: dict[PositionKey, _Stored] = field(default_factory=dict)
    _indices: dict[tuple[str, int], int] = field(default_factory=dict)

    def take(self, log: Log) -> None:
        """Apply one log."""
        topic, asset = log.topics[0], self.market.layout.assets.get(Address(log.address.lower()))
        _check(log)
        if topic in READ_AGAIN:
            self.reread.update(dict.fromkeys(touched(self.market, (log,))))
        elif asset is None:
            return
        elif topic in INDEX_WORD:
            self._indices[log.address, log.block_number] = number_at(log, INDEX_WORD[topic])
        elif topic == TRANSFER:
            amount = number_at(log, 2)
            self._move(asset, address_at(log, 0), -amount)
            self._move(asset, address_at(log, 1), amount)
        elif topic in (BORROW, REPAY):
            place = int(topic == REPAY)
            self._write(log, asset, PositionKey(address_at(log, place)), number_at(log, place + 2))

    def folded(self) -> Iterator[Account]:
        """Yield the accounts that are known to the last unit."""
        for key, stored in self._stored.items():
            if key not in self.reread:
                yield stored.now

    def _move(self, asset: Asset, account: Address, amount: int) -> None:
        stored = self._of(PositionKey(account))
        if stored is None:
            return
        if asset.place in stored.held:
            where = stored.held
        elif stored.debts and self.market.layout.rules.seizes_idle:
            where = stored.idle
        else:
            return
        where[asset.place] = where.get(asset.place, 0) + amount
        if where[asset.place] < 0:
            self.reread[stored.account.key] = None

    def _write(self, log: Log, asset: Asset, key: PositionKey, principal_raw: int) -> None:
        stored, index = self._of(key), self._indices.get((log.address, log.block_number))
        if stored is None or index is None or not stored.debts or asset.place not in stored.held:
            self.reread[key] = None
        elif principal_raw:
            stored.debts[asset.place] = Debt(principal_raw, index)
        else:
            stored.debts.pop(asset.place, None)
            if not stored.debts:
                stored.idle.clear()

    def _of(self, key: PositionKey) -> _Stored | None:
        stored = self._stored.get(key)
        if stored is None and (account := self.known(key)) is not None:
            stored = self._stored[key] = _Stored.of(account)
        return stored


def _liquidated(market: Market, logs: Sequence[Log]) -> Iterator[Liquidated]:
    for log in logs:
        debt = market.asset_of(log.address)
        if log.topics[0] not in (LIQUIDATE, LIQUIDATED_VAI) or debt is None:
            continue
        ctoken = address_at(log, 3)
        collateral = market.layout.assets.get(ctoken)
        yield Liquidated(
            key=PositionKey(address_at(log, 1)),
            collateral=ctoken,
            debt=debt.underlying.address,
            seized_raw=number_at(log, 4),
            repaid_raw=number_at(log, 2),
            liquidator=address_at(log, 0),
            log=log,
            collateral_token=None if collateral is None else collateral.ctoken,
        )


def _check(log: Log) -> None:
    wanted = _WORDS.get(log.topics[0])
    if wanted is not None and len(log.topics) - 1 + len(log.data) // 32 < wanted:
        found = f"{len(log.topics)} topics and {len(log.data)} bytes"
        where = f"{log.address} in block {log.block_number}"
        raise DecodeError(f"event {log.topics[0]} at {where}: expected {wanted} words, found {found}")
