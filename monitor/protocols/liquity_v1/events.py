"""Which logs say that a trove changed, how troves are found from them, and what they did to it, to the last unit."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from monitor.abi import interface
from monitor.adapter import Changed, Fold, Known, Liquidated
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.ledger.accounts import Account
from monitor.protocols.liquity_v1.accounts import account_of
from monitor.protocols.liquity_v1.health import priced, trove_of
from monitor.protocols.liquity_v1.market import DEBT, ETHER, Market
from monitor.protocols.liquity_v1.math import Trove
from monitor.query import Log, LogFilter

_MANAGER = interface("liquity_v1", "trove_manager")
_POOL = interface("liquity_v1", "active_pool")
_TOPIC = _MANAGER.topics
_SENT = _POOL.topics["EtherSent"]
_UNSAID = Address("0x" + "00" * 20)


def discovery(manager: MarketKey, operations: Address) -> LogFilter:
    """Return the filter of the logs that name everyone who ever had a trove: opening one tells it."""
    return LogFilter((Address(manager), operations), ((_TOPIC["TroveUpdated"],),))


def discovered(logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return whose troves the logs name, in the order of the first time."""
    return tuple(dict.fromkeys(_borrower(log) for log in logs))


def interests(market: Market) -> LogFilter:
    """Return the filter of all logs that change a trove or tell of a liquidation, from three contracts."""
    layout = market.layout
    topics = (*(_TOPIC[name] for name in ("TroveUpdated", "TroveSnapshotsUpdated", "TroveLiquidated")), _SENT)
    addresses = (layout.trove_manager, layout.borrower_operations, layout.active_pool)
    return LogFilter(addresses, ((*topics, _TOPIC["Liquidation"]),))


def touched(market: Market, logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return whose troves these logs change; a redistribution changes the market, not what troves store."""
    return discovered(log for log in logs if _is_update(market, log))


def fold(before: Market, market: Market, known: Known, logs: Sequence[Log]) -> Fold:
    """Return what the logs between two moments, in their order, did to the system and to its troves.

    A log tells all that a trove stores but the redistribution terms, and these are told just before it where they
    change. Raises DecodeError for a log of the wrong form.
    """
    replay = _Replay(market, known)
    for log in logs:
        replay.take(log)
    unknown = tuple(key for key in touched(market, logs) if known(key) is None)
    return Fold(
        put=tuple(replay.accounts.values()),
        reread=unknown,
        appeared=unknown,
        liquidated=tuple(_liquidated(market, logs)),
        changed=tuple(_changed(before, market)),
    )


def bears_on(account: Account) -> bool:
    """Return whether a change of the whole system matters to an account: whether it owes."""
    return any(balance.kind == DEBT for balance in account.balances)


@dataclass(slots=True)
class _Replay:
    """Troves as the logs make them. `terms` are those told last, of the trove whose log comes next."""

    market: Market
    known: Known
    accounts: dict[PositionKey, Account] = field(default_factory=dict)
    terms: tuple[Log, tuple[int, int]] | None = None

    def take(self, log: Log) -> None:
        """Apply one log."""
        if log.address == self.market.layout.trove_manager and log.topics[0] == _TOPIC["TroveSnapshotsUpdated"]:
            coll_wad, debt_wad = _MANAGER.events["TroveSnapshotsUpdated"].values(log)
            self.terms = (log, (int(coll_wad), int(debt_wad)))
        elif _is_update(self.market, log):
            self._update(log)

    def _update(self, log: Log) -> None:
        borrower, debt_raw, coll_raw, stake, _ = _MANAGER.events["TroveUpdated"].values(log)
        told, self.terms = self.terms, None
        key = PositionKey(str(borrower))
        account = self.accounts.get(key) or self.known(key)
        if account is None:
            return
        trove = replace(trove_of(account), coll_raw=int(coll_raw), debt_raw=int(debt_raw), stake=int(stake))
        if told is not None and _is_same_transaction(told[0], log):
            trove = replace(trove, coll_per_stake_wad=told[1][0], debt_per_stake_wad=told[1][1])
        is_closed = not (trove.coll_raw or trove.debt_raw or trove.stake)
        self.accounts[key] = account_of(key, Trove() if is_closed else trove)


def _liquidated(market: Market, logs: Sequence[Log]) -> Iterator[Liquidated]:
    """Yield each liquidated trove; who called is whom the pool pays for gas when a sequence of them is over."""
    layout, sequence, is_over = market.layout, list[Log](), False
    for log in logs:
        name = _said(market, log)
        if name == "TroveLiquidated":
            if is_over:
                yield from _told(market, sequence, _UNSAID)
                sequence, is_over = [], False
            sequence.append(log)
        elif name == "Liquidation":
            is_over = True
        elif is_over and log.address == layout.active_pool and _is_same_transaction(sequence[-1], log):
            caller, _ = _POOL.events["EtherSent"].values(log)
            yield from _told(market, sequence, Address(str(caller)))
            sequence, is_over = [], False
    yield from _told(market, sequence, _UNSAID)


def _said(market: Market, log: Log) -> str | None:
    """Return what the TroveManager tells of liquidations with a log."""
    if log.address != market.layout.trove_manager:
        return None
    return next((name for name in ("TroveLiquidated", "Liquidation") if log.topics[0] == _TOPIC[name]), None)


def _told(market: Market, sequence: Iterable[Log], caller: Address) -> Iterator[Liquidated]:
    for log in sequence:
        borrower, debt_raw, coll_raw, _ = _MANAGER.events["TroveLiquidated"].values(log)
        yield Liquidated(
            key=PositionKey(str(borrower)),
            collateral=ETHER.address,
            debt=market.layout.lusd.address,
            seized_raw=int(coll_raw),
            repaid_raw=int(debt_raw),
            liquidator=caller,
            log=log,
        )


def _changed(before: Market, market: Market) -> Iterator[Changed]:
    """Yield that the system entered or left recovery mode; the terms themselves cannot change."""
    old, new = (int(priced(one).is_recovering) for one in (before, market))
    if old != new:
        yield Changed(market.layout.trove_manager, "recovery mode", old, new)


def _is_update(market: Market, log: Log) -> bool:
    layout = market.layout
    return log.topics[0] == _TOPIC["TroveUpdated"] and log.address in (
        layout.trove_manager,
        layout.borrower_operations,
    )


def _is_same_transaction(one: Log, other: Log) -> bool:
    return (one.block_number, one.transaction_hash) == (other.block_number, other.transaction_hash)


def _borrower(log: Log) -> PositionKey:
    return PositionKey("0x" + log.topics[1][-40:])
